/* plan_stale(): rules and routes of tunnels that are no longer up go, and nothing else. Tables are written as in
 * "7 u4 u6 d4": the unreachable default routes of table 7, and other default routes. */
#include "rules_text.h"

#include "quick/plan/stale.h"

/* ---- facts ---- */

static void tables_of(struct table_uses *out, const char *text)
{
	struct span rest = span_of(text), one, word;

	*out = (struct table_uses){ 0 };
	while (span_next(&one, &rest, ',')) {
		struct span words = span_trim(one);
		struct table_use use = { 0 };
		uint64_t n = 0;
		if (!span_next(&word, &words, ' ') || word.n == 0)
			continue;
		assert_true(span_to_u64(&n, word, UINT32_MAX));
		use.table = (uint32_t)n;
		while (span_next(&word, &words, ' ')) {
			bool v6 = word.p[1] == '6';
			assert_true(word.p[0] == 'u' || word.p[0] == 'd');
			*(word.p[0] == 'u' ? &use.unreachable[v6] : &use.other_default[v6]) = true;
		}
		assert_true(vector_reserve(&out->list, &out->cap, out->n + 1, sizeof use));
		out->list[out->n++] = use;
	}
}

static void marks_of(struct tunnels_in_use *out, const char *text)
{
	struct span rest = span_of(text), one;

	while (span_next(&one, &rest, ' ')) {
		uint64_t n = 0;
		if (one.n == 0)
			continue;
		assert_true(span_to_u64(&n, one, UINT32_MAX));
		assert_int_equal(tunnels_in_use_add(out, (uint32_t)n), 0);
	}
}

static void print_plan(struct text *t, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct step *s = &p->steps[i];
		assert_true(s->remove);
		if (s->kind == STEP_RULE)
			print_rule(t, &s->rule);
		else
			text_f(t, "%sroute%u %u", t->n > 0 ? ", " : "", s->route.prefix.addr.family == IP_V4 ? 4u : 6u,
			       s->route.table);
	}
}

struct facts {
	const char *rules, *tables, *marks, *journaled;
	bool v6; /* the kernel has IPv6 rules */
};

static void assert_removed(const struct facts *f, const char *expected)
{
	static const struct step_rule main6 = { .family = IP_V6, .pref = 32766, .table = TABLE_MAIN };
	struct host_state s = { 0 };
	struct tunnels_in_use used = { 0 };
	struct table_uses tables;
	struct plan p = { 0 };
	char printed[512];
	struct text t = text_fixed(printed, sizeof printed);

	rules_of(&s.rules, f->rules);
	if (f->v6)
		assert_int_equal(rules_append(&s.rules, &main6), 0);
	tables_of(&tables, f->tables);
	marks_of(&used, f->marks ? f->marks : "");
	if (f->journaled)
		rules_of(&used.rules, f->journaled);
	assert_int_equal(plan_stale(&p, &s, &tables, &used), 0);
	print_plan(&t, &p);
	assert_string_equal(printed, expected);
	plan_free(&p);
	tunnels_in_use_free(&used);
	free(tables.list);
	host_state_free(&s);
}

#define ONE "0 local, 32764 own suppress, 32765 own tunnel 7, 32766 main, 32767 default"

static void one_tunnel(void **state)
{
	(void)state;
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7 u4" }, "32765 tunnel 7, 32764 suppress, route4 7");
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7" }, "32765 tunnel 7, 32764 suppress");
	/* Routes alone, as after a `down` of wireguard-tools. */
	assert_removed(&(struct facts){ .rules = "0 local, 32766 main", .tables = "7 u4 u6", .v6 = true }, "route4 7, route6 7");
	/* Interrupted. */
	assert_removed(&(struct facts){ .rules = "0 local, 32765 own tunnel 7, 32766 main", .tables = "7 u4" }, "32765 tunnel 7, route4 7");
	assert_removed(&(struct facts){ .rules = "0 local, 32764 own suppress, 32766 main", .tables = "7 u4" }, "32764 suppress, route4 7");
	assert_removed(&(struct facts){ .rules = "0 local, 32766 main", .tables = "" }, "");
}

static void tunnels_that_are_up(void **state)
{
	(void)state;
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7 u4", .marks = "5 7" }, "");
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7 u4 d4" }, "");
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7 u4 u6 d6", .v6 = true }, "");
	assert_removed(&(struct facts){ .rules = ONE, .tables = "" }, ""); /* the table is not known */
	assert_removed(&(struct facts){ .rules = "0 local, 32766 main", .tables = "7 u4 u6", .marks = "7" }, "");
}

