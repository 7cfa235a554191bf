/* Evaluates the lines of `nft list ruleset`. */
#include "ruleset.h"

enum match { NO, MAYBE, YES };

static struct span next_word(struct span *rest)
{
	struct span word;
	size_t n = 0;

	*rest = span_trim(*rest);
	while (n < rest->n && !ascii_is_blank(rest->p[n]))
		n++;
	word = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n, rest->n);
	return word;
}

/* A value, or a set { a, b }, without the braces. */
static struct span next_value(struct span *rest, bool *inverted)
{
	struct span before = *rest, word = next_word(rest), value;
	size_t close;

	*inverted = span_is(word, "!=");
	if (*inverted) {
		before = *rest;
		word = next_word(rest);
	}
	if (!span_is(word, "{"))
		return word;
	before = span_trim(before);
	close = span_find(before, '}');
	value = span_sub(before, 1, close > 0 ? close - 1 : 0);
	*rest = span_sub(before, close + 1, before.n);
	return value;
}

static struct span unquoted(struct span s)
{
	s = span_trim(s);
	return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' ? span_sub(s, 1, s.n - 2) : s;
}

/* ---- expressions ---- */

static enum match either(bool matches, bool inverted)
{
	return matches != inverted ? YES : NO;
}

static enum match match_interface(struct span *rest, const struct ruleset_packet *p)
{
	bool inverted, listed = false, unsure = false;
	struct span list = next_value(rest, &inverted), one;

	while (span_next(&one, &list, ',')) {
		struct span name = unquoted(one);
		if (p->iif)
			listed |= span_is(name, p->iif);
		else if (!span_is(name, "lo") && !span_is(name, p->tunnel))
			unsure = true; /* perhaps the uplink */
	}
	return unsure && !listed ? MAYBE : either(listed, inverted);
}

static bool in_range(struct span one, uint16_t port)
{
	struct span low;
	uint64_t first, last;

	one = span_trim(one);
	if (!span_next(&low, &one, '-') || !span_to_u64(&first, low, UINT16_MAX))
		return false;
	last = first;
	if (one.p && !span_to_u64(&last, one, UINT16_MAX))
		return false;
	return port >= first && port <= last;
}

static enum match match_port(struct span *rest, const struct ruleset_packet *p)
{
	bool inverted, listed = false;
	struct span list = next_value(rest, &inverted), one;

	if (!p->udp_port)
		return MAYBE;
	if (list.n > 0 && list.p[0] == '@')
		return MAYBE;
	while (span_next(&one, &list, ','))
		listed |= in_range(one, p->udp_port);
	return either(listed, inverted);
}

static enum match match_protocol(struct span *rest, const struct ruleset_packet *p)
{
	bool inverted, listed = false;
	struct span list = next_value(rest, &inverted), one;

	if (!p->udp_port)
		return MAYBE;
	while (span_next(&one, &list, ','))
		listed |= span_is(span_trim(one), "udp") || span_is(span_trim(one), "17");
	return either(listed, inverted);
}

static enum match match_state(struct span *rest)
{
	bool inverted, listed = false;
	struct span list = next_value(rest, &inverted), one;

	if (span_is(list, "vmap"))
		return MAYBE;
	while (span_next(&one, &list, ','))
		listed |= span_is(span_trim(one), "new") || span_is(span_trim(one), "untracked");
	return either(listed, inverted);
}

static void skip(struct span *rest, int words)
{
	for (; words > 0; words--)
		(void)next_word(rest);
}

/* One expression that begins with this word. Of one that is not known, only this word is read: a verdict may follow. */
static enum match match_one(struct span word, struct span *rest, const struct ruleset_packet *p)
{
	struct span after = *rest, second;

