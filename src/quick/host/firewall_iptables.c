/* The firewall rules of a default route in iptables. */
#include "firewall_iptables.h"

#include <errno.h>
#include <time.h>

#include "firewall_chains.h"
#include "netfilter.h"
#include "quick/plan/firewall_text.h"
#include "signals.h"
#include "subprocess.h"

/* `iptables` is one of the other two. */
static const char *const variants[] = { "", "-nft", "-legacy" };

/* How long a lock that another program holds is waited for, and how often other failures are repeated. */
enum { LOCK_WAIT_S = 10, TRIES = 3, PAUSE_MS = 100 };
enum { EXIT_BUSY = 4 }; /* of iptables-restore */

struct program {
	char name[32];
};

static struct program program_name(uint8_t family, const char *variant, const char *verb)
{
	struct program p;
	struct text t = text_fixed(p.name, sizeof p.name);

	text_f(&t, "%s%s-%s", family == IP_V4 ? "iptables" : "ip6tables", variant, verb);
	return p;
}

bool iptables_is_installed(void)
{
	return subprocess_find("iptables-restore");
}

/* ---- reading ---- */

static int save_rules(const char *variant, uint8_t family, struct text *saved)
{
	struct program save = program_name(family, variant, "save");
	struct subprocess like = { .output = saved, .quiet = true };

	return subprocess_find(save.name) ? subprocess_run_args(&like, save.name, NULL) : -ENOENT;
}

static int read_rules(const char *variant, uint8_t family, const char *name, struct text *out)
{
	struct text saved = text_heap();
	int r = save_rules(variant, family, &saved);

	if (r == 0)
		firewall_iptables_filter(out, text_of(&saved), name);
	text_heap_free(&saved);
	return r > 0 ? -EIO : r == 0 && out->failed ? -ENOMEM : r;
}

int firewall_iptables_list(const char *name, uint8_t family, struct text *out)
{
	return firewall_chains_may_exist(family) ? read_rules("", family, name, out) : 0;
}

bool firewall_iptables_exists(const char *name, uint8_t family)
{
	struct text rules = text_heap();
	bool exists = false;

	for (size_t i = 0; firewall_chains_may_exist(family) && i < ARRAY_LEN(variants); i++)
		exists |= read_rules(variants[i], family, name, &rules) == 0 && rules.n > 0;
	text_heap_free(&rules);
	return exists;
}

/* True if rules may be missed that only this variant lists: the kernel may have them. */
static bool misses_rules(const char *variant, uint8_t family)
{
	bool nft = subprocess_find("iptables-nft-save"), legacy = subprocess_find("iptables-legacy-save");

	if (!variant[0])
		return !(nft && legacy) && (netfilter_has_nftables() || netfilter_has_xtables(family));
	return strcmp(variant, "-nft") == 0 ? netfilter_has_nftables() : netfilter_has_xtables(family);
}

static int add_names(struct string_list *names, const char *variant, uint8_t family)
{
	struct text saved = text_heap();
	int r = save_rules(variant, family, &saved);

	if (r == 0)
		r = firewall_names(names, text_of(&saved), FIREWALL_IPTABLES) ? 0 : -ENOMEM;
	else if (r == -ENOENT || !misses_rules(variant, family))
		r = 0;
	text_heap_free(&saved);
	return r > 0 ? -EIO : r;
}

int firewall_iptables_names(struct string_list *names)
{
	static const uint8_t families[] = { IP_V4, IP_V6 };
	int r = 0;

	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		bool may_exist = firewall_chains_may_exist(families[f]);
		for (size_t i = 0; r == 0 && may_exist && i < ARRAY_LEN(variants); i++)
			r = add_names(names, variants[i], families[f]);
	}
	return r;
}

/* ---- writing ---- */

static void first_line(char why[256], const char *program, const struct text *said, int status)
{
	struct text t = text_fixed(why, 256);
	struct span rest = text_of(said), line = { 0 };

	while (span_next(&line, &rest, '\n') && span_trim(line).n == 0)
		;
	text_f(&t, "%s: ", program);
	if (span_trim(line).n > 0)
		text_span(&t, span_trim(line));
	else if (status > 0)
		text_f(&t, "exit status %d", status);
	else
		text_add(&t, strerror(-status));
}

