/* The tables of iptables in which the rules of a default route are, and their chains. */
#include "firewall_chains.h"

#include <errno.h>
#include <linux/netfilter.h>

#include "base/vector.h"
#include "fileio.h"
#include "netfilter.h"
#include "nft.h"
#include "nftables_delete.h"
#include "quick/plan/firewall_text.h"

/* The bits are part of the journal's format. */
static const struct {
	const char *name;
	uint8_t bit;
	struct { const char *name; uint8_t bit; } chains[2];
} tables[] = {
	{ "raw", 1, { { "PREROUTING", 2 } } },
	{ "mangle", 4, { { "PREROUTING", 8 }, { "POSTROUTING", 16 } } },
};

static bool has_line(struct span text, const char *wanted)
{
	struct span line;

	while (span_next(&line, &text, '\n'))
		if (span_is(line, wanted))
			return true;
	return false;
}

/* ---- iptables-nft ---- */

static const char chain_start[] = "\tchain ";

struct command {
	char text[96];
};

static struct command make_command(const char *verb, uint8_t family, const char *table, const char *chain)
{
	struct command c;
	struct text t = text_fixed(c.text, sizeof c.text);

	text_f(&t, "%s%s %s", verb, nft_family_name(family), table);
	if (chain)
		text_f(&t, " %s", chain);
	return c;
}

/* A failure may be that of a moment. */
static int run_twice(const char *commands, struct text *output)
{
	size_t before = output ? output->n : 0;
	int r = nft_run(commands, output, NULL);

	if (r == 0 || r == -ENOENT || r == -EPROTONOSUPPORT)
		return r;
	if (output)
		output->n = before;
	return nft_run(commands, output, NULL);
}

/* The tables that exist, one bit each. False: not known. */
static bool find_tables(uint8_t family, uint8_t *found)
{
	struct text listed = text_heap();
	bool known;

	*found = 0;
	if (!netfilter_has_nftables())
		return true;
	known = run_twice("list tables\n", &listed) == 0;
	for (size_t i = 0; known && i < ARRAY_LEN(tables); i++)
		if (has_line(text_of(&listed), make_command("table ", family, tables[i].name, NULL).text))
			*found |= tables[i].bit;
	text_heap_free(&listed);
	return known;
}

bool firewall_chains_table_is_missing(uint8_t family, const char *table)
{
	struct text listed = text_heap();
	bool missing = !netfilter_has_nftables() || (run_twice("list tables\n", &listed) == 0 &&
						      !has_line(text_of(&listed), make_command("table ", family, table, NULL).text));

	text_heap_free(&listed);
	return missing;
}

static uint8_t find_missing_chains(uint8_t family, size_t table)
{
	struct text listed = text_heap();
	uint8_t missing = 0;
	int r = run_twice(make_command("list table ", family, tables[table].name, NULL).text, &listed);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(tables[table].chains) && tables[table].chains[i].name; i++) {
		char line[64];
		struct text t = text_fixed(line, sizeof line);
		text_f(&t, "\tchain %s {", tables[table].chains[i].name);
		if (!has_line(text_of(&listed), line))
			missing |= tables[table].chains[i].bit;
	}
	text_heap_free(&listed);
	return missing;
}

uint8_t firewall_chains_missing(uint8_t family)
{
	uint8_t found, missing = 0;

	if (!find_tables(family, &found))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (found & tables[i].bit)
			missing |= find_missing_chains(family, i);
		else
			missing |= tables[i].bit | tables[i].chains[0].bit | tables[i].chains[1].bit;
	}
	return missing;
}

/* ---- iptables-legacy ---- */

static bool has_legacy_tables(uint8_t family)
{
	struct text names = text_heap();
	int r = fileio_read(family == IP_V4 ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names", &names);
	bool found = r < 0 && r != -ENOENT; /* not known */

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(tables); i++)
		found |= has_line(text_of(&names), tables[i].name);
	text_heap_free(&names);
	return found;
}

bool firewall_chains_may_exist(uint8_t family)
{
	uint8_t found;

	return has_legacy_tables(family) || !find_tables(family, &found) || found;
}

/* ---- empty ones ---- */

/* What cannot be deleted is in use and stays: other programs, and other tunnels, may have added rules since. A second try,
 * because a failure may be that of a moment. */
static void delete_unused(uint8_t family, const char *table, const char *chain)
{
	uint8_t nf = family == IP_V4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	int r = nftables_delete_unused(nf, table, chain);

	if (r < 0 && r != -EBUSY && r != -ENOENT)
		r = nftables_delete_unused(nf, table, chain);
	(void)r;
}

static void delete_chain(uint8_t family, const char *table, const char *chain)
{
	struct text listed = text_heap();

	if (run_twice(make_command("list chain ", family, table, chain).text, &listed) == 0 &&
	    span_contains(text_of(&listed), "policy accept;"))
		delete_unused(family, table, chain);
	text_heap_free(&listed);
}

/* The table that nft has listed holds only built-in chains without rules. */
static bool is_empty_table(struct span listed)
{
	struct span line;

	while (span_next(&line, &listed, '\n')) {
		bool is_enclosing = line.n == 0 || span_starts(line, "table ") || span_is(line, "}") || span_is(line, "\t}");
		bool is_policy = span_starts(line, "\t\ttype ") && span_contains(line, "policy accept;");
		if (!is_enclosing && !is_policy && !span_starts(line, chain_start))
			return false;
	}
	return true;
}

static void delete_chains(uint8_t family, const char *table, struct span listed)
{
	struct span line;

	while (span_next(&line, &listed, '\n')) {
		char chain[64];
		struct text t = text_fixed(chain, sizeof chain);
		struct span name = span_sub(line, sizeof chain_start - 1, line.n);
		if (!span_starts(line, chain_start))
			continue;
		text_f(&t, "%.*s", (int)span_find(name, ' '), name.p);
		if (!t.failed)
			delete_unused(family, table, chain);
	}
}

/* With chains that other programs have created since. */
void firewall_chains_delete_table(uint8_t family, const char *table)
{
	struct text listed = text_heap();

	if (run_twice(make_command("list table ", family, table, NULL).text, &listed) == 0 && is_empty_table(text_of(&listed))) {
		delete_chains(family, table, text_of(&listed));
		delete_unused(family, table, NULL);
	}
	text_heap_free(&listed);
}

void firewall_chains_delete_empty(uint8_t family, uint8_t chains)
{
	uint8_t found;

	if (!find_tables(family, &found))
		return;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (!(found & tables[i].bit))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(tables[i].chains); k++)
			if (chains & tables[i].chains[k].bit)
				delete_chain(family, tables[i].name, tables[i].chains[k].name);
		if (chains & tables[i].bit)
			firewall_chains_delete_table(family, tables[i].name);
	}
}
