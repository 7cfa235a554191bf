/* The text of the kill switch, and whether what a tool lists is complete. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/plan/kill_switch.h"

static const struct kill_switch wg0 = { .name = "wg0", .tool = FIREWALL_NFT, .mode = KILL_SWITCH_LAN, .mark = 51820 };
static const struct kill_switch wg1 = { .name = "wg1", .tool = FIREWALL_NFT, .mode = KILL_SWITCH_ON, .mark = 0x77, .also = 0x78 };

static struct text nft_of(const struct kill_switch *list[], size_t n)
{
	struct kill_switches l = { 0 };
	struct text t = text_heap();

	for (size_t i = 0; i < n; i++)
		assert_true(kill_switches_add(&l, list[i]));
	kill_switch_nft_text(&t, &l, true);
	free(l.list);
	assert_false(t.failed);
	return t;
}

/* One that is strict makes all strict; both marks pass while one is changed. */
static void several_tunnels(void **state)
{
	const struct kill_switch *both[] = { &wg0, &wg1 };
	struct text lan = nft_of(both, 1), strict = nft_of(both, 2), none = nft_of(both, 0);

	(void)state;
	assert_non_null(strstr(lan.p, "ip daddr { 10.0.0.0/8,"));
	assert_non_null(strstr(lan.p, "tunnels { \"wg0\" }"));
	assert_null(strstr(lan.p, "wg1"));
	assert_null(strstr(strict.p, "10.0.0.0/8"));
	assert_non_null(strstr(strict.p, "tunnels { \"wg1\" }"));
	assert_non_null(strstr(strict.p, "marks { 0xca6c }"));
	assert_non_null(strstr(strict.p, "marks { 0x77 }"));
	assert_non_null(strstr(strict.p, "marks { 0x78 }"));
	assert_string_equal(none.p, "add table inet wgsuite-killswitch\ndelete table inet wgsuite-killswitch\n");
	text_heap_free(&lan);
	text_heap_free(&strict);
	text_heap_free(&none);
}

/* The last rule of each chain rejects, and forwarded packets with a mark have no exception. */
static void order(void **state)
{
	const struct kill_switch *one[] = { &wg1 };
	struct text t = nft_of(one, 1);
	struct span rest = text_of(&t), line, last[2] = { { 0 }, { 0 } };

	(void)state;
	while (span_next(&line, &rest, '\n')) {
		if (span_contains(line, "killswitch output "))
			last[0] = line;
		if (span_contains(line, "killswitch forward "))
			last[1] = line;
		assert_false(span_contains(line, "forward meta mark"));
	}
	assert_true(span_contains(last[0], "reject") && span_contains(last[1], "reject"));
	text_heap_free(&t);
}

static void iptables(void **state)
{
	static const char saved[] = "*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j WGSUITE-KILL-OUT\nCOMMIT\n";
	struct kill_switches l = { 0 };
	struct text t = text_heap();

	(void)state;
	assert_true(kill_switches_add(&l, &wg0));
	kill_switch_iptables_text(&t, &l, IP_V6, span_of(saved));
	assert_string_equal(t.p, "*filter\n"
				 ":WGSUITE-KILL-OUT - [0:0]\n"
				 "-D OUTPUT -j WGSUITE-KILL-OUT\n"
				 "-A WGSUITE-KILL-OUT -o wg0 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -o lo -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -m mark --mark 0xca6c -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -p udp -m udp --sport 546 --dport 547 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -p ipv6-icmp -m icmp6 --icmpv6-type 133 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -d ff02::/16 -p ipv6-icmp -m icmp6 --icmpv6-type 131 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -d ff02::/16 -p ipv6-icmp -m icmp6 --icmpv6-type 132 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -d ff02::/16 -p ipv6-icmp -m icmp6 --icmpv6-type 143 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -d fc00::/7 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -d fe80::/10 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -d ff00::/8 -j RETURN\n"
				 "-A WGSUITE-KILL-OUT -j REJECT --reject-with icmp6-adm-prohibited\n"
				 "-I OUTPUT 1 -j WGSUITE-KILL-OUT\n"
				 ":WGSUITE-KILL-FWD - [0:0]\n"
				 "-A WGSUITE-KILL-FWD -o wg0 -j RETURN\n"
				 "-A WGSUITE-KILL-FWD -d fc00::/7 -j RETURN\n"
				 "-A WGSUITE-KILL-FWD -d fe80::/10 -j RETURN\n"
				 "-A WGSUITE-KILL-FWD -d ff00::/8 -j RETURN\n"
				 "-A WGSUITE-KILL-FWD -j REJECT --reject-with icmp6-adm-prohibited\n"
				 "-I FORWARD 1 -j WGSUITE-KILL-FWD\n"
				 "COMMIT\n");
	text_heap_free(&t);
	l.n = 0;
	t = text_heap();
	kill_switch_iptables_text(&t, &l, IP_V4, span_of(saved));
	assert_string_equal(t.p, "*filter\n:WGSUITE-KILL-OUT - [0:0]\n-D OUTPUT -j WGSUITE-KILL-OUT\n-X WGSUITE-KILL-OUT\n"
				 ":WGSUITE-KILL-FWD - [0:0]\n-X WGSUITE-KILL-FWD\nCOMMIT\n");
	text_heap_free(&t);
	free(l.list);
}

