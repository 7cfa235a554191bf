/* From allowed IPs to routes. */
#include "desired_routes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

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

static size_t count_allowedips(const struct wg_device *d)
{
	size_t n = 0;

	for (uint32_t i = 0; d && i < d->n_peers; i++)
		n += d->peers[i].n_allowedips;
	return n;
}

static size_t put_allowedips(struct desired_route *list, const struct wg_device *d)
{
	size_t n = 0;

	for (uint32_t i = 0; d && i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++) {
			const struct wg_allowedip *a = &d->peers[i].allowedips[k];
			if (!(a->flags & WG_ALLOWEDIP_REMOVE))
				desired_route_set(&list[n++], &a->prefix);
		}
	return n;
}

int desired_routes_init(struct desired_routes *out, const struct wg_device *d, const struct wg_device *also)
{
	size_t all = count_allowedips(d) + count_allowedips(also);
	struct desired_route *list = calloc(all + 1, sizeof *list);

	*out = (struct desired_routes){ .list = list };
	if (!list)
		return -ENOMEM;
	all = put_allowedips(list, d);
	all += put_allowedips(list + all, also);
	qsort(list, all, sizeof *list, compare_desired);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || !prefix_equal(&list[i].prefix, &list[i - 1].prefix))
			list[out->n++] = list[i];
	return 0;
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

bool route_is_connected(const struct addresses *a, const struct ip_prefix *p)
{
	for (size_t i = 0; i < a->n; i++) {
		struct ip_prefix connected = address_prefix(&a->list[i]);
		if (prefix_equal(&connected, p))
			return true;
	}
	return false;
}

bool route_is_covered(const struct tunnel_file *f, const struct host_state *s, const struct ip_prefix *p)
{
	const struct addresses *lists[] = { &f->interface.addresses, &s->addresses };

	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			const struct interface_address *a = &lists[l]->list[i];
			struct ip_prefix connected = address_prefix(a);
			/* IPv4 has no connected route for a /32 without a peer. */
			if (a->local.family == IP_V4 && a->bits == 32 && a->peer.family == IP_NONE)
				continue;
			if (prefix_covers(&connected, p))
				return true;
		}
	return false;
}

int plan_allowedip_route(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			 const struct ip_prefix *prefix)
{
	struct step *step;

	assert(f->interface.table_kind != TABLE_OFF);
	assert(f->interface.table_kind != TABLE_AUTO || prefix->bits > 0);
	if (f->interface.table_kind == TABLE_AUTO && route_is_covered(f, s, prefix))
		return 0;
	step = plan_add(p, STEP_ROUTE);
	if (!step)
		return -ENOMEM;
	step->route = (struct step_route){ .prefix = *prefix, .table = tunnel_file_table(f),
					   .metric = f->interface.route_metric };
	return 0;
}
