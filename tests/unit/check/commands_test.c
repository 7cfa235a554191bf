/* Commands of hooks, and which of them undo each other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "check/commands.h"

static void lines_are_split_at_separators_outside_of_quotes(void **state)
{
	struct span rest = SPAN("  a b;c 'd;e' && f \"g | h\"||i # j;k");
	static const struct {
		const char *first, *last;
		size_t n;
	} expected[] = { { "a", "b", 2 }, { "c", "d;e", 2 }, { "f", "g | h", 2 }, { "i", "i", 1 }, { "k", "k", 1 } };
	struct command c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(command_next(&c, &rest));
		assert_int_equal(c.n, expected[i].n);
		assert_true(span_is(c.words[0], expected[i].first));
		assert_true(span_is(c.words[c.n - 1], expected[i].last));
	}
	assert_false(command_next(&c, &rest));
}

static struct command command_of(const char *text)
{
	struct span rest = span_of(text);
	struct command c;

	assert_true(command_next(&c, &rest));
	return c;
}

static void commands_and_their_inverses(void **state)
{
	static const struct {
		const char *up, *down;
		bool undone;
	} pairs[] = {
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -D FORWARD -i %i -j ACCEPT", true },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -D FORWARD -j ACCEPT -i %i", true },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -w 5 -D FORWARD --jump ACCEPT --in-interface %i", true },
		{ "iptables -I FORWARD 1 -i %i -j ACCEPT", "/sbin/iptables --delete FORWARD -i %i -j ACCEPT", true },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -D FORWARD 1", true },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -F", true },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -F INPUT", false },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "ip6tables -D FORWARD -i %i -j ACCEPT", false },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -D INPUT -i %i -j ACCEPT", false },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -t nat -D FORWARD -i %i -j ACCEPT", false },
		{ "iptables -A FORWARD -i %i -j ACCEPT", "iptables -A FORWARD -i %i -j ACCEPT", false },
		{ "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE", "iptables -D POSTROUTING -o eth0 -j MASQUERADE -t nat", true },
		{ "ip rule add from 10.0.0.1 table 7 priority 9", "ip -4 rule del priority 9", true },
		{ "ip rule add from 10.0.0.1 table 7", "ip rule delete table 8", false },
		{ "ip rule add from 10.0.0.1 table 7", "ip rule del", false },
		{ "ip route add 192.0.2.1 via 10.0.0.9", "ip route del 192.0.2.1", true },
		{ "ip route add 192.0.2.1 via 10.0.0.9", "ip route del 192.0.2.2", false },
		{ "nft add table inet wg", "nft delete table inet wg", true },
		{ "ufw route allow in on wg0", "ufw route delete allow in on wg0", true },
		{ "ufw route allow in on wg0", "iptables -F", false },
		{ "firewall-cmd --add-port 1/udp", "firewall-cmd --remove-port 1/udp", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct command up = command_of(pairs[i].up), down = command_of(pairs[i].down);
		if (!command_adds(&up, SPAN("wg0")) || command_undoes(&down, &up) != pairs[i].undone)
			fail_msg("%s | %s", pairs[i].up, pairs[i].down);
	}
}

static void commands_that_leave_nothing(void **state)
{
	static const char *const commands[] = {
		"sysctl -w net.ipv4.ip_forward=1", "ip route add 10.0.0.0/8 dev %i", "ip -4 route add default dev wg0 table 7", "echo -A",
		"iptables -C FORWARD -i %i -j ACCEPT", "ip rule show", "/etc/wireguard/up.sh --add", "wg set %i peer x", "ip link set %i up",
		"ufw delete allow 1", "nft list ruleset",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct command c = command_of(commands[i]);
		if (command_adds(&c, SPAN("wg0")))
			fail_msg("%s", commands[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_split_at_separators_outside_of_quotes),
		cmocka_unit_test(commands_and_their_inverses),
		cmocka_unit_test(commands_that_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
