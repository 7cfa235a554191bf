#include "firewall.h"

#include <errno.h>
#include <unistd.h>

#include "nft.h"
#include "quick/plan/firewall_text.h"
#include "subprocess.h"
#include "report/report.h"

bool firewall_nft_can_name(const char *name)
{
	return !strpbrk(name, "=+");
}

enum firewall_tool firewall_choose(const char *name)
{
	bool iptables = subprocess_find("iptables-restore"), works;

	/* A kernel may know one and not the other; who may not ask (a dry run) takes nft to work.
	 * Asked twice, because iptables over a working nft leaves empty tables behind. */
	works = !iptables || geteuid() != 0 || nft_run("list tables\n", NULL, NULL) == 0 ||
		nft_run("list tables\n", NULL, NULL) == 0;
	if (firewall_nft_can_name(name) && nft_is_here() && works)
		return FIREWALL_NFT;
	return iptables ? FIREWALL_IPTABLES : FIREWALL_NONE;
}

static int apply_iptables(const struct plan *p, const struct step *s)
{
	struct text t = text_heap();
	struct subprocess like = { .quiet = s->remove };
	int r;

	firewall_iptables_text(&t, p, s);
	like.input = text_of(&t);
	r = t.failed ? -ENOMEM : subprocess_run_args(&like, iptables_restore_program(s->firewall.family), "-n", NULL);
	text_heap_free(&t);
	return r > 0 ? -EIO : r;
}

int firewall_apply(const struct plan *p, const struct step *s)
{
	struct text t = text_heap();
	char why[256] = "";
	int r;

	if (p->firewall == FIREWALL_IPTABLES)
		return apply_iptables(p, s);
	firewall_nft_text(&t, p, s);
	r = t.failed ? -ENOMEM : nft_run(t.p, NULL, why);
	text_heap_free(&t);
	if (r < 0 && !s->remove)
		report_warning("nft: %s", why[0] ? why : strerror(-r));
	return r;
}

bool firewall_exists(const char *name, uint8_t family)
{
	struct text out = text_heap();
	char command[128];
	struct text t = text_fixed(command, sizeof command);
	bool found;

	if (!firewall_nft_can_name(name))
		return false;
	text_f(&t, "list table %s wg-quick-%s\n", nft_family_name(family), name);
	found = nft_run(command, &out, NULL) == 0;
	text_heap_free(&out);
	return found;
}

/* ---- whatever is there ---- */

static void sweep_nft(const char *name, struct text *trace)
{
	static const uint8_t families[] = { IP_V4, IP_V6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		char command[128];
		struct text t = text_fixed(command, sizeof command);
		if (!firewall_exists(name, families[i]))
			continue;
		text_f(&t, "delete table %s wg-quick-%s\n", nft_family_name(families[i]), name);
		text_add(trace, "[#] nft -f /dev/fd/63\n");
		if (nft_run(command, NULL, NULL) < 0)
			report_warning("the nft table wg-quick-%s could not be removed", name);
	}
}

static bool span_has(struct span s, const char *words)
{
	return memmem(s.p, s.n, words, strlen(words));
}

/* Turns what iptables-save printed into the removal of the rules with our comment. */
static bool removal_of(struct text *out, struct span saved, const char *comment)
{
	struct span line;
	bool found = false;

	while (span_next(&line, &saved, '\n')) {
		if (span_starts(line, "*") || span_is(line, "COMMIT")) {
			text_span(out, line);
			text_char(out, '\n');
		} else if (span_starts(line, "-A") && span_has(line, comment)) {
			text_add(out, "-D");
			text_span(out, span_sub(line, 2, line.n));
			text_char(out, '\n');
			found = true;
		}
	}
	return found;
}

void firewall_sweep(const char *name, struct text *trace)
{
	static const char *const programs[][2] = { { "iptables-save", "iptables-restore" },
						   { "ip6tables-save", "ip6tables-restore" } };
	char comment[64];
	struct text c = text_fixed(comment, sizeof comment);

	sweep_nft(name, trace);
	text_f(&c, "--comment \"wg-quick(8) rule for %s\"", name);
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		struct text saved = text_heap(), removal = text_heap();
		struct subprocess look = { .output = &saved, .quiet = true }, restore = { .quiet = true };
		if (subprocess_find(programs[i][0]) && subprocess_run_args(&look, programs[i][0], NULL) == 0 &&
		    saved.p && removal_of(&removal, text_of(&saved), comment)) {
			text_f(trace, "[#] %s -n\n", programs[i][1]);
			restore.input = text_of(&removal);
			if (subprocess_run_args(&restore, programs[i][1], "-n", NULL) != 0)
				report_warning("%s could not remove the rules of %s", programs[i][1],
					    name);
		}
		text_heap_free(&saved);
		text_heap_free(&removal);
	}
}
