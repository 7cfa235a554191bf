/* The source addresses of a batch: which of them the routing tables still permit. */
#include "udp.h"

#include <stdatomic.h>
#include "route_query.h"

#define FAILED_NS (10 * NS_PER_S) /* without look-ups, after one that failed */

static bool is_unknown(const struct wg_path *path, uint32_t routes_version)
{
	return path->remote.addr.family == IP_V4 && path->local.family == IP_V4 &&
	       (path->route_ifindex == 0 || path->routes_version != routes_version);
}

/* Runs of one peer follow each other, each with a copy of its path. */
static bool is_same(const struct wg_path *a, const struct wg_path *b)
{
	return a->tx_index == b->tx_index && path_equal(a, b) && a->route_ifindex == b->route_ifindex &&
	       a->routes_version == b->routes_version;
}

static void check_source(struct udp_tx *tx, struct wg_path *path, uint32_t routes_version)
{
	struct wg_path before = *path;
	uint32_t ifindex = 0;
	int error = tx->look_up(tx->ctx, path, &ifindex);

	if (!path_keeps_source(path, routes_version, error, ifindex)) {
		tx->source_refused(tx->ctx, &before);
		path->local = (struct ip_addr){ 0 };
		path->ifindex = 0;
	} else if (route_query_failed(error)) {
		tx->look_up_again_ns = tx->now_ns + FAILED_NS;
	} else {
		tx->source_kept(tx->ctx, path);
	}
}

void udp_check_sources(struct udp *u, struct udp_tx *tx, struct wg_batch *b)
{
	/* Before the look-up: a change in between leads to another look-up. */
	uint32_t version = atomic_load(&u->routes_version);
	struct wg_path before = { 0 }, after = { 0 };
	unsigned int n = 0;

	if (!tx->look_up || u->binding.source[0].family != IP_NONE)
		return; /* or all is sent from one address */
	for (size_t i = 0; i < b->n_paths; i++) {
		struct wg_path *path = &b->paths[i];
		if (!is_unknown(path, version))
			continue;
		if (n > 0 && is_same(path, &before)) {
			*path = after;
			continue;
		}
		if (n++ == UDP_LOOK_UPS_MAX || tx->now_ns < tx->look_up_again_ns)
			return;
		before = *path;
		check_source(tx, path, version);
		after = *path;
	}
}
