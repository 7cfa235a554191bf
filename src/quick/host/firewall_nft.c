/* The firewall rules of a default route in nftables. */
#include "firewall_nft.h"

#include <errno.h>
#include <time.h>

#include "netfilter.h"
#include "nft.h"
#include "quick/plan/firewall_text.h"
#include "signals.h"

bool nft_can_name(const char *name)
{
	return !strpbrk(name, "=+");
}

/* A failure may be that of a moment: the kernel is short of memory, or another program changes rules. */
static int run_patiently(const char *commands, struct text *output, char why[256])
{
	enum { TRIES = 3, PAUSE_MS = 100 };
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int r = nft_run(commands, output, why);

	for (int i = 1; i < TRIES && r < 0 && r != -ENOENT && r != -EPROTONOSUPPORT && !stop_signal; i++) {
		nanosleep(&pause, NULL);
		r = nft_run(commands, output, why);
	}
	if (r < 0 && !why[0]) {
		struct text t = text_fixed(why, 256);
		text_add(&t, strerror(-r));
	}
	return r;
}

int firewall_nft_set(const struct plan *p, const struct step *s, char why[256])
{
	struct text t = text_heap();
	int r;

	firewall_nft_text(&t, p, s);
	r = t.failed ? -ENOMEM : run_patiently(t.p, NULL, why);
	text_heap_free(&t);
	return r;
}

struct command {
	char text[128];
};

static struct command make_command(const char *verb, uint8_t family, const char *name)
{
	struct command c;
	struct text t = text_fixed(c.text, sizeof c.text);

	text_f(&t, "%stable %s wg-quick-%s", verb, nft_family_name(family), name);
	return c;
}

/* 1: it exists; 0: it does not, or nft does not work here. */
static int has_table(const char *name, uint8_t family, char why[256])
{
	struct command wanted = make_command("", family, name);
	struct text tables = text_heap();
	struct span rest, line;
	bool exists = false;
	int r = nft_can_name(name) && netfilter_has_nftables() ? run_patiently("list tables\n", &tables, why) : -ENOENT;

	rest = text_of(&tables);
	while (r == 0 && span_next(&line, &rest, '\n'))
		exists |= span_is(line, wanted.text);
	text_heap_free(&tables);
	return r == -ENOENT || r == -EPROTONOSUPPORT ? 0 : r < 0 ? r : exists;
}

int firewall_nft_list(const char *name, uint8_t family, struct text *out)
{
	char why[256] = "";
	int r = has_table(name, family, why);

	return r <= 0 ? r : run_patiently(make_command("list ", family, name).text, out, why);
}

int firewall_nft_names(struct string_list *names)
{
	struct text tables = text_heap();
	char why[256];
	int r = netfilter_has_nftables() ? run_patiently("list tables\n", &tables, why) : 0;

	if (r == -ENOENT || r == -EPROTONOSUPPORT) /* there is no nft */
		r = 0;
	else if (r == 0 && !firewall_names(names, text_of(&tables), FIREWALL_NFT))
		r = -ENOMEM;
	text_heap_free(&tables);
	return r;
}

int firewall_nft_remove(const char *name, uint8_t family, bool traced, struct text *trace, char why[256])
{
	int r = has_table(name, family, why);

	if (r <= 0)
		return r;
	if (trace && !traced)
		text_add(trace, "[#] nft -f /dev/fd/63\n");
	return run_patiently(make_command("delete ", family, name).text, NULL, why);
}
