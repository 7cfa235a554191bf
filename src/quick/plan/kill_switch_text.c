/* The kill switch: the text of its rules.
 *
 * Packets may leave over the loopback interface and the tunnels, and those that a tunnel encrypted, which carry its mark.
 * The host may keep its addresses and find its routers: DHCP (RFC 2131, RFC 8415) and neighbour discovery (RFC 4861). Switches
 * deliver the latter only to groups for which they have seen a report (RFC 4541), so link-local reports are accepted (RFC 3810).
 * With `lan`, if all tunnels have it, destinations in the local network are accepted as well: private, link-local, unique
 * local and multicast addresses. Everything else is rejected, so that programs notice immediately. */
#include "kill_switch_text.h"

#include <stdlib.h>

#include "base/vector.h"
#include "firewall_text.h"
#include "shell_quote.h"

static const char table[] = "inet wgsuite-killswitch";

static const char *const lan4[] = { "10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4",
				    "255.255.255.255" };
static const char *const lan6[] = { "fc00::/7", "fe80::/10", "ff00::/8" };

bool kill_switches_add(struct kill_switches *l, const struct kill_switch *one)
{
	if (!vector_reserve(&l->list, &l->cap, l->n + 1, sizeof *l->list))
		return false;
	l->list[l->n++] = *one;
	return true;
}

bool kill_switches_after(struct kill_switches *out, const struct plan *p, const struct step *s)
{
	struct kill_switch own = { .tool = s->kill_switch.tool, .mode = s->kill_switch.mode,
				   .new_tables = s->kill_switch.new_tables, .mark = s->kill_switch.mark,
				   .also = s->kill_switch.also };

	memcpy(own.name, p->name, sizeof own.name);
	for (size_t i = 0; i < p->kill_switches.n; i++)
		if (!kill_switches_add(out, &p->kill_switches.list[i]))
			return false;
	return s->remove || kill_switches_add(out, &own);
}

static bool lan_is_open(const struct kill_switches *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].mode != KILL_SWITCH_LAN)
			return false;
	return true;
}

/* ---- nft ---- */

static void print_set(struct text *t, const char *const words[], size_t n)
{
	text_add(t, "{ ");
	for (size_t i = 0; i < n; i++)
		text_f(t, "%s%s", i > 0 ? ", " : "", words[i]);
	text_add(t, " }");
}

static void print_elements(struct text *t, const struct kill_switches *l)
{
	size_t marks = 0;

	text_f(t, "add set %s tunnels { type ifname; }\nadd set %s marks { type mark; }\n", table, table);
	for (size_t i = 0; i < l->n; i++) {
		const uint32_t both[] = { l->list[i].mark, l->list[i].also };
		text_f(t, "add element %s tunnels { \"%s\" }\n", table, l->list[i].name);
		for (size_t k = 0; k < ARRAY_LEN(both); k++)
			if (both[k] && ++marks)
				text_f(t, "add element %s marks { 0x%x }\n", table, both[k]);
	}
}

static void nft_rule(struct text *t, const char *chain, const char *rule)
{
	text_f(t, "add rule %s %s %s\n", table, chain, rule);
}

static void nft_lan(struct text *t, const char *chain)
{
	text_f(t, "add rule %s %s ip daddr ", table, chain);
	print_set(t, lan4, ARRAY_LEN(lan4));
	text_f(t, " accept\nadd rule %s %s ip6 daddr ", table, chain);
	print_set(t, lan6, ARRAY_LEN(lan6));
	text_add(t, " accept\n");
}