static void rules_of_other_programs(void **state)
{
	(void)state;
	assert_removed(&(struct facts){ .rules = "0 local, 32764 suppress, 32765 tunnel 7, 32766 main", .tables = "7" }, "");
	/* Added again manually, in front of our route. */
	assert_removed(&(struct facts){ .rules = "0 local, 32764 suppress, 32765 tunnel 7, 32766 main", .tables = "7 u4" },
		       "32765 tunnel 7, 32764 suppress, route4 7");
	assert_removed(&(struct facts){ .rules = "0 local, 32764 suppress, 32765 own tunnel 7, 32766 main", .tables = "7 u4" },
		       "32765 tunnel 7, route4 7");
	assert_removed(&(struct facts){ .rules = "0 local, 100 suppress, 200 marked 7, 5210 foreign, " ONE, .tables = "7 u4" },
		       "32765 tunnel 7, 32764 suppress, route4 7");
	/* A tunnel of wireguard-tools whose own rule another of its kind deleted needs ours. */
	assert_removed(&(struct facts){ .rules = "0 local, 32763 own suppress, 32764 own tunnel 7, 32765 tunnel 5, 32766 main", .tables = "7 u4, 5 d4",
					.marks = "5" },
		       "32764 tunnel 7, route4 7");
	assert_removed(&(struct facts){ .rules = "0 local, 32762 own suppress, 32763 own tunnel 7, 32764 suppress, 32765 tunnel 5, 32766 main", .tables = "7 u4, 5 d4", .marks = "5" },
		       "32763 tunnel 7, 32762 suppress, route4 7");
	assert_removed(&(struct facts){ .rules = "0 local, 32762 suppress, 32763 tunnel 5, 32764 own suppress, 32765 own tunnel 7, 32766 main", .tables = "7 u4, 5 d4", .marks = "5" },
		       "32765 tunnel 7, 32764 suppress, route4 7");
}

#define TWO "0 local, 32760 own marked 5, 32761 own marked 7, 32762 own suppress, 32763 own tunnel 7, 32764 own suppress, " \
	    "32765 own tunnel 5, 32766 main"

static void two_tunnels(void **state)
{
	(void)state;
	assert_removed(&(struct facts){ .rules = TWO, .tables = "5 u4, 7 u4" },
		       "32763 tunnel 7, 32762 suppress, 32761 marked 7, 32760 marked 5, 32765 tunnel 5, 32764 suppress, route4 5, route4 7");
	/* The other one is up, with a journal and without. */
	assert_removed(&(struct facts){ .rules = TWO, .tables = "5 u4, 7 u4", .marks = "5", .journaled = "32764 suppress, 32765 tunnel 5" },
		       "32763 tunnel 7, 32762 suppress, 32761 marked 7, 32760 marked 5, route4 7");
	assert_removed(&(struct facts){ .rules = TWO, .tables = "5 u4 d4, 7 u4", .marks = "5" },
		       "32763 tunnel 7, 32762 suppress, 32761 marked 7, 32760 marked 5, route4 7");
	assert_removed(&(struct facts){ .rules = TWO, .tables = "5 u4, 7 u4", .marks = "7",
					.journaled = "32760 marked 5, 32761 marked 7, 32762 suppress, 32763 tunnel 7" },
		       "32765 tunnel 5, 32764 suppress, route4 5");
	assert_removed(&(struct facts){ .rules = TWO, .tables = "5 u4, 7 u4 d4", .marks = "7" },
		       "32765 tunnel 5, 32764 suppress, 32760 marked 5, route4 5");
	assert_removed(&(struct facts){ .rules = TWO, .tables = "5 u4 d4, 7 u4 d4", .marks = "5 7" }, "");
}

static void local_rules(void **state)
{
	(void)state;
	assert_removed(&(struct facts){ .rules = "32760 own local, 32761 own suppress, 32762 own tunnel 7, 32764 own local, 32766 own main, "
					"32767 own default", .tables = "7 u4" },
		       "32762 tunnel 7, 32761 suppress, 32760 local, route4 7");
	assert_removed(&(struct facts){ .rules = "100 own local, 32764 own suppress, 32765 own tunnel 7, 32766 own main", .tables = "7 u4" },
		       "32765 tunnel 7, 32764 suppress, route4 7");
}

/* There the route for IPv6 is in the main table. */
static void without_ipv6_rules(void **state)
{
	(void)state;
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7 u4, 254 u6" }, "32765 tunnel 7, 32764 suppress, route4 7, route6 254");
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7 u4, 254 u6", .marks = "254" }, "32765 tunnel 7, 32764 suppress, route4 7");
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7 u4, 254 u6", .v6 = true }, "32765 tunnel 7, 32764 suppress, route4 7");
	assert_removed(&(struct facts){ .rules = ONE, .tables = "7 u4, 254 u6", .marks = "7" }, "");
	assert_removed(&(struct facts){ .rules = "0 local, 32766 main", .tables = "254 u6" }, "");
	assert_removed(&(struct facts){ .rules = TWO, .tables = "5 u4, 7 u4, 254 u6", .marks = "5", .journaled = "32764 suppress, 32765 tunnel 5" },
		       "32763 tunnel 7, 32762 suppress, 32761 marked 7, 32760 marked 5, route4 7");
}

/* ---- random hosts ---- */

enum { MAX_TUNNELS = 4 };

