/* Addresses of an interface: parsing, printing, lists. */
#include "address.h"

#include <stdlib.h>

#include "base/vector.h"
#include "list.h"

bool address_equal(const struct interface_address *a, const struct interface_address *b)
{
	return ip_equal(&a->local, &b->local) && ip_equal(&a->peer, &b->peer) && a->bits == b->bits;
}

void address_print(struct text *t, const struct interface_address *a)
{
	ip_print(t, &a->local);
	if (a->peer.family != IP_NONE) {
		text_add(t, " peer ");
		ip_print(t, &a->peer);
	}
	if (!a->bare)
		text_f(t, "/%u", (unsigned int)a->bits);
}

struct ip_prefix address_prefix(const struct interface_address *a)
{
	struct ip_prefix p = { 0 };
	const struct ip_addr *of = a->peer.family != IP_NONE ? &a->peer : &a->local;

	return prefix_make(&p, of, a->bits) ? p : (struct ip_prefix){ 0 };
}

bool addresses_have(const struct addresses *a, const struct interface_address *one)
{
	for (size_t i = 0; i < a->n; i++)
		if (address_equal(&a->list[i], one))
			return true;
	return false;
}

bool addresses_add(struct addresses *a, const struct interface_address *one)
{
	if (!vector_reserve(&a->list, &a->cap, a->n + 1, sizeof *a->list))
		return false;
	a->list[a->n++] = *one;
	return true;
}

void addresses_free(struct addresses *a)
{
	free(a->list);
	*a = (struct addresses){ 0 };
}

static bool parse_address(struct ip_addr *a, uint8_t *bits, bool *bare, struct span word)
{
	size_t slash = span_find(word, '/');
	uint64_t n;

	if (!ip_parse(a, span_sub(word, 0, slash)))
		return false;
	*bare = slash == word.n;
	*bits = (uint8_t)ip_bits(a);
	if (*bare)
		return true;
	if (!span_to_u64(&n, span_sub(word, slash + 1, word.n), ip_bits(a)))
		return false;
	*bits = (uint8_t)n;
	return true;
}

int address_next(struct interface_address *out, struct span *rest, struct span *bad)
{
	struct span word, peer, after;

	*out = (struct interface_address){ 0 };
	if (!list_next(&word, rest))
		return 0;
	*bad = word;
	if (!parse_address(&out->local, &out->bits, &out->bare, word))
		return -1;
	after = *rest;
	if (!list_next(&peer, &after) || !span_is_nocase(peer, "peer"))
		return 1;
	*bad = peer;
	*rest = after;
	if (!out->bare || !list_next(&peer, rest))
		return -1;
	*bad = peer;
	if (!parse_address(&out->peer, &out->bits, &out->bare, peer) ||
	    out->peer.family != out->local.family)
		return -1;
	return 1;
}
