/* Where policy rules stand. */
#include "rules_text.h"

/* As a reload does. */
static void remove_own(struct rules *r, uint32_t mark, const struct rules *placed)
{
	struct rules own = { 0 };

	assert_int_equal(policy_rules_of_tunnel(&own, r, IP_V4, mark), 0);
	for (size_t i = 0; i < own.n; i++)
		if (!rules_have(placed, &own.list[i]))
			model_rules_change(r, &own.list[i], true);
	free(own.list);
}

/* The new tunnel has mark 7; its interface had `before`. */
static void assert_placed(const char *host, uint32_t before, const char *added)
{
	struct host_state s = { .device.fwmark = before };
	struct rules placed = { 0 };
	struct plan p = { 0 };
	char printed[512];
	struct text t = text_fixed(printed, sizeof printed);

	rules_of(&s.rules, host);
	assert_int_equal(policy_rules_place(&placed, &s, IP_V4, 7), 0);
	assert_int_equal(policy_rules_plan(&p, &s, &placed), 0);
	remove_own(&s.rules, before, &placed);
	for (size_t i = 0; i < p.n; i++) {
		print_rule(&t, &p.steps[i].rule);
		assert_int_equal(rules_insert(&s.rules, &p.steps[i].rule), 0);
	}
	assert_string_equal(printed, added);
	assert_true(policy_rules_are_complete(&s.rules, IP_V4, 7));
	plan_free(&p);
	free(placed.list);
	free(s.rules.list);
}

static void before_main(void **state)
{
	(void)state;
	assert_placed("0 local, 32766 main, 32767 default", 0, "32765 tunnel 7, 32764 suppress");
	assert_placed("0 local, 32766 main", 0, "32765 tunnel 7, 32764 suppress");
	assert_placed("0 local, 200 main, 32766 main", 0, "199 tunnel 7, 198 suppress");
	assert_placed("0 local, 32000 unreachable, 32766 main", 0, "31999 tunnel 7, 31998 suppress");
	assert_placed("0 local", 0, "32765 tunnel 7, 32764 suppress");
	assert_placed("0 local, 40000 foreign", 0, "40000 suppress, 40000 tunnel 7");
}

static void after_the_rules_of_others(void **state)
{
	(void)state;
	assert_placed("0 local, 5210 foreign, 5270 foreign, 32766 main", 0, "32765 tunnel 7, 32764 suppress");
	assert_placed("0 local, 32764 foreign, 32766 main", 0, "32765 suppress, 32765 tunnel 7");
	assert_placed("0 local, 32765 foreign, 32766 main", 0, "32765 suppress, 32765 tunnel 7");
	assert_placed("0 local, 100 suppress, 32766 main", 0, "32765 tunnel 7, 32764 suppress");
	/* There is no preference between the two. */
	assert_placed("0 local, 32766 foreign, 32766 main", 0, "32765 tunnel 7, 32764 suppress");
}

static void after_local(void **state)
{
	(void)state;
	assert_placed("1000 local, 32766 main", 0, "32765 tunnel 7, 32764 suppress");
	assert_placed("1000 foreign, 32765 local, 32766 main", 0, "32765 suppress, 32765 tunnel 7");
}

static void before_other_tunnels(void **state)
{
	(void)state;
	assert_placed("0 local, 5210 foreign, 32764 suppress, 32765 tunnel 5, 32766 main", 0,
		      "32763 tunnel 7, 32762 suppress, 32761 marked 5, 32760 marked 7");
	assert_placed("0 local, 32758 marked 6, 32759 marked 5, 32760 suppress, 32761 tunnel 6, 32764 suppress, 32765 tunnel 5, "
		      "32766 main", 0,
		      "32757 tunnel 7, 32756 suppress, 32755 marked 6, 32754 marked 5, 32753 marked 7");
	/* Foreign rules between them. */
	assert_placed("0 local, 32700 suppress, 32701 tunnel 6, 32710 foreign, 32764 suppress, 32765 tunnel 5, 32766 main", 0,
		      "32699 tunnel 7, 32698 suppress, 32697 marked 6, 32696 marked 5, 32695 marked 7");
	/* "local" is not before the other tunnel: a copy of it goes first. */
	assert_placed("32765 local, 32765 suppress, 32765 tunnel 5, 32766 main", 0,
		      "32764 tunnel 7, 32763 suppress, 32762 marked 5, 32761 marked 7, 32760 local");
	assert_placed("32760 local, 32761 marked 5, 32762 marked 6, 32763 suppress, 32764 tunnel 6, 32765 local, 32765 suppress, "
		      "32765 tunnel 5, 32766 main", 0,
		      "32759 tunnel 7, 32758 suppress, 32757 marked 6, 32756 marked 5, 32755 marked 7, 32754 local");
}