void kill_switch_nft_text(struct text *t, const struct kill_switches *l, bool reject)
{
	static const char *const chains[] = { "output", "forward" };

	text_f(t, "add table %s\ndelete table %s\n", table, table);
	if (l->n == 0)
		return;
	text_f(t, "add table %s\n", table);
	print_elements(t, l);
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		const char *chain = chains[i];
		text_f(t, "add chain %s %s { type filter hook %s priority 0; policy accept; }\n", table, chain, chain);
		nft_rule(t, chain, "oifname @tunnels accept");
		if (i == 0) {
			nft_rule(t, chain, "oifname \"lo\" accept");
			nft_rule(t, chain, "meta mark @marks accept");
			nft_rule(t, chain, "meta nfproto ipv4 udp sport 68 udp dport 67 accept");
			nft_rule(t, chain, "meta nfproto ipv6 udp sport 546 udp dport 547 accept");
			nft_rule(t, chain, "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept");
			nft_rule(t, chain, "ip6 daddr ff02::/16 icmpv6 type { 131, 132, 143 } accept");
		}
		if (lan_is_open(l))
			nft_lan(t, chain);
		nft_rule(t, chain, reject ? "counter reject with icmpx type admin-prohibited" : "counter drop");
	}
}

/* ---- iptables ---- */

static const char *const chain_names[] = { "WGSUITE-KILL-OUT", "WGSUITE-KILL-FWD" };
static const char *const built_in[] = { "OUTPUT", "FORWARD" };

static bool has_jump(struct span saved, size_t chain)
{
	char jump[64];
	struct text t = text_fixed(jump, sizeof jump);
	struct span line;

	text_f(&t, "-A %s -j %s", built_in[chain], chain_names[chain]);
	while (span_next(&line, &saved, '\n'))
		if (span_is(span_trim(line), jump))
			return true;
	return false;
}

static void print_own_packets(struct text *t, const struct kill_switches *l, const char *chain, bool v6)
{
	static const int discovery[] = { 133, 135, 136 }, reports[] = { 131, 132, 143 };

	text_f(t, "-A %s -o lo -j RETURN\n", chain);
	for (size_t i = 0; i < l->n; i++) {
		const uint32_t both[] = { l->list[i].mark, l->list[i].also };
		for (size_t k = 0; k < ARRAY_LEN(both); k++)
			if (both[k])
				text_f(t, "-A %s -m mark --mark 0x%x -j RETURN\n", chain, both[k]);
	}
	text_f(t, "-A %s -p udp -m udp --sport %d --dport %d -j RETURN\n", chain, v6 ? 546 : 68, v6 ? 547 : 67);
	if (!v6)
		return;
	for (size_t i = 0; i < ARRAY_LEN(discovery); i++)
		text_f(t, "-A %s -p ipv6-icmp -m icmp6 --icmpv6-type %d -j RETURN\n", chain, discovery[i]);
	for (size_t i = 0; i < ARRAY_LEN(reports); i++)
		text_f(t, "-A %s -d ff02::/16 -p ipv6-icmp -m icmp6 --icmpv6-type %d -j RETURN\n", chain, reports[i]);
}

static void print_chain(struct text *t, const struct kill_switches *l, size_t chain, bool v6)
{
	const char *const *lan = v6 ? lan6 : lan4, *name = chain_names[chain];
	size_t n = v6 ? ARRAY_LEN(lan6) : ARRAY_LEN(lan4);

	for (size_t i = 0; i < l->n; i++)
		text_f(t, "-A %s -o %s -j RETURN\n", name, l->list[i].name);
	if (chain == 0)
		print_own_packets(t, l, name, v6);
	for (size_t i = 0; lan_is_open(l) && i < n; i++)
		text_f(t, "-A %s -d %s -j RETURN\n", name, lan[i]);
	text_f(t, "-A %s -j REJECT --reject-with %s\n", name, v6 ? "icmp6-adm-prohibited" : "icmp-admin-prohibited");
}