struct tunnel {
	uint32_t mark;
	struct rules journal; /* what `up` added */
	bool up, journaled;
};

struct random_host {
	struct host_state state;
	struct tunnel tunnels[MAX_TUNNELS];
	size_t n;
};

static uint32_t rng_state;

static uint32_t random_below(uint32_t n)
{
	rng_state = rng_state * 1664525u + 1013904223u;
	return (rng_state >> 8) % n;
}

static const char *const hosts[] = {
	"0 local, 32766 main, 32767 default",
	"0 local, 5210 foreign, 32764 foreign, 32766 main",
	"32700 local, 32766 main",
	"0 local, 32764 suppress, 32765 tunnel 99, 32766 main",
};

static void bring_up(struct random_host *h, const char *host)
{
	rules_of(&h->state.rules, host);
	h->n = 1 + random_below(MAX_TUNNELS);
	for (size_t i = 0; i < h->n; i++) {
		struct tunnel *t = &h->tunnels[i];
		*t = (struct tunnel){ .mark = 7 + (uint32_t)i, .up = random_below(2), .journaled = random_below(2) };
		assert_int_equal(policy_rules_place(&t->journal, &h->state, IP_V4, t->mark), 0);
		for (size_t k = 0; k < t->journal.n; k++) {
			struct step_rule rule = t->journal.list[k];
			rule.own = true;
			assert_int_equal(rules_insert(&h->state.rules, &rule), 0);
		}
	}
}

static void inspect(const struct random_host *h, struct table_uses *tables, struct tunnels_in_use *used)
{
	char text[256];
	struct text t = text_fixed(text, sizeof text);

	*used = (struct tunnels_in_use){ 0 };
	text_add(&t, "99 d4");
	marks_of(used, "99");
	for (size_t i = 0; i < h->n; i++) {
		const struct tunnel *one = &h->tunnels[i];
		text_f(&t, ", %u u4%s", one->mark, one->up ? " d4" : "");
		if (one->up || one->journaled)
			assert_int_equal(tunnels_in_use_add(used, one->mark), 0);
		for (size_t k = 0; one->journaled && k < one->journal.n; k++)
			assert_int_equal(rules_append(&used->rules, &one->journal.list[k]), 0);
	}
	tables_of(tables, text);
}

static void sweep(struct random_host *h)
{
	struct tunnels_in_use used;
	struct table_uses tables;
	struct plan p = { 0 };

	inspect(h, &tables, &used);
	assert_int_equal(plan_stale(&p, &h->state, &tables, &used), 0);
	for (size_t i = 0; i < p.n; i++) {
		if (p.steps[i].kind != STEP_RULE)
			continue;
		assert_false(rules_have(&used.rules, &p.steps[i].rule));
		model_rules_change(&h->state.rules, &p.steps[i].rule, true);
	}
	plan_free(&p);
	free(tables.list);
	tunnels_in_use_free(&used);
}

static bool has_mark(const struct rules *r, uint32_t mark)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].mark == mark)
			return true;
	return false;
}

static void take_down(struct random_host *h, struct tunnel *t)
{
	for (size_t k = 0; t->journaled && k < t->journal.n; k++)
		if (rules_have(&h->state.rules, &t->journal.list[k]))
			model_rules_change(&h->state.rules, &t->journal.list[k], true);
	t->up = t->journaled = false;
}

/* Those that are up keep what they need; when none is, the host is as it was. */
static void random_hosts(void **state)
{
	(void)state;
	for (rng_state = 0; rng_state < 4000; rng_state++) {
		const uint32_t seed = rng_state;
		const char *host = hosts[random_below(ARRAY_LEN(hosts))];
		struct random_host h = { 0 };
		struct rules before;
		bring_up(&h, host);
		sweep(&h);
		for (size_t i = 0; i < h.n; i++) {
			const struct tunnel *t = &h.tunnels[i];
			if (t->up || t->journaled)
				assert_true(policy_rules_are_complete(&h.state.rules, IP_V4, t->mark));
			else
				assert_null(host_tunnel_rule(&h.state, IP_V4, t->mark));
		}
		for (size_t i = 0; i < h.n; i++)
			take_down(&h, &h.tunnels[i]);
		sweep(&h);
		rules_of(&before, host);
		assert_int_equal(h.state.rules.n, before.n);
		for (size_t i = 0; i < before.n; i++)
			assert_true(rules_have(&h.state.rules, &before.list[i]));
		for (size_t i = 0; i < h.n; i++) {
			assert_false(has_mark(&h.state.rules, h.tunnels[i].mark));
			free(h.tunnels[i].journal.list);
		}
		free(before.list);
		host_state_free(&h.state);
		rng_state = seed;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_tunnel),
		cmocka_unit_test(tunnels_that_are_up),
		cmocka_unit_test(rules_of_other_programs),
		cmocka_unit_test(two_tunnels),
		cmocka_unit_test(local_rules),
		cmocka_unit_test(without_ipv6_rules),
		cmocka_unit_test(random_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
