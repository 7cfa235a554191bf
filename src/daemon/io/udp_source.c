/* The routes of the paths of a batch: which source addresses they still permit and, for slow paths, the devices. */
#include "udp.h"

#include <stdatomic.h>
#include "route_query.h"

#define FAILED_NS (10 * NS_PER_S) /* without look-ups, after one that failed */

static bool has_route(const struct wg_path *path, uint32_t routes_version)
{
	return path->route_ifindex != 0 && path->routes_version == routes_version;
}

static bool has_checked_source(const struct udp *u, const struct wg_path *path)
{
	return path->remote.addr.family == IP_V4 && path->local.family == IP_V4 &&
	       u->binding.source[0].family == IP_NONE; /* or all is sent from one address */
}

/* Runs of one peer follow each other, each with a copy of its path. */
static bool is_same(const struct wg_path *a, const struct wg_path *b)
{
	return a->tx_index == b->tx_index && path_equal(a, b) && a->route_ifindex == b->route_ifindex &&
	       a->routes_version == b->routes_version;
}

/* Of a path of which only the device matters. */
static void learn_device(struct udp_tx *tx, struct wg_path *path, uint32_t routes_version)
{
	uint32_t ifindex = 0;
	int error = tx->look_up(tx->ctx, path, &ifindex);

	if (route_query_failed(error)) {
		tx->look_up_again_ns = tx->now_ns + FAILED_NS;
		return;
	}
	path->route_ifindex = error ? UDP_NO_DEVICE : ifindex;
	path->routes_version = routes_version;
	tx->source_kept(tx->ctx, path);
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

static bool must_look_up(const struct udp *u, const struct udp_tx *tx, const struct wg_path *path, uint32_t routes_version)
{
	return !has_route(path, routes_version) && path->remote.addr.family != IP_NONE &&
	       (has_checked_source(u, path) ||
		slow_paths_needs_devices(&tx->slow[path->remote.addr.family == IP_V6 ? UDP_V6 : UDP_V4]));
}

void udp_check_sources(struct udp *u, struct udp_tx *tx, struct wg_batch *b)
{
	/* Before the look-up: a change in between leads to another look-up. */
	uint32_t version = atomic_load(&u->routes_version);
	struct wg_path before = { 0 }, after = { 0 };
	unsigned int n = 0;

	if (!tx->look_up)
		return;
	for (size_t i = 0; i < b->n_paths; i++) {
		struct wg_path *path = &b->paths[i];
		if (!must_look_up(u, tx, path, version))
			continue;
		if (n > 0 && is_same(path, &before)) {
			*path = after;
			continue;
		}
		if (n++ == UDP_LOOK_UPS_MAX || tx->now_ns < tx->look_up_again_ns)
			return;
		before = *path;
		if (has_checked_source(u, path))
			check_source(tx, path, version);
		else
			learn_device(tx, path, version);
		after = *path;
	}
}