/* Those of this tunnel are kept, and their positions used again. */
static void own_rules(void **state)
{
	(void)state;
	assert_placed("0 local, 32764 suppress, 32765 tunnel 7, 32766 main", 7, "");
	assert_placed("0 local, 32765 tunnel 7, 32766 main", 7, "32764 suppress");
	assert_placed("0 local, 32764 suppress, 32766 main", 7, "32765 suppress, 32765 tunnel 7");
	assert_placed("0 local, 32764 suppress, 32765 tunnel 3, 32766 main", 3, "32765 tunnel 7");
	assert_placed("0 local, 200 main, 32764 suppress, 32765 tunnel 7, 32766 main", 7, "199 tunnel 7, 198 suppress");
	assert_placed("8 suppress, 9 tunnel 7, 100 local, 32766 main", 7, "32765 tunnel 7, 32764 suppress");
	/* One would stay, but in front of "local". */
	assert_placed("32764 suppress, 32765 tunnel 7, 32765 local, 32766 main", 7, "32763 tunnel 7, 32762 suppress, 32761 local");
}

static bool is_complete(const char *text)
{
	struct rules r;
	bool complete;

	rules_of(&r, text);
	complete = policy_rules_are_complete(&r, IP_V4, 7);
	free(r.list);
	return complete;
}

static void completeness(void **state)
{
	(void)state;
	assert_true(is_complete("0 local, 32764 suppress, 32765 tunnel 7, 32766 main"));
	assert_true(is_complete("32764 suppress, 32765 tunnel 7, 32766 main"));
	assert_true(is_complete("0 local, 7 suppress, 32765 tunnel 7"));
	assert_false(is_complete("0 local, 32764 suppress, 32766 main"));
	assert_false(is_complete("0 local, 32765 tunnel 7, 32766 main"));
	assert_false(is_complete("0 local, 32764 tunnel 7, 32765 suppress, 32766 main"));
	assert_false(is_complete("0 local, 100 main, 32764 suppress, 32765 tunnel 7, 32766 main"));
	assert_false(is_complete("32764 suppress, 32765 local, 32765 tunnel 7, 32766 main"));
	assert_false(is_complete("0 local, 32764 suppress, 32765 tunnel 5, 32766 main"));
	/* The other one is evaluated later. */
	assert_false(is_complete("0 local, 32762 suppress, 32763 tunnel 7, 32764 suppress, 32765 tunnel 5, 32766 main"));
	assert_false(is_complete("0 local, 32761 marked 5, 32762 suppress, 32763 tunnel 7, 32764 suppress, 32765 tunnel 5, 32766 main"));
	assert_true(is_complete("0 local, 32760 marked 7, 32761 marked 5, 32762 suppress, 32763 tunnel 7, 32764 suppress, "
				"32765 tunnel 5, 32766 main"));
	assert_true(is_complete("0 local, 32760 marked 7, 32761 marked 5, 32762 suppress, 32763 tunnel 5, 32764 suppress, "
				"32765 tunnel 7, 32766 main"));
}

static bool is_free(const char *text, const char *rule)
{
	struct step_rule one = rule_of(span_of(rule));
	struct rules r;
	bool free_rule;

	rules_of(&r, text);
	free_rule = policy_rule_is_free(&r, &one, 7);
	free(r.list);
	return free_rule;
}

static void rules_that_no_other_tunnel_needs(void **state)
{
	static const char two[] = "0 local, 32760 marked 5, 32761 marked 7, 32762 suppress, 32763 tunnel 7, 32764 suppress, "
				  "32765 tunnel 5, 32766 main";
	static const char lost[] = "0 local, 32760 marked 5, 32761 marked 7, 32762 suppress, 32764 suppress, 32765 tunnel 5, "
				   "32766 main";

	(void)state;
	assert_true(is_free(two, "32760 marked 5"));
	assert_true(is_free(two, "32762 suppress"));
	assert_false(is_free(two, "32764 suppress"));
	assert_true(is_free(lost, "32760 marked 5"));
	assert_true(is_free(lost, "32761 marked 7"));
	assert_true(is_free(lost, "32762 suppress"));
	assert_false(is_free(lost, "32764 suppress"));
	assert_true(is_free("0 local, 32764 suppress, 32766 main", "32764 suppress"));
	assert_true(is_free("0 local, 32764 suppress, 32765 tunnel 7, 32766 main", "32764 suppress"));
	assert_false(is_free("0 local, 32764 suppress, 32765 tunnel 5, 32766 main", "32764 suppress"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_main),
		cmocka_unit_test(after_the_rules_of_others),
		cmocka_unit_test(after_local),
		cmocka_unit_test(before_other_tunnels),
		cmocka_unit_test(own_rules),
		cmocka_unit_test(completeness),
		cmocka_unit_test(rules_that_no_other_tunnel_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
