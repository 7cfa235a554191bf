/* Which lines a section owns: those that `save` removes with a peer. Each file is written with a mark in front of the lines
 * that section number n owns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/config/sections.h"

enum { LINES_MAX = 64 };

/* Lines that begin with '*' are those of the section. */
static void check(size_t section, const char *marked)
{
	struct span lines[LINES_MAX], rest = span_of(marked), line;
	bool expected[LINES_MAX] = { 0 }, own[LINES_MAX] = { 0 };
	struct sections s;
	size_t n = 0;

	while (span_next(&line, &rest, '\n')) {
		assert_true(n < LINES_MAX);
		expected[n] = line.n > 0 && line.p[0] == '*';
		lines[n] = expected[n] ? span_sub(line, 1, line.n) : line;
		n++;
	}
	assert_true(sections_find(&s, lines, n));
	assert_true(section < s.n);
	section_mark_own(own, &s.list[section], lines);
	for (size_t i = 0; i < n; i++)
		if (own[i] != expected[i])
			fail_msg("`%.*s' is %sthe section's", (int)lines[i].n, lines[i].p, own[i] ? "" : "not ");
	sections_free(&s);
}

static void comments_above_the_header(void **state)
{
	(void)state;
	check(1, "[Interface]\n"
		 "\n"
		 "# of nobody\n"
		 "\n"
		 "*# Name = laptop\n"
		 "*# and more\n"
		 "*[Peer]\n"
		 "*PublicKey = A\n"
		 "\n"
		 "# the next peer's\n"
		 "[Peer]\n"
		 "PublicKey = B");
	check(0, "*##########\n*# alice\n*##########\n*[Peer]\n*PublicKey = A");
	/* Without a blank line in between, too. */
	check(0, "*[Peer]\n*PublicKey = A\n# bob\n[Peer]\nPublicKey = B");
	check(1, "[Peer]\nPublicKey = A\n*# bob\n*[Peer]\n*PublicKey = B");
}

static void comments_below(void **state)
{
	(void)state;
	check(0, "*[Peer]\n"
		 "*# in between\n"
		 "*PublicKey = A\n"
		 "*\n"
		 "*AllowedIPs = 10.0.0.1/32\n"
		 "*#Endpoint = 192.0.2.1:1\n"
		 "*# Name = alice\n"
		 "# of nobody\n"
		 "\n"
		 "# of nobody\n"
		 "\n"
		 "[Peer]\nPublicKey = B");
	check(0, "*[Peer]\n*PublicKey = A\n\n# the end of the file\n");
	check(0, "*[Peer]\n*PublicKey = A\n# the end of the file");
	/* Above a header a name may be the next peer's: nobody's. */
	check(0, "*[Peer]\n*PublicKey = A\n# Name = bob\n[Peer]\nPublicKey = B");
	check(1, "[Peer]\nPublicKey = A\n# Name = bob\n*[Peer]\n*PublicKey = B");
}

static void markers_of_blocks(void **state)
{
	(void)state;
	check(0, "*### begin alice ###\n"
		 "*[Peer]\n"
		 "*PublicKey = A\n"
		 "### end alice ###\n"
		 "### begin bob ###\n"
		 "[Peer]\n"
		 "PublicKey = B\n"
		 "### end bob ###");
	check(1, "### begin alice ###\n"
		 "[Peer]\n"
		 "PublicKey = A\n"
		 "### end alice ###\n"
		 "*### begin bob ###\n"
		 "*[Peer]\n"
		 "*PublicKey = B\n"
		 "### end bob ###");
	/* A block of several peers. */
	check(0, "# BEGIN ANSIBLE MANAGED BLOCK\n"
		 "*[Peer]\n"
		 "*PublicKey = A\n"
		 "\n"
		 "[Peer]\n"
		 "PublicKey = B\n"
		 "# END ANSIBLE MANAGED BLOCK");
	check(0, "*### begin alice\n*[Peer]\n*PublicKey = A\n");
	check(0, "*# beginners of the course\n*# start here\n*[Peer]\n*PublicKey = A\n*# Name = endive\n# endless");
	check(0, "*[Peer]\n### end zoe ###\n*PublicKey = A");
}

static void commented_out_peers(void **state)
{
	(void)state;
	check(0, "*[Peer]\n"
		 "*PublicKey = A\n"
		 "#[Peer]\n"
		 "#PublicKey = X\n"
		 "#AllowedIPs = 10.0.0.9/32\n"
		 "[Peer]\n"
		 "PublicKey = B");
	check(1, "[Peer]\n"
		 "PublicKey = A\n"
		 "\n"
		 "# carol is on leave\n"
		 "# [ peer ]\n"
		 "# public key = X\n"
		 "*# bob\n"
		 "*[Peer]\n"
		 "*PublicKey = B");
	check(0, "*[Peer]\n*PublicKey = A\n#[Peer]\n#PublicKey = X\n*AllowedIPs = 10.0.0.1/32");
}

static void spellings(void **state)
{
	(void)state;
	check(1, "[ interface ]\nPrivateKey = P\n\n* [ PEER ] # alice\n*\t Public Key=A # the key\n*\t\n*ALLOWEDIPS = \n\n# end");
	check(1, "[Interface]\r\n\r\n*# alice\r\n*[Peer]\r\n*PublicKey = A\r\n\r\n# rest\r\n");
}

static void kinds_of_lines(void **state)
{
	static const struct { const char *line; enum line_kind kind; } cases[] = {
		{ " \t\r", LINE_BLANK }, { "[Peer] # x", LINE_CODE }, { " a = b", LINE_CODE }, { "#", LINE_COMMENT },
		{ "# x = y", LINE_COMMENT }, { "#Name=x", LINE_NAME }, { "## friendly_name = x", LINE_NAME },
		{ "#Allowed IPs = x", LINE_OLD_SETTING }, { "# PostUp = x", LINE_OLD_SETTING },
		{ "# [Peer] # x", LINE_OLD_HEADER }, { "#[interface]", LINE_OLD_HEADER }, { "#[x]", LINE_COMMENT },
		{ "### end x ###", LINE_END }, { "#END", LINE_END }, { "# <end x>", LINE_END }, { "# ending", LINE_COMMENT },
		{ "# --- BEGIN x ---", LINE_BEGIN }, { "# start", LINE_BEGIN }, { "# \xc3\xa4nd", LINE_COMMENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (line_kind(span_of(cases[i].line)) != cases[i].kind)
			fail_msg("`%s' is %d", cases[i].line, (int)line_kind(span_of(cases[i].line)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_above_the_header), cmocka_unit_test(comments_below),
		cmocka_unit_test(markers_of_blocks),         cmocka_unit_test(commented_out_peers),
		cmocka_unit_test(spellings),                 cmocka_unit_test(kinds_of_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
