/* Whether a firewall drops a packet: only what is certain counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "quick/diagnosis/ruleset.h"

#define CHAIN(hook, policy, rules)                                                                                  \
	"table inet filter {\n\tset s {\n\t\ttype ipv4_addr\n\t}\n\tchain c {\n\t\ttype filter hook " hook              \
	" priority filter; policy " policy ";\n" rules "\t}\n}\n"
#define INPUT(policy, rules) CHAIN("input", policy, rules)

static void input(void **state)
{
	static const struct {
		const char *text;
		enum ruleset_verdict verdict;
	} table[] = {
		{ "", RULESET_ACCEPTS },
		{ INPUT("accept", ""), RULESET_ACCEPTS },
		{ INPUT("drop", ""), RULESET_DROPS },
		{ CHAIN("output", "drop", ""), RULESET_ACCEPTS },
		{ INPUT("drop", "\t\tudp dport 51820 accept\n"), RULESET_ACCEPTS },
		{ INPUT("drop", "\t\tudp dport { 53, 51820-51830 } counter packets 3 bytes 9 accept\n"), RULESET_ACCEPTS },
		{ INPUT("drop", "\t\tudp dport { 53, 51821-51830 } accept\n"), RULESET_DROPS },
		{ INPUT("drop", "\t\tudp dport != 53 accept\n"), RULESET_ACCEPTS },
		{ INPUT("drop", "\t\tct state established,related accept\n\t\tiifname \"lo\" accept\n\t\ttcp dport 22 accept\n"), RULESET_DROPS },
		{ INPUT("drop", "\t\tct state { established, new } accept\n"), RULESET_ACCEPTS },
		{ INPUT("drop", "\t\tct state vmap { established : accept, new : jump other }\n"), RULESET_UNKNOWN },
		{ INPUT("drop", "\t\tudp dport vmap { 51820 : accept, 53 : drop }\n"), RULESET_UNKNOWN },
		{ INPUT("drop", "\t\tip saddr 10.0.0.0/8 accept\n"), RULESET_UNKNOWN },
		{ INPUT("drop", "\t\tjump ufw-before-input\n"), RULESET_UNKNOWN },
		{ INPUT("drop", "\t\tiifname \"eth0\" accept\n"), RULESET_UNKNOWN },
		{ INPUT("drop", "\t\tiifname { \"lo\", \"wg0\" } accept\n"), RULESET_DROPS },
		{ INPUT("accept", "\t\tudp dport 51820 drop\n"), RULESET_DROPS },
		{ INPUT("accept", "\t\tmeta l4proto udp udp dport 51820 counter reject with icmpx port-unreachable\n"), RULESET_DROPS },
		{ INPUT("accept", "\t\tip saddr 10.0.0.0/8 drop\n"), RULESET_ACCEPTS },
		{ INPUT("accept", "\t\tct state invalid drop\n\t\ttcp dport 25 drop\n"), RULESET_ACCEPTS },
		{ INPUT("accept", "\t\tudp dport 51820 accept\n\t\tdrop\n"), RULESET_ACCEPTS },
		{ INPUT("accept", "\t\tcounter packets 0 bytes 0 drop comment \"accept\"\n"), RULESET_DROPS },
		{ "chain\n}\n}\ntype hook\nhook {", RULESET_ACCEPTS },
		{ INPUT("accept", "\t\tudp dport {\n\t\tudp dport\n\t\tiifname !=\n\t\tct state\n"), RULESET_ACCEPTS },
	};
	const struct ruleset_packet packet = { .hook = "input", .tunnel = "wg0", .udp_port = 51820 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (ruleset_judge(span_of(table[i].text), &packet) != table[i].verdict)
			fail_msg("%s", table[i].text);
}

static void forwarded(void **state)
{
	const struct ruleset_packet packet = { .hook = "forward", .iif = "wg0", .tunnel = "wg0" };

	(void)state;
	assert_int_equal(ruleset_judge(SPAN(CHAIN("forward", "drop", "\t\tiifname \"wg0\" accept\n")), &packet), RULESET_ACCEPTS);
	assert_int_equal(ruleset_judge(SPAN(CHAIN("forward", "drop", "\t\tiifname \"eth0\" accept\n")), &packet), RULESET_DROPS);
	assert_int_equal(ruleset_judge(SPAN(CHAIN("forward", "drop", "\t\ttcp dport 80 accept\n")), &packet), RULESET_UNKNOWN);
	assert_int_equal(ruleset_judge(SPAN(CHAIN("forward", "accept", "\t\tiifname \"wg0\" drop\n")), &packet), RULESET_DROPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(input), cmocka_unit_test(forwarded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
