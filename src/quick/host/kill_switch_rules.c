/* The rules of the kill switch. */
#include "kill_switch_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault_injection.h"
#include "firewall_chains.h"
#include "netfilter.h"
#include "nft.h"
#include "quick/plan/firewall_text.h"
#include "quick/plan/kill_switch_text.h"
#include "signals.h"
#include "subprocess.h"

enum { TRIES = 3 };

static const uint8_t families[] = { IP_V4, IP_V6 };

static bool has_family(uint8_t family)
{
	return family == IP_V4 || access("/proc/net/if_inet6", F_OK) == 0;
}

/* ---- nft ---- */

static int set_nft_rules(const struct kill_switches *l, bool reject, char why[256])
{
	struct text t = text_heap();
	int r = -ENOMEM;

	kill_switch_nft_text(&t, l, reject);
	for (int tries = 0; !t.failed && tries < TRIES && r < 0 && r != -ENOENT; tries++)
		r = nft_run(t.p, NULL, why);
	text_heap_free(&t);
	return r;
}

/* A small kernel may lack nft_reject: then programs do not notice at once. */
static int set_nft(const struct kill_switches *l, char why[256])
{
	char ignored[256];
	int r = set_nft_rules(l, true, why);

	return r < 0 && r != -ENOENT && l->n > 0 && set_nft_rules(l, false, ignored) == 0 ? 0 : r;
}

static int list_nft(struct text *out)
{
	struct text tables = text_heap();
	int r = netfilter_has_nftables() ? nft_run("list tables inet\n", &tables, NULL) : 0;

	if (r == 0 && span_contains(text_of(&tables), "wgsuite-killswitch"))
		r = nft_run("list table inet wgsuite-killswitch\n", out, NULL);
	text_heap_free(&tables);
	return r;
}

/* ---- iptables ---- */

static const char *save_program(uint8_t family)
{
	return family == IP_V4 ? "iptables-save" : "ip6tables-save";
}

static int save(uint8_t family, struct text *out)
{
	const struct subprocess like = { .output = out, .quiet = true };
	int r = subprocess_run_args(&like, save_program(family), "-t", "filter", NULL);

	return r > 0 ? -EIO : r;
}

static void first_line(char why[256], const char *program, const struct text *said)
{
	struct text t = text_fixed(why, 256);
	struct span rest = text_of(said), line = { 0 };

	while (span_next(&line, &rest, '\n') && span_trim(line).n == 0)
		;
	text_f(&t, "%s: ", program);
	text_span(&t, span_trim(line));
}

static int set_family(const struct kill_switches *l, uint8_t family, char why[256])
{
	struct text saved = text_heap(), input = text_heap(), said = text_heap();
	const char *program = iptables_restore_program(family);
	int r = save(family, &saved);

	if (r == 0 && l->n == 0 && !span_contains(text_of(&saved), "WGSUITE-KILL-"))
		goto end;
	if (r == 0) {
		struct subprocess like = { .output = &said, .errors_too = true };
		kill_switch_iptables_text(&input, l, family, saved.n > 0 ? text_of(&saved) : SPAN(""));
		like.input = text_of(&input);
		r = input.failed ? -ENOMEM : subprocess_run_args(&like, program, "-n", "-w", "10", NULL);
	}
	if (r != 0)
		first_line(why, program, &said);
end:
	text_heap_free(&saved);
	text_heap_free(&input);
	text_heap_free(&said);
	return r > 0 ? -EIO : r;
}

/* A trailing '+' stands for any interface whose name begins so. */
static bool can_name(const struct kill_switches *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (strchr(l->list[i].name, '+'))
			return false;
	return true;
}

static int set_iptables(const struct kill_switches *l, char why[256])
{
	struct text t = text_fixed(why, 256);
	int r = can_name(l) ? 0 : -EINVAL;

	if (r < 0)
		text_add(&t, "iptables takes a `+' in the name of an interface for a wildcard");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++)
		if (has_family(families[i]))
			r = set_family(l, families[i], why);
	return r;
}

uint8_t kill_switch_missing_tables(void)
{
	uint8_t missing = 0;

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (firewall_chains_table_is_missing(families[i], "filter"))
			missing |= (uint8_t)(1u << i);
	return missing;
}

static void delete_tables(uint8_t tables)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if ((tables & (1u << i)) && !firewall_chains_table_is_missing(families[i], "filter"))
			firewall_chains_delete_table(families[i], "filter");
}

/* ---- both ---- */

int kill_switch_perform(const struct plan *p, const struct step *s, char why[256])
{
	struct text t = text_fixed(why, 256);
	struct kill_switches l = { 0 };
	int r = kill_switches_after(&l, p, s) ? 0 : -ENOMEM;

	if (r == 0 && fault_injected("kill switch"))
		r = -EIO;
	else if (r == 0 && s->kill_switch.tool == FIREWALL_NONE && !s->remove)
		r = -EOPNOTSUPP;
	else if (r == 0 && s->kill_switch.tool == FIREWALL_IPTABLES)
		r = set_iptables(&l, why);
	else if (r == 0)
		r = set_nft(&l, why);
	if (r == 0 && l.n == 0 && s->kill_switch.tool == FIREWALL_IPTABLES)
		delete_tables(s->kill_switch.new_tables);
	if (r == -EOPNOTSUPP)
		text_add(&t, "neither nft nor iptables is available");
	else if (r < 0 && !why[0])
		text_add(&t, strerror(-r));
	free(l.list);
	return r;
}

int kill_switch_list(enum firewall_tool tool, struct text *out)
{
	int r;

	if (tool == FIREWALL_NONE)
		return -EOPNOTSUPP;
	if (tool == FIREWALL_NFT)
		return list_nft(out);
	r = save(IP_V4, out);
	if (r < 0 || !has_family(IP_V6))
		return r;
	text_char(out, KILL_SWITCH_NEXT_FAMILY);
	return save(IP_V6, out);
}

static bool family_has(uint8_t family, const char *name)
{
	char rule[64];
	struct text t = text_fixed(rule, sizeof rule), rules = text_heap();
	bool has;

	text_f(&t, "-A WGSUITE-KILL-OUT -o %s -j RETURN\n", name);
	has = (netfilter_has_xtables(family) || !firewall_chains_table_is_missing(family, "filter")) && save(family, &rules) == 0 && span_contains(text_of(&rules), rule);
	text_heap_free(&rules);
	return has;
}

bool kill_switch_has(enum firewall_tool tool, const char *name)
{
	char quoted[WG_NAME_MAX + 2];
	struct text t = text_fixed(quoted, sizeof quoted), rules = text_heap();
	bool has = false;

	text_f(&t, "\"%s\"", name);
	if (tool == FIREWALL_NFT)
		has = list_nft(&rules) == 0 && span_contains(text_of(&rules), quoted);
	for (size_t i = 0; tool == FIREWALL_IPTABLES && !has && i < ARRAY_LEN(families); i++)
		has = family_has(families[i], name);
	text_heap_free(&rules);
	return has;
}
