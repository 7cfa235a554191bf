/* Addresses of an interface: parsing, printing, lists. */
#include "address.h"

#include <stdlib.h>

#include "base/vector.h"
#include "list.h"
#include "number.h"

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

bool address_has_route(const struct interface_address *a)
{
	return a->local.family != IP_V4 || (a->bits > 0 && (a->bits < 32 || a->peer.family != IP_NONE));
}

bool addresses_have(const struct addresses *a, const struct interface_address *one)
{
	for (size_t i = 0; i < a->n; i++)
		if (address_equal(&a->list[i], one))
			return true;
	return false;
}

const struct interface_address *addresses_find_conflict(const struct addresses *a, const struct interface_address *one)
{
	for (size_t i = 0; one->local.family == IP_V6 && i < a->n; i++)
		if (ip_equal(&a->list[i].local, &one->local) && !address_equal(&a->list[i], one))
			return &a->list[i];
	return NULL;
}

bool addresses_add(struct addresses *a, const struct interface_address *one)
{
	if (!vector_reserve(&a->list, &a->cap, a->n + 1, sizeof *a->list))
		return false;
	a->list[a->n++] = *one;
	return true;
}

bool addresses_have_family(const struct addresses *a, uint8_t family)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].local.family == family)
			return true;
	return false;
}

void addresses_free(struct addresses *a)
{
	free(a->list);
	*a = (struct addresses){ 0 };
}

/* Up to four numbers with dots between them; the rest of the address is zero. */
static bool parse_v4(struct ip_addr *a, bool *ambiguous, struct span word)
{
	uint8_t b[4] = { 0 };
	struct span piece;
	size_t i;

	for (i = 0; span_next(&piece, &word, '.'); i++) {
		uint64_t n;
		if (i == ARRAY_LEN(b) || !number_parse(&n, piece, 255))
			return false;
		*ambiguous |= number_is_octal(piece);
		b[i] = (uint8_t)n;
	}
	*ambiguous |= i < ARRAY_LEN(b);
	*a = ip_v4(b);
	return true;
}

bool address_parse_ip(struct ip_addr *a, bool *ambiguous, struct span word)
{
	return ip_parse(a, word) || parse_v4(a, ambiguous, word);
}

/* The number of leading ones, as in 255.255.255.0; false: there are others. */
static bool parse_netmask(uint64_t *bits, bool *ambiguous, struct span word)
{
	struct ip_addr mask;
	uint32_t m;

	if (!address_parse_ip(&mask, ambiguous, word) || mask.family != IP_V4)
		return false;
	m = load_be32(mask.b);
	*bits = 0;
	for (uint32_t bit = 1u << 31; m & bit; bit >>= 1)
		++*bits;
	return *bits == 32 || (m << *bits) == 0;
}

/* "/08" is no octal number, and was always accepted here. */
static bool parse_length(uint64_t *bits, bool *ambiguous, struct span word, unsigned int max)
{
	if (number_parse(bits, word, max) || span_to_u64(bits, word, max)) {
		*ambiguous |= number_is_octal(word);
		return true;
	}
	return parse_netmask(bits, ambiguous, word) && *bits <= max;
}

/* As ip(8) reads it, which upstream passes it to. */
static bool parse_address(struct interface_address *out, struct ip_addr *a, struct span word)
{
	size_t slash = span_find(word, '/');
	uint64_t n;

	if (!address_parse_ip(a, &out->ambiguous, span_sub(word, 0, slash)))
		return false;
	out->bare = slash == word.n;
	out->bits = (uint8_t)ip_bits(a);
	if (out->bare)
		return true;
	if (!parse_length(&n, &out->ambiguous, span_sub(word, slash + 1, word.n), ip_bits(a)))
		return false;
	out->bits = (uint8_t)n;
	return true;
}

int address_next(struct interface_address *out, struct span *rest, struct span *bad)
{
	struct span word, peer, after;

	*out = (struct interface_address){ 0 };
	if (!list_next(&word, rest))
		return 0;
	*bad = word;
	if (!parse_address(out, &out->local, word))
		return -1;
	after = *rest;
	if (!list_next(&peer, &after) || !span_is_nocase(peer, "peer"))
		return 1;
	*bad = peer;
	*rest = after;
	if (!out->bare || !list_next(&peer, rest))
		return -1;
	*bad = peer;
	if (!parse_address(out, &out->peer, peer) ||
	    out->peer.family != out->local.family)
		return -1;
	return 1;
}
