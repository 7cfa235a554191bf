/* Bisection: a half without any of the addresses is one of the prefixes, the other half is divided again. */
#include "prefix_split.h"

struct split {
	struct ip_prefix *out;
	size_t cap, n;
	const struct ip_addr *except;
	size_t n_except;
};

static bool is_whole(const struct split *s, const struct ip_prefix *p)
{
	for (size_t i = 0; i < s->n_except; i++)
		if (prefix_contains(p, &s->except[i]))
			return false;
	return true;
}

static struct ip_prefix half(const struct ip_prefix *p, bool upper)
{
	struct ip_prefix h = *p;

	if (upper)
		h.addr.b[p->bits / 8] |= (uint8_t)(0x80 >> p->bits % 8);
	h.bits++;
	return h;
}

/* At most 129 calls deep. */
static void divide(struct split *s, const struct ip_prefix *p)
{
	if (s->n > s->cap)
		return;
	if (is_whole(s, p)) {
		if (s->n < s->cap)
			s->out[s->n] = *p;
		s->n++;
	} else if (p->bits < ip_bits(&p->addr)) {
		const struct ip_prefix lower = half(p, false), upper = half(p, true);
		divide(s, &lower);
		divide(s, &upper);
	}
}

size_t prefix_split(struct ip_prefix out[], size_t cap, const struct ip_prefix *p, const struct ip_addr except[], size_t n)
{
	struct split s = { .out = out, .cap = cap, .except = except, .n_except = n };

	divide(&s, p);
	return s.n;
}