/* With -n, naming a chain makes or empties it. */
void kill_switch_iptables_text(struct text *t, const struct kill_switches *l, uint8_t family, struct span saved)
{
	text_add(t, "*filter\n");
	for (size_t i = 0; i < ARRAY_LEN(chain_names); i++) {
		bool jumps = saved.p ? has_jump(saved, i) : l->n == 0;
		text_f(t, ":%s - [0:0]\n", chain_names[i]);
		if (jumps)
			text_f(t, "-D %s -j %s\n", built_in[i], chain_names[i]);
		if (l->n == 0) {
			text_f(t, "-X %s\n", chain_names[i]);
			continue;
		}
		print_chain(t, l, i, family == IP_V6);
		text_f(t, "-I %s 1 -j %s\n", built_in[i], chain_names[i]);
	}
	text_add(t, "COMMIT\n");
}

/* ---- printing ---- */

static void print_command(struct text *t, const char *command, const char *input, const struct text *commands)
{
	text_f(t, "[#] %s", command);
	if (commands) {
		text_add(t, input);
		shell_quote(t, text_of(commands));
	}
	text_char(t, '\n');
}

void kill_switch_print(struct text *t, const struct plan *p, const struct step *s, bool runnable)
{
	static const uint8_t families[] = { IP_V4, IP_V6 };
	struct kill_switches l = { 0 };
	bool nft = s->kill_switch.tool != FIREWALL_IPTABLES;

	t->failed |= !kill_switches_after(&l, p, s);
	for (size_t i = 0; i < (nft ? 1 : ARRAY_LEN(families)); i++) {
		struct text commands = text_heap(), name = text_heap();
		if (nft)
			kill_switch_nft_text(&commands, &l, true);
		else
			kill_switch_iptables_text(&commands, &l, families[i], (struct span){ 0 });
		text_f(&name, "%s -n", iptables_restore_program(families[i]));
		print_command(t, nft ? "nft -f /dev/fd/63" : name.p ? name.p : "", nft ? " 63<<<" : " <<<", runnable ? &commands : NULL);
		text_heap_free(&commands);
		text_heap_free(&name);
	}
	free(l.list);
}

/* ---- reading ---- */

static bool contains_f(struct span listed, const char *before, const char *word, const char *after)
{
	char buffer[64];
	struct text t = text_fixed(buffer, sizeof buffer);

	text_f(&t, "%s%s%s", before, word, after);
	return span_contains(listed, buffer);
}

/* Of iptables-save or ip6tables-save. */
static bool family_is_complete(struct span listed, const struct kill_switch *one, const char *mark)
{
	return contains_f(listed, "-o ", one->name, " -j RETURN") && contains_f(listed, "--mark 0x", mark, " -j RETURN") &&
	       has_jump(listed, 0) && has_jump(listed, 1) && span_contains(listed, "-A WGSUITE-KILL-OUT -j REJECT") &&
	       span_contains(listed, "-A WGSUITE-KILL-FWD -j REJECT") &&
	       (one->mode == KILL_SWITCH_LAN || !span_contains(listed, "-A WGSUITE-KILL-OUT -d 10.0.0.0/8"));
}

/* Each chain ends with such a rule. */
static bool chains_end(struct span listed)
{
	struct span line;
	size_t n = 0;

	while (span_next(&line, &listed, '\n'))
		n += span_contains(line, "reject") || span_contains(line, " drop");
	return n >= ARRAY_LEN(built_in);
}

bool kill_switch_is_complete(struct span listed, enum firewall_tool tool, const struct kill_switch *one)
{
	char mark[16];
	struct text t = text_fixed(mark, sizeof mark);
	bool nft = tool == FIREWALL_NFT;

	text_hex(&t, one->mark);
	if (!nft) {
		struct span family;
		bool complete = true;
		while (complete && span_next(&family, &listed, KILL_SWITCH_NEXT_FAMILY))
			complete = family_is_complete(family, one, mark);
		return complete;
	}
	return contains_f(listed, "\"", one->name, "\"") && contains_f(listed, "", mark, "") &&
	       span_contains(listed, "hook output") && span_contains(listed, "hook forward") &&
	       chains_end(listed) && (one->mode == KILL_SWITCH_LAN || !span_contains(listed, "10.0.0.0/8"));
}
