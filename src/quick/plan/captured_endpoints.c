/* Endpoints that the tunnel's own routes capture. */
#include "captured_endpoints.h"

#include <errno.h>
#include <stdlib.h>

#include "base/prefix_split.h"
#include "base/vector.h"
#include "route_prefixes.h"

/* With "Table = auto", policy rules keep the tunnel's own packets out of default routes. */
static bool has_route(const struct tunnel_file *f, const struct ip_prefix *p)
{
	switch (f->interface.table_kind) {
	case TABLE_AUTO: return p->bits > 0;
	case TABLE_GIVEN: return true;
	case TABLE_OFF: return false;
	}
	unreachable();
}

int captured_endpoints_init(struct captured_endpoints *c, const struct tunnel_file *f, const struct wg_device *device,
			    const struct addresses *addresses)
{
	size_t n = 0;
	int r;

	*c = (struct captured_endpoints){ .device = device, .addresses = addresses, .by_parts = f->interface.excluded.n > 0 || file_has_routes_key(f) };
	r = endpoints_inside_find(&c->inside, device);
	for (size_t i = 0; i < c->inside.n; i++)
		if (has_route(f, &c->inside.list[i].prefix))
			c->inside.list[n++] = c->inside.list[i];
	c->inside.n = n;
	return r;
}

void captured_endpoints_free(struct captured_endpoints *c)
{
	endpoints_inside_free(&c->inside);
	free(c->list);
	*c = (struct captured_endpoints){ 0 };
}

static bool is_in_address(const struct captured_endpoints *c, const struct ip_addr *a)
{
	for (size_t i = 0; i < c->addresses->n; i++) {
		struct ip_prefix connected = address_prefix(&c->addresses->list[i]);
		if (prefix_contains(&connected, a))
			return true;
	}
	return false;
}

bool captured_endpoints_may_have(struct captured_endpoints *c, uint32_t peer)
{
	const struct wg_peer *p = &c->device->peers[peer];

	while (c->next < c->inside.n && c->inside.list[c->next].peer < peer)
		c->next++;
	if (!(p->flags & WG_PEER_HAS_ENDPOINT))
		return false;
	return (c->next < c->inside.n && c->inside.list[c->next].peer == peer) || is_in_address(c, &p->endpoint.addr);
}

static bool is_allowed_ip(const struct captured_endpoints *c, uint32_t peer, const struct ip_prefix *route)
{
	for (size_t i = c->next; i < c->inside.n && c->inside.list[i].peer == peer; i++)
		if (prefix_equal(&c->inside.list[i].prefix, route) ||
		    (c->by_parts && prefix_covers(&c->inside.list[i].prefix, route)))
			return true;
	return false;
}

static bool is_connected(const struct captured_endpoints *c, const struct ip_prefix *route)
{
	for (size_t i = 0; i < c->addresses->n; i++) {
		struct ip_prefix connected = address_prefix(&c->addresses->list[i]);
		if (prefix_equal(&connected, route))
			return true;
	}
	return false;
}

int captured_endpoints_add(struct captured_endpoints *c, uint32_t peer, const struct ip_prefix *route)
{
	bool connected = is_connected(c, route);

	if (!connected && !is_allowed_ip(c, peer, route))
		return 0;
	if (!vector_reserve(&c->list, &c->cap, c->n + 1, sizeof *c->list))
		return -ENOMEM;
	c->list[c->n++] = (struct captured_endpoint){ .peer = peer, .prefix = *route, .connected = connected };
	return 0;
}

/* ---- the remedy ---- */

static bool have_prefix(const struct ip_prefix *list, size_t n, const struct ip_prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_equal(&list[i], p))
			return true;
	return false;
}

/* Without the prefix of the route, the next shorter one would capture the endpoint. */
size_t captured_endpoints_prefixes(struct ip_prefix out[], size_t cap, const struct captured_endpoints *c)
{
	size_t at = 0, n = 0;

	for (size_t i = 0; i < c->n && n < cap; i++) {
		while (at < c->inside.n && c->inside.list[at].peer < c->list[i].peer)
			at++;
		for (size_t k = at; k < c->inside.n && c->inside.list[k].peer == c->list[i].peer && n < cap; k++)
			if (!c->list[i].connected && !have_prefix(out, n, &c->inside.list[k].prefix))
				out[n++] = c->inside.list[k].prefix;
	}
	return n;
}

size_t captured_endpoints_split(struct ip_prefix out[], size_t cap, const struct captured_endpoints *c,
				const struct ip_prefix *p)
{
	struct ip_addr *except = calloc(c->n + 1, sizeof *except);
	size_t n = cap + 1;

	if (!except)
		return n;
	for (size_t i = 0; i < c->n; i++)
		except[i] = c->device->peers[c->list[i].peer].endpoint.addr;
	n = prefix_split(out, cap, p, except, c->n);
	free(except);
	return n;
}
