/* The text of a firewall step. */
#include "firewall_text.h"

#include "base/vector.h"
#include "shell_quote.h"

const char *nft_family_name(uint8_t family)
{
	return family == IP_V4 ? "ip" : "ip6";
}

void firewall_nft_text(struct text *t, const struct plan *p, const struct step *s)
{
	const char *family = nft_family_name(s->firewall.family), *name = p->name;

	if (s->remove) {
		text_f(t, "delete table %s wg-quick-%s\n", family, name);
		return;
	}
	/* "add" and "delete" first: what an earlier run left behind goes in the same transaction.
	 */
	text_f(t,
	       "add table %s wg-quick-%s\ndelete table %s wg-quick-%s\nadd table %s wg-quick-%s\n",
	       family, name, family, name, family, name);
	text_f(t,
	       "add chain %s wg-quick-%s preraw { type filter hook prerouting priority -300; }\n",
	       family, name);
	text_f(t,
	       "add chain %s wg-quick-%s premangle { type filter hook prerouting priority -150; "
	       "}\n",
	       family, name);
	text_f(t,
	       "add chain %s wg-quick-%s postmangle { type filter hook postrouting priority -150; "
	       "}\n",
	       family, name);
	for (size_t i = 0; i < p->guarded.n; i++) {
		if (p->guarded.list[i].local.family != s->firewall.family)
			continue;
		text_f(t, "add rule %s wg-quick-%s preraw iifname != \"%s\" %s daddr ", family,
		       name, name, family);
		ip_print(t, &p->guarded.list[i].local);
		text_add(t, " fib saddr type != local drop\n");
	}
	text_f(t, "add rule %s wg-quick-%s postmangle meta l4proto udp mark %u ct mark set mark\n",
	       family, name, s->firewall.mark);
	text_f(t, "add rule %s wg-quick-%s premangle meta l4proto udp ct mark %u meta mark set ct mark\n",
	       family, name, s->firewall.mark);
}

/* ---- iptables ---- */

static void print_raw(struct text *t, const struct plan *p, const struct step *s, const char *op)
{
	for (size_t i = 0; i < p->guarded.n; i++) {
		if (p->guarded.list[i].local.family != s->firewall.family)
			continue;
		text_f(t, "%s PREROUTING ! -i %s -d ", op, p->name);
		ip_print(t, &p->guarded.list[i].local);
		text_f(t, " -m addrtype ! --src-type LOCAL -j DROP -m comment --comment "
			  "\"wg-quick(8) rule for %s\"\n", p->name);
	}
}

static void print_mangle(struct text *t, const struct plan *p, const struct step *s, const char *op)
{
	text_f(t, "%s POSTROUTING -m mark --mark %u -p udp -j CONNMARK --save-mark "
		  "-m comment --comment \"wg-quick(8) rule for %s\"\n", op, s->firewall.mark, p->name);
	text_f(t, "%s PREROUTING -m connmark --mark %u -p udp -j CONNMARK --restore-mark "
		  "-m comment --comment \"wg-quick(8) rule for %s\"\n", op, s->firewall.mark, p->name);
}

static const struct {
	const char *line;
	void (*print)(struct text *t, const struct plan *p, const struct step *s, const char *op);
} iptables[] = { { "*raw", print_raw }, { "*mangle", print_mangle } };

/* Turns the rules of one table, which begins with this line, into their deletion. False: it has none. */
static bool print_deletions(struct text *t, struct span existing, struct span table)
{
	struct span line;
	bool inside = false, any = false;

	while (span_next(&line, &existing, '\n')) {
		if (span_starts(line, "*"))
			inside = span_equal(line, table);
		if (!inside || !span_starts(line, "-A"))
			continue;
		text_f(t, "-D%.*s\n", (int)line.n - 2, line.p + 2);
		any = true;
	}
	return any;
}

/* Rules in tables where this version adds none. */
static void print_other_tables(struct text *t, struct span existing)
{
	struct span rest = existing, line;

	while (span_next(&line, &rest, '\n')) {
		bool ours = false;
		for (size_t i = 0; i < ARRAY_LEN(iptables); i++)
			ours |= span_is(line, iptables[i].line);
		if (ours || !span_starts(line, "*"))
			continue;
		text_f(t, "%.*s\n", (int)line.n, line.p);
		print_deletions(t, existing, line);
		text_add(t, "COMMIT\n");
	}
}

void firewall_iptables_text(struct text *t, const struct plan *p, const struct step *s, struct span existing)
{
	for (size_t i = 0; i < ARRAY_LEN(iptables); i++) {
		text_f(t, "%s\n", iptables[i].line);
		print_deletions(t, existing, span_of(iptables[i].line));
		if (!s->remove)
			iptables[i].print(t, p, s, "-A");
		else if (!existing.p)
			iptables[i].print(t, p, s, "-D");
		text_add(t, "COMMIT\n");
	}
	print_other_tables(t, existing);
}

