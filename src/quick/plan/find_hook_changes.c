/* Finds changes made by hooks, which a reload would revert. */
#include "find_hook_changes.h"

#include <errno.h>

#include "diff.h"

struct noting {
	struct file_values values;
	struct string_list *noted;
	int error;
};

static void note(struct noting *n, const struct tunnel_setting *s)
{
	if (n->error == 0)
		n->error = hook_changes_add(n->noted, &n->values, s);
}

static void note_peer(struct noting *n, enum tunnel_setting_kind kind, const struct wg_peer *p)
{
	note(n, &(struct tunnel_setting){ .kind = kind, .peer = p->public_key });
}

static void note_patch(struct noting *n, const struct wg_device *patch, const struct wg_device *actual)
{
	static const struct { uint32_t flag; enum tunnel_setting_kind kind; } device[] = {
		{ WG_DEVICE_HAS_PRIVATE_KEY, SETTING_PRIVATE_KEY },
		{ WG_DEVICE_HAS_LISTEN_PORT, SETTING_LISTEN_PORT },
		{ WG_DEVICE_HAS_FWMARK, SETTING_FWMARK },
	}, peer[] = {
		{ WG_PEER_HAS_PSK, SETTING_PSK },
		{ WG_PEER_HAS_KEEPALIVE, SETTING_KEEPALIVE },
		{ WG_PEER_HAS_ENDPOINT, SETTING_ENDPOINT },
	};
	struct peer_index x = { 0 };

	if (!peer_index_build(&x, actual))
		n->error = -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(device); i++)
		if (patch->flags & device[i].flag)
			note(n, &(struct tunnel_setting){ .kind = device[i].kind });
	for (uint32_t i = 0; n->error == 0 && i < patch->n_peers; i++) {
		const struct wg_peer *p = &patch->peers[i];
		if ((p->flags & WG_PEER_REMOVE) || !peer_index_find(&x, actual, &p->public_key)) {
			note_peer(n, SETTING_PEER, p);
			continue;
		}
		for (size_t k = 0; k < ARRAY_LEN(peer); k++)
			if (p->flags & peer[k].flag)
				note_peer(n, peer[k].kind, p);
		if (p->n_allowedips > 0 || (p->flags & WG_PEER_REPLACE_ALLOWEDIPS))
			note_peer(n, SETTING_ALLOWEDIPS, p);
	}
	peer_index_free(&x);
}

static void note_family(struct noting *n, enum tunnel_setting_kind kind, uint8_t family)
{
	note(n, &(struct tunnel_setting){ .kind = kind, .family = family });
}

static void note_route(struct noting *n, const struct step_route *route)
{
	if (!route_is_of_link(route) || route->table != tunnel_file_table(n->values.file)) /* in the table of the mark */
		note_family(n, SETTING_DEFAULT_ROUTE, route->prefix.addr.family);
	else
		note(n, &(struct tunnel_setting){ .kind = SETTING_ROUTE, .route = { route->prefix, route->table } });
}

static void note_step(struct noting *n, const struct step *s, const struct wg_device *actual)
{
	switch ((enum step_kind)s->kind) {
	case STEP_WG:
		note_patch(n, s->wg.patch, actual);
		return;
	case STEP_ADDRESS:
		note(n, &(struct tunnel_setting){ .kind = SETTING_ADDRESS, .address = s->address });
		return;
	case STEP_LINK_UP:
		note(n, &(struct tunnel_setting){ .kind = SETTING_LINK });
		return;
	case STEP_ROUTE:
		note_route(n, &s->route);
		return;
	case STEP_RULE:
		note_family(n, SETTING_DEFAULT_ROUTE, s->rule.family);
		return;
	case STEP_SYSCTL:
		note_family(n, SETTING_DEFAULT_ROUTE, IP_V4);
		return;
	case STEP_FIREWALL:
		note_family(n, SETTING_FIREWALL, s->firewall.family);
		return;
	case STEP_DNS:
		note(n, &(struct tunnel_setting){ .kind = SETTING_DNS });
		return;
	case STEP_LINK:
	case STEP_HOOK:
	case STEP_KILL_SWITCH:
	case STEP_NETNS:
	case STEP_BIND:
		return;
	}
	unreachable();
}

/* Firewall rules are also planned because of missing addresses, so they count only when nothing else differs. */
static bool has_only_firewall(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind != STEP_FIREWALL)
			return false;
	return true;
}

static int note_plan(struct string_list *noted, const struct diff_input *in, const struct plan *p,
		     const struct plan *old_dns)
{
	struct noting n = { .noted = noted };
	bool firewall = has_only_firewall(p);

	n.error = file_values_init(&n.values, in->desired);
	for (size_t i = 0; n.error == 0 && i < p->n; i++)
		if (firewall || p->steps[i].kind != STEP_FIREWALL)
			note_step(&n, &p->steps[i], &in->actual->device);
	for (size_t i = 0; n.error == 0 && i < old_dns->n; i++)
		note_step(&n, &old_dns->steps[i], &in->actual->device);
	file_values_free(&n.values);
	hook_changes_sort(noted);
	return n.error;
}

/* One round. *found: something differs that was not noted before. */
static int find_more(struct string_list *noted, const struct diff_input *in, bool *found)
{
	struct plan p = { 0 }, old_dns = { 0 };
	struct hook_changes changes;
	struct diff_input now = *in;
	int r = hook_changes_init(&changes, noted, in->desired);

	now.changes = &changes;
	now.warn = NULL;
	if (r == 0)
		r = plan_diff(&p, &old_dns, &now);
	*found = p.n + old_dns.n > 0;
	hook_changes_free(&changes);
	if (r == 0 && *found)
		r = note_plan(noted, in, &p, &old_dns);
	plan_free(&p);
	plan_free(&old_dns);
	return r;
}

/* Routes that the file does not ask for, also where an address covers them, which may be removed later. */
static int note_other_routes(struct string_list *noted, const struct diff_input *in)
{
	struct noting n = { .noted = noted };
	const struct routes *routes = &in->actual->routes;
	uint32_t table = tunnel_file_table(in->desired);

	n.error = file_values_init(&n.values, in->desired);
	for (size_t i = 0; i < routes->n; i++)
		if (!desired_routes_have(&n.values.routes, &routes->list[i].prefix) &&
		    !route_is_connected(&in->actual->addresses, &routes->list[i].prefix))
			note(&n, &(struct tunnel_setting){ .kind = SETTING_ROUTE,
							   .route = { routes->list[i].prefix, table } });
	file_values_free(&n.values);
	hook_changes_sort(noted);
	return n.error;
}

int find_hook_changes(struct string_list *noted, const struct diff_input *in)
{
	enum { ROUNDS_MAX = 4 };
	bool found = true;
	int r = note_other_routes(noted, in);

	for (int i = 0; r == 0 && found && i < ROUNDS_MAX; i++)
		r = find_more(noted, in, &found);
	return r;
}