static void completeness(void **state)
{
	static const char listed[] = "table inet wgsuite-killswitch {\n\tset tunnels {\n\t\telements = { \"wg0\", \"wg1\" }\n\t}\n"
				     "\tset marks {\n\t\telements = { 0x00000077, 0x0000ca6c }\n\t}\n"
				     "\tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n\t\tcounter reject\n\t}\n"
				     "\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tcounter reject\n\t}\n}\n";
	struct kill_switch other = wg1;

	(void)state;
	assert_true(kill_switch_is_complete(span_of(listed), FIREWALL_NFT, &wg1));
	assert_true(kill_switch_is_complete(span_of(listed), FIREWALL_NFT, &wg0));
	assert_false(kill_switch_is_complete(SPAN(""), FIREWALL_NFT, &wg1));
	other.mark = 0x99;
	assert_false(kill_switch_is_complete(span_of(listed), FIREWALL_NFT, &other));
	other = wg1;
	memcpy(other.name, "wg2", 4);
	assert_false(kill_switch_is_complete(span_of(listed), FIREWALL_NFT, &other));
}

/* By `nft flush chain', or `ip6tables -F'. */
static void a_chain_or_family_that_was_flushed_is_missed(void **state)
{
	static const char flushed[] = "table inet wgsuite-killswitch {\n\tset tunnels {\n\t\telements = { \"wg1\" }\n\t}\n"
				      "\tset marks {\n\t\telements = { 0x00000077, 0x0000ca6c }\n\t}\n"
				      "\tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n\t}\n"
				      "\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tcounter reject\n\t}\n}\n";
	struct text family = text_heap(), both = text_heap();

	(void)state;
	assert_false(kill_switch_is_complete(span_of(flushed), FIREWALL_NFT, &wg1));
	text_f(&family, "-A OUTPUT -j WGSUITE-KILL-OUT\n-A FORWARD -j WGSUITE-KILL-FWD\n-A WGSUITE-KILL-OUT -o %s -j RETURN\n"
			"-A WGSUITE-KILL-OUT -m mark --mark 0x%x -j RETURN\n-A WGSUITE-KILL-OUT -j REJECT\n-A WGSUITE-KILL-FWD -j REJECT\n",
	       wg1.name, wg1.mark);
	assert_true(kill_switch_is_complete(text_of(&family), FIREWALL_IPTABLES, &wg1));
	text_span(&both, text_of(&family));
	text_char(&both, KILL_SWITCH_NEXT_FAMILY);
	assert_false(kill_switch_is_complete(text_of(&both), FIREWALL_IPTABLES, &wg1));
	text_span(&both, text_of(&family));
	assert_true(kill_switch_is_complete(text_of(&both), FIREWALL_IPTABLES, &wg1));
	text_heap_free(&family);
	text_heap_free(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_tunnels),
		cmocka_unit_test(order),
		cmocka_unit_test(iptables),
		cmocka_unit_test(completeness),
		cmocka_unit_test(a_chain_or_family_that_was_flushed_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