void firewall_iptables_filter(struct text *t, struct span saved, const char *name)
{
	char comment[64];
	struct text c = text_fixed(comment, sizeof comment);
	struct span line, table = { 0 };

	text_f(&c, "--comment \"wg-quick(8) rule for %s\"", name);
	while (span_next(&line, &saved, '\n')) {
		if (span_starts(line, "*"))
			table = line;
		if (!span_starts(line, "-A") || !span_contains(line, comment))
			continue;
		if (table.n > 0)
			text_f(t, "%.*s\n", (int)table.n, table.p);
		table.n = 0;
		text_f(t, "%.*s\n", (int)line.n, line.p);
	}
}

/* ---- names ---- */

static bool has_name(const struct string_list *names, struct span name)
{
	for (size_t i = 0; i < names->n; i++)
		if (span_is(name, names->list[i]))
			return true;
	return false;
}

static struct span nft_name_in(struct span line)
{
	static const char *const tables[] = { "table ip wg-quick-", "table ip6 wg-quick-" };

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (span_starts(line, tables[i]))
			return span_sub(line, strlen(tables[i]), line.n);
	return SPAN("");
}

static struct span iptables_name_in(struct span line)
{
	static const char comment[] = "--comment \"wg-quick(8) rule for ";

	if (!span_starts(line, "-A"))
		return SPAN("");
	while (line.n > 0 && !span_starts(line, comment))
		line = span_sub(line, 1, line.n);
	line = span_sub(line, sizeof comment - 1, line.n);
	return span_sub(line, 0, span_find(line, '"'));
}

bool firewall_names(struct string_list *names, struct span listed, enum firewall_tool tool)
{
	struct span line;

	while (span_next(&line, &listed, '\n')) {
		struct span name = tool == FIREWALL_NFT ? nft_name_in(line) : iptables_name_in(line);
		if (device_name_is_valid(name) && !has_name(names, name) && !string_list_add(names, name))
			return false;
	}
	return true;
}

/* ---- */

/* A chain's first line is its type. */
static bool is_rule(struct span line, enum firewall_tool tool)
{
	return tool == FIREWALL_IPTABLES ? span_starts(line, "-A")
					 : span_starts(line, "\t\t") && !span_starts(line, "\t\ttype ");
}

static bool has_address(struct span rules, const struct ip_addr *a)
{
	char text[IP_TEXT_MAX + 2];
	struct text t = text_fixed(text, sizeof text);

	text_char(&t, ' ');
	ip_print(&t, a);
	text_char(&t, ' ');
	if (span_contains(rules, text))
		return true;
	t.p[t.n - 1] = '/'; /* with its length */
	return span_contains(rules, text);
}

static size_t count_rules(struct span rules, enum firewall_tool tool)
{
	struct span line;
	size_t n = 0;

	while (span_next(&line, &rules, '\n'))
		n += is_rule(line, tool);
	return n;
}

bool firewall_protects(struct span rules, enum firewall_tool tool, const struct addresses *guarded, uint8_t family)
{
	for (size_t i = 0; i < guarded->n; i++)
		if (guarded->list[i].local.family == family && !has_address(rules, &guarded->list[i].local))
			return false;
	return count_rules(rules, tool) > 0;
}

bool firewall_is_complete(struct span rules, enum firewall_tool tool, const struct addresses *guarded, uint8_t family)
{
	size_t expected = 2; /* for the mark */

	for (size_t i = 0; i < guarded->n; i++)
		expected += guarded->list[i].local.family == family;
	return firewall_protects(rules, tool, guarded, family) && count_rules(rules, tool) == expected;
}

const char *iptables_restore_program(uint8_t family)
{
	return family == IP_V4 ? "iptables-restore" : "ip6tables-restore";
}

static struct span existing_rules(const struct plan *p, const struct step *s)
{
	const char *rules = p->iptables_rules[s->firewall.family == IP_V6];

	return rules ? span_of(rules) : (struct span){ 0 };
}

void firewall_print(struct text *t, const struct plan *p, const struct step *s, bool runnable)
{
	bool nft = p->firewall != FIREWALL_IPTABLES;

	if (nft)
		text_add(t, "[#] nft -f /dev/fd/63");
	else
		text_f(t, "[#] %s -n", iptables_restore_program(s->firewall.family));
	if (runnable) {
		struct text commands = text_heap();
		if (nft)
			firewall_nft_text(&commands, p, s);
		else
			firewall_iptables_text(&commands, p, s,
					       existing_rules(p, s));
		text_add(t, nft ? " 63<<<" : " <<<");
		shell_quote(t, text_of(&commands));
		text_heap_free(&commands);
	}
	text_char(t, '\n');
}
