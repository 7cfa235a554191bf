/* From allowed IPs to routes. */
#include "desired_routes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "route_prefixes.h"

static int compare_desired(const void *a, const void *b)
{
	const struct desired_route *x = a, *y = b;

	if (x->prefix.bits != y->prefix.bits)
		return (int)y->prefix.bits - (int)x->prefix.bits;
	return strcmp(y->text, x->text);
}

static void desired_route_set(struct desired_route *r, const struct ip_prefix *p)
{
	struct text t = text_fixed(r->text, sizeof r->text);

	r->prefix = *p;
	prefix_print(&t, p);
}

static int add_route(struct desired_routes *out, const struct ip_prefix *p)
{
	if (!vector_reserve(&out->list, &out->cap, out->n + 1, sizeof *out->list))
		return -ENOMEM;
	desired_route_set(&out->list[out->n++], p);
	return 0;
}

/* From a default route of "Table = auto", throw routes take the excluded addresses. */
static int add_prefix(struct desired_routes *out, const struct tunnel_file *f, const struct ip_prefix *p)
{
	const struct prefix_set *excluded = &f->interface.excluded;
	struct prefix_set parts = { 0 };
	int r = 0;

	if (!prefix_set_overlaps(excluded, p))
		return add_route(out, p);
	if (p->bits == 0 && tunnel_file_has_policy_routing(f))
		return prefix_set_covers(excluded, p) ? 0 : add_route(out, p);
	if (!prefix_set_subtract(&parts, p, excluded))
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < parts.n; i++)
		r = add_route(out, &parts.list[i]);
	prefix_set_free(&parts);
	return r;
}

static int add_prefixes(struct desired_routes *out, const struct tunnel_file *f)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < f->device.n_peers; i++)
		for (size_t k = 0; r == 0 && k < peer_route_prefixes(f, i); k++) {
			const struct ip_prefix *p = peer_route_prefix(f, i, k);
			if (p)
				r = add_prefix(out, f, p);
		}
	return r;
}

static int add_allowedips(struct desired_routes *out, const struct tunnel_file *f, const struct wg_device *d)
{
	struct routes_keys keys;
	int r = routes_keys_init(&keys, f);

	for (uint32_t i = 0; r == 0 && i < d->n_peers; i++)
		for (uint32_t k = 0; r == 0 && k < d->peers[i].n_allowedips; k++) {
			const struct wg_allowedip *a = &d->peers[i].allowedips[k];
			if (!(a->flags & WG_ALLOWEDIP_REMOVE) && !routes_keys_have(&keys, &d->peers[i].public_key))
				r = add_prefix(out, f, &a->prefix);
		}
	routes_keys_free(&keys);
	return r;
}

int desired_routes_init(struct desired_routes *out, const struct tunnel_file *f, const struct wg_device *also)
{
	size_t n = 0;
	int r;

	*out = (struct desired_routes){ 0 };
	r = add_prefixes(out, f);
	if (r == 0 && also)
		r = add_allowedips(out, f, also);
	if (out->n > 0)
		qsort(out->list, out->n, sizeof *out->list, compare_desired);
	for (size_t i = 0; i < out->n; i++)
		if (i == 0 || !prefix_equal(&out->list[i].prefix, &out->list[i - 1].prefix))
			out->list[n++] = out->list[i];
	out->n = n;
	return r;
}

void desired_routes_free(struct desired_routes *r)
{
	free(r->list);
	*r = (struct desired_routes){ 0 };
}

bool desired_routes_have(const struct desired_routes *r, const struct ip_prefix *p)
{
	struct desired_route key;

	if (r->n == 0)
		return false;
	desired_route_set(&key, p);
	return bsearch(&key, r->list, r->n, sizeof key, compare_desired) != NULL;
}

uint32_t route_metric_of_address(uint8_t family)
{
	return family == IP_V6 ? 256 : 0;
}

bool route_is_of_address(const struct ip_prefix *p, const struct interface_address *a)
{
	struct ip_prefix connected = address_prefix(a);

	return address_has_route(a) && prefix_equal(&connected, p);
}

bool route_is_connected(const struct addresses *a, const struct ip_prefix *p)
{
	for (size_t i = 0; i < a->n; i++)
		if (route_is_of_address(p, &a->list[i]))
			return true;
	return false;
}

bool addresses_cover_route(const struct addresses *a, const struct ip_prefix *p)
{
	for (size_t i = 0; i < a->n; i++) {
		struct ip_prefix connected = address_prefix(&a->list[i]);
		if (address_has_route(&a->list[i]) && prefix_covers(&connected, p))
			return true;
	}
	return false;
}

bool route_is_covered(const struct tunnel_file *f, const struct host_state *s, const struct ip_prefix *p)
{
	return addresses_cover_route(&f->interface.addresses, p) || addresses_cover_route(&s->addresses, p);
}

int plan_allowedip_route(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			 const struct ip_prefix *prefix)
{
	struct step *step;

	assert(f->interface.table_kind != TABLE_OFF);
	assert(!tunnel_file_has_policy_routing(f) || prefix->bits > 0);
	if (f->interface.table_kind == TABLE_AUTO && route_is_covered(f, s, prefix))
		return 0;
	step = plan_add(p, STEP_ROUTE);
	if (!step)
		return -ENOMEM;
	step->route = (struct step_route){ .prefix = *prefix, .table = tunnel_file_table(f),
					   .metric = f->interface.route_metric };
	return 0;
}