static int restore(const char *program, const struct text *input, char why[256])
{
	struct text said = text_heap();
	struct subprocess like = { .input = text_of(input), .output = &said, .errors_too = true };
	int r = subprocess_run_args(&like, program, "-n", "-w", "1", NULL);

	if (r != 0)
		first_line(why, program, &said, r);
	text_heap_free(&said);
	return r == EXIT_BUSY ? -EBUSY : r > 0 ? -EIO : r;
}

static int replace_once(const struct plan *p, const struct step *s, const char *variant, char why[256])
{
	struct program program = program_name(s->firewall.family, variant, "restore");
	struct text existing = text_heap(), input = text_heap();
	int r = read_rules(variant, s->firewall.family, p->name, &existing);

	if (r < 0)
		first_line(why, program_name(s->firewall.family, variant, "save").name, &input, r);
	if (r == 0 && (existing.n > 0 || !s->remove)) {
		firewall_iptables_text(&input, p, s, existing.n > 0 ? text_of(&existing) : SPAN(""));
		r = input.failed ? -ENOMEM : restore(program.name, &input, why);
	}
	text_heap_free(&existing);
	text_heap_free(&input);
	return r;
}

static time_t seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Of all attempts of this process. */
static bool lock_wait_is_over(void)
{
	static time_t end;

	if (!end)
		end = seconds_now() + LOCK_WAIT_S;
	return seconds_now() >= end;
}

/* Other programs may change rules between reading and writing, or hold the lock. */
static int replace(const struct plan *p, const struct step *s, const char *variant, char why[256])
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int tries = 0, r;

	for (;;) {
		r = replace_once(p, s, variant, why);
		if (r == 0 || r == -ENOMEM || r == -ENOENT || (stop_signal && !s->remove) ||
		    (r == -EBUSY ? lock_wait_is_over() : ++tries == TRIES))
			return r;
		nanosleep(&pause, NULL);
	}
}

static int remove_from(const char *variant, const struct plan *p, const struct step *s, bool traced, struct text *trace,
		       char why[256])
{
	struct text rules = text_heap();
	int r = read_rules(variant, s->firewall.family, p->name, &rules);

	if (r < 0 && !traced) {
		r = 0; /* this variant does not work here */
	} else if (r < 0 || rules.n > 0) {
		if (trace && !traced)
			text_f(trace, "[#] %s -n\n", program_name(s->firewall.family, variant, "restore").name);
		r = replace(p, s, variant, why);
	}
	text_heap_free(&rules);
	return r;
}

/* Bit i: variant i has rules, and is not the one that is called iptables. */
static unsigned int find_others(const struct plan *p, const struct step *s)
{
	uint8_t family = s->firewall.family;
	struct text own = text_heap();
	unsigned int others = 0;

	if (firewall_chains_may_exist(family) && read_rules("", family, p->name, &own) == 0)
		for (size_t i = 1; i < ARRAY_LEN(variants); i++) {
			struct text rules = text_heap();
			if (read_rules(variants[i], family, p->name, &rules) == 0 && rules.n > 0 &&
			    !span_equal(text_of(&rules), text_of(&own)))
				others |= 1u << i;
			text_heap_free(&rules);
		}
	text_heap_free(&own);
	return others;
}

int firewall_iptables_set(const struct plan *p, const struct step *s, struct text *trace, char why[256])
{
	unsigned int others = find_others(p, s);
	struct step removal = *s;
	int r = replace(p, s, "", why);

	removal.remove = true;
	for (size_t i = 1; r == 0 && i < ARRAY_LEN(variants); i++)
		if (others & 1u << i)
			r = remove_from(variants[i], p, &removal, false, trace, why);
	return r;
}

int firewall_iptables_remove(const char *name, uint8_t family, bool traced, struct text *trace, char why[256])
{
	const struct step s = { .kind = STEP_FIREWALL, .remove = true, .firewall.family = family };
	struct plan p = { 0 };
	int r = 0;

	memcpy(p.name, name, strlen(name) + 1);
	for (size_t i = 0; firewall_chains_may_exist(family) && i < ARRAY_LEN(variants); i++) {
		int error = remove_from(variants[i], &p, &s, traced && i == 0, trace, why);
		r = error < 0 ? error : r;
	}
	return r;
}