	if (span_is(word, "iifname") || span_is(word, "iif"))
		return match_interface(rest, p);
	second = next_word(&after);
	if (span_is(word, "counter")) {
		if (span_is(second, "packets"))
			skip(rest, 4);
		return YES;
	}
	if (span_is(word, "tcp") || span_is(word, "icmp") || span_is(word, "icmpv6"))
		return p->udp_port ? NO : MAYBE;
	if (span_is(word, "udp") && span_is(second, "dport")) {
		*rest = after;
		return match_port(rest, p);
	}
	if ((span_is(word, "meta") && span_is(second, "l4proto")) || (span_is(word, "ip") && span_is(second, "protocol")) ||
	    (span_is(word, "ip6") && span_is(second, "nexthdr"))) {
		*rest = after;
		return match_protocol(rest, p);
	}
	if (span_is(word, "ct") && span_is(second, "state")) {
		*rest = after;
		return match_state(rest);
	}
	return MAYBE;
}

/* ---- rules and chains ---- */

enum verdict { CONTINUES, ACCEPTS, DROPS, LEAVES /* for another chain */ };

static enum verdict verdict_of(struct span word)
{
	static const struct { const char *word; enum verdict verdict; } verdicts[] = {
		{ "accept", ACCEPTS }, { "drop", DROPS },  { "reject", DROPS }, { "jump", LEAVES },
		{ "goto", LEAVES },    { "queue", LEAVES }, { "return", LEAVES },
	};

	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (span_is(word, verdicts[i].word))
			return verdicts[i].verdict;
	return CONTINUES;
}

static enum verdict judge_rule(struct span line, const struct ruleset_packet *p, enum match *match)
{
	struct span rest = line, word;

	*match = MAYBE;
	if (span_contains(line, " vmap ")) /* a verdict for each value */
		return LEAVES;
	*match = YES;
	while (*match != NO && (word = next_word(&rest)).n > 0) {
		enum verdict v = verdict_of(word);
		enum match one;
		if (v != CONTINUES)
			return v;
		if (span_is(word, "comment"))
			break;
		one = match_one(word, &rest, p);
		*match = one < *match ? one : *match;
	}
	return CONTINUES;
}

struct chain {
	bool is_base;  /* of the hook */
	bool decided;  /* accepted: no further rule counts */
	bool unsure;   /* a rule that cannot be judged may have accepted the packet */
	bool drops;    /* by its policy */
};

static void begin_chain(struct chain *c, struct span line, const struct ruleset_packet *p)
{
	struct span rest = line, word;

	while ((word = next_word(&rest)).n > 0)
		if (span_is(word, "hook"))
			c->is_base = span_is(next_word(&rest), p->hook);
	c->drops = span_contains(line, "policy drop");
}

/* True: the rule drops the packet. */
static bool judge_line(struct chain *c, struct span line, const struct ruleset_packet *p)
{
	enum match match;
	enum verdict v;

	if (!c->is_base || c->decided)
		return false;
	v = judge_rule(line, p, &match);
	if (match == NO || v == CONTINUES)
		return false;
	if (v == DROPS)
		return match == YES && !c->unsure;
	if (v == LEAVES || match == MAYBE)
		c->unsure = true;
	else
		c->decided = true;
	return false;
}

enum ruleset_verdict ruleset_judge(struct span ruleset, const struct ruleset_packet *p)
{
	struct chain c = { 0 };
	bool unsure = false;
	struct span line;

	while (span_next(&line, &ruleset, '\n')) {
		line = span_trim(line);
		if (span_starts(line, "chain ")) {
			c = (struct chain){ 0 };
		} else if (span_starts(line, "type ")) {
			begin_chain(&c, line, p);
		} else if (span_is(line, "}")) {
			if (c.is_base && c.drops && !c.decided && !c.unsure)
				return RULESET_DROPS;
			unsure |= c.is_base && c.unsure;
			c = (struct chain){ 0 };
		} else if (judge_line(&c, line, p)) {
			return RULESET_DROPS;
		}
	}
	return unsure ? RULESET_UNKNOWN : RULESET_ACCEPTS;
}
