/* The routes: numbered prefixes, in the list of their owner and in the trie of their family. */
#include "routes.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_ROUTES = 8 };

/* ---- lists ---- */

static struct route *at(const struct routes *r, uint32_t number)
{
	assert(number > 0 && number <= r->used);
	return &r->all[number - 1];
}

static void list_remove(struct routes *r, uint32_t number)
{
	struct route *route = at(r, number);

	if (route->older)
		at(r, route->older)->newer = route->newer;
	else
		route->owner->first = route->newer;
	if (route->newer)
		at(r, route->newer)->older = route->older;
	else
		route->owner->last = route->older;
}

static void list_append(struct routes *r, uint32_t number, struct routes_owner *owner)
{
	struct route *route = at(r, number);

	route->owner = owner;
	route->older = owner->last;
	route->newer = 0;
	if (owner->last)
		at(r, owner->last)->newer = number;
	else
		owner->first = number;
	owner->last = number;
}

bool routes_reserve(struct routes *r, size_t more)
{
	uint64_t need = (uint64_t)r->used + more;
	struct route *all;

	if (more <= r->cap - r->used)
		return true;
	if (need < 2 * (uint64_t)r->cap)
		need = 2 * (uint64_t)r->cap;
	if (need < FIRST_ROUTES)
		need = FIRST_ROUTES;
	if (more > UINT32_MAX || need > UINT32_MAX || need > SIZE_MAX / sizeof *all)
		return false;
	all = realloc(r->all, (size_t)need * sizeof *all);
	if (!all)
		return false;
	r->all = all;
	r->cap = (uint32_t)need;
	return true;
}

static uint32_t number_alloc(struct routes *r)
{
	uint32_t number = r->free;

	if (number) {
		r->free = at(r, number)->newer;
		return number;
	}
	return routes_reserve(r, 1) ? ++r->used : 0;
}

static void number_free(struct routes *r, uint32_t number)
{
	at(r, number)->newer = r->free;
	r->free = number;
}

bool routes_add(struct routes *r, struct routes_owner *owner, const struct ip_prefix *prefix)
{
	struct trie_node **root = prefix->addr.family == IP_V4 ? &r->tries.v4 : &r->tries.v6;
	struct route_key key = trie_key(prefix->addr.family, prefix->addr.b);
	struct trie_position found;
	uint32_t number;

	if (trie_find(&found, *root, key, prefix->bits)) {
		*found.owner = owner;
		list_remove(r, *found.route);
		list_append(r, *found.route, owner);
		return true;
	}
	number = number_alloc(r);
	if (!number)
		return false;
	*at(r, number) = (struct route){
		.key = key, .bits = prefix->bits, .is_v6 = prefix->addr.family == IP_V6,
	};
	if (!trie_add(root, key, prefix->bits, owner, number)) {
		number_free(r, number);
		return false;
	}
	list_append(r, number, owner);
	return true;
}

static void remove_number(struct routes *r, uint32_t number)
{
	struct route *route = at(r, number);

	trie_remove(route->is_v6 ? &r->tries.v6 : &r->tries.v4, route->key, route->bits, r->all);
	list_remove(r, number);
	number_free(r, number);
}

bool routes_remove(struct routes *r, struct routes_owner *owner, const struct ip_prefix *prefix)
{
	struct trie_node *root = prefix->addr.family == IP_V4 ? r->tries.v4 : r->tries.v6;
	struct route_key key = trie_key(prefix->addr.family, prefix->addr.b);
	struct trie_position found;

	if (!trie_find(&found, root, key, prefix->bits) || *found.owner != owner)
		return false;
	remove_number(r, *found.route);
	return true;
}

void routes_remove_all(struct routes *r, struct routes_owner *owner)
{
	while (owner->first)
		remove_number(r, owner->first);
}

uint32_t routes_next(const struct routes *r, const struct routes_owner *owner, uint32_t after,
		     struct ip_prefix *out)
{
	uint32_t number = after ? at(r, after)->newer : owner->first;
	const struct route *route;

	if (!number)
		return 0;
	route = at(r, number);
	*out = (struct ip_prefix){ .bits = route->bits };
	out->addr.family = route->is_v6 ? IP_V6 : IP_V4;
	if (route->is_v6) {
		store_be64(out->addr.b, route->key.hi);
		store_be64(out->addr.b + 8, route->key.lo);
	} else {
		store_be32(out->addr.b, (uint32_t)(route->key.hi >> 32));
	}
	return number;
}

void routes_free(struct routes *r)
{
	trie_free(r->tries.v4);
	trie_free(r->tries.v6);
	free(r->all);
	*r = (struct routes){ 0 };
}
