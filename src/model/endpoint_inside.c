/* One look-up for each endpoint and length of prefix. */
#include "endpoint_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vector.h"

enum { LENGTHS = 129 };

struct owned_prefix {
	struct ip_prefix prefix;
	uint32_t owner;
};

struct table {
	struct owned_prefix *list; /* sorted */
	size_t n;
	bool has[2][LENGTHS]; /* IPv4, IPv6: a prefix of this length */
};

static int compare_prefixes(const void *a, const void *b)
{
	const struct ip_prefix *x = &((const struct owned_prefix *)a)->prefix, *y = &((const struct owned_prefix *)b)->prefix;
	int family = (int)x->addr.family - (int)y->addr.family, bits = (int)x->bits - (int)y->bits;

	return family ? family : bits ? bits : memcmp(x->addr.b, y->addr.b, sizeof x->addr.b);
}

static int compare_owned(const void *a, const void *b)
{
	const struct owned_prefix *x = a, *y = b;
	int prefix = compare_prefixes(a, b);

	return prefix ? prefix : x->owner < y->owner ? -1 : x->owner > y->owner;
}

/* The last one of each prefix remains. */
static void sort_and_join(struct table *t)
{
	size_t n = 0;

	qsort(t->list, t->n, sizeof *t->list, compare_owned);
	for (size_t i = 0; i < t->n; i++) {
		n -= n > 0 && prefix_equal(&t->list[n - 1].prefix, &t->list[i].prefix);
		t->list[n++] = t->list[i];
		t->has[t->list[i].prefix.addr.family == IP_V6][t->list[i].prefix.bits] = true;
	}
	t->n = n;
}

static bool table_init(struct table *t, const struct wg_device *d)
{
	size_t n = 0;

	for (uint32_t i = 0; i < d->n_peers; i++)
		n += d->peers[i].n_allowedips;
	*t = (struct table){ .list = calloc(n + 1, sizeof *t->list) };
	if (!t->list)
		return false;
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (!(d->peers[i].allowedips[k].flags & WG_ALLOWEDIP_REMOVE))
				t->list[t->n++] = (struct owned_prefix){ d->peers[i].allowedips[k].prefix, i };
	sort_and_join(t);
	return true;
}

static bool look_up(struct endpoints_inside *out, const struct table *t, uint32_t peer, const struct ip_addr *a)
{
	struct owned_prefix key = { 0 };

	for (unsigned int bits = ip_bits(a) + 1; bits-- > 0;) {
		const struct owned_prefix *found = NULL;
		if (t->has[a->family == IP_V6][bits] && prefix_make(&key.prefix, a, bits))
			found = bsearch(&key, t->list, t->n, sizeof key, compare_prefixes);
		if (!found)
			continue;
		if (!vector_reserve(&out->list, &out->cap, out->n + 1, sizeof *out->list))
			return false;
		out->list[out->n++] = (struct endpoint_inside){ peer, found->owner, found->prefix };
	}
	return true;
}

static bool has_endpoints(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].flags & WG_PEER_HAS_ENDPOINT)
			return true;
	return false;
}

int endpoints_inside_find(struct endpoints_inside *out, const struct wg_device *d)
{
	struct table t;
	bool ok;

	*out = (struct endpoints_inside){ 0 };
	if (!has_endpoints(d))
		return 0;
	ok = table_init(&t, d);
	for (uint32_t i = 0; ok && i < d->n_peers; i++)
		if (d->peers[i].flags & WG_PEER_HAS_ENDPOINT)
			ok = look_up(out, &t, i, &d->peers[i].endpoint.addr);
	free(t.list);
	if (!ok)
		endpoints_inside_free(out);
	return ok ? 0 : -ENOMEM;
}

void endpoints_inside_free(struct endpoints_inside *e)
{
	free(e->list);
	*e = (struct endpoints_inside){ 0 };
}
