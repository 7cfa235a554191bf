/* Policy rules as text, as in "0 local, 5210 foreign, 32765 own tunnel 51820": the preference, "own" for the protocol of
 * wg-quick, the kind, and the mark of those that have one. */
#ifndef TESTS_RULES_TEXT_H
#define TESTS_RULES_TEXT_H

#include "model_host.h"

static inline struct step_rule rule_of(struct span text)
{
	struct span kind = span_sub(text, span_find(text, ' ') + 1, text.n), mark;
	bool own = span_starts(kind, "own ");
	uint64_t pref = 0, n = 0;
	struct step_rule r = { .family = IP_V4 };

	kind = span_sub(kind, own ? sizeof "own" : 0, kind.n);
	mark = span_sub(kind, span_find(kind, ' ') + 1, kind.n);
	assert_true(span_to_u64(&pref, span_sub(text, 0, span_find(text, ' ')), UINT32_MAX));
	r.pref = (uint32_t)pref;
	if (span_is(kind, "local"))
		r.table = TABLE_LOCAL;
	else if (span_is(kind, "main"))
		r.table = TABLE_MAIN;
	else if (span_is(kind, "default"))
		r.table = 253;
	else if (span_is(kind, "unreachable"))
		r.ends = true;
	else if (span_is(kind, "suppress"))
		r = (struct step_rule){ .family = IP_V4, .pref = r.pref, .suppress = true, .table = TABLE_MAIN };
	else if (span_starts(kind, "tunnel ") && span_to_u64(&n, mark, UINT32_MAX))
		r = (struct step_rule){ .family = IP_V4, .pref = r.pref, .invert = true, .mark = (uint32_t)n,
					.table = (uint32_t)n };
	else if (span_starts(kind, "marked ") && span_to_u64(&n, mark, UINT32_MAX))
		r = (struct step_rule){ .family = IP_V4, .pref = r.pref, .mark = (uint32_t)n, .table = TABLE_MAIN };
	else if (!span_is(kind, "foreign"))
		fail_msg("%.*s", (int)kind.n, kind.p);
	r.own = own;
	return r;
}

static inline void rules_of(struct rules *out, const char *text)
{
	struct span rest = span_of(text), one;

	*out = (struct rules){ 0 };
	while (span_next(&one, &rest, ',')) {
		struct step_rule r = rule_of(span_trim(one));
		assert_int_equal(rules_append(out, &r), 0);
	}
}

static inline void print_rule(struct text *t, const struct step_rule *r)
{
	text_f(t, "%s%u ", t->n > 0 ? ", " : "", r->pref);
	if (rule_is_tunnel(r))
		text_f(t, "tunnel %u", r->mark);
	else if (r->suppress)
		text_add(t, "suppress");
	else if (r->mark)
		text_f(t, "marked %u", r->mark);
	else
		text_add(t, r->table == TABLE_LOCAL ? "local" : r->table == TABLE_MAIN ? "main" : "foreign");
}

#endif
