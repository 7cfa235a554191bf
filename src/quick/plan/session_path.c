/* Whether a reload cuts the path of a session. */
#include "session_path.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "default_route.h"
#include "desired_routes.h"

enum { NO_ROUTE = -1 };

/* ---- the session ---- */

static bool parse_address(struct ip_addr *a, struct span word)
{
	return ip_parse(a, span_sub(word, 0, span_find(word, '%')));
}

/* sshd(8) writes an IPv4 client of an IPv6 socket as an IPv4 address. */
bool ssh_session_parse(struct ssh_session *s, struct span text)
{
	struct span words[4], rest = text;
	size_t n = 0;

	*s = (struct ssh_session){ .client.family = IP_NONE };
	while (n < ARRAY_LEN(words) && span_next(&words[n], &rest, ' '))
		n++;
	return n == ARRAY_LEN(words) && !rest.p && parse_address(&s->client, words[0]) && parse_address(&s->server, words[2]) &&
	       s->client.family == s->server.family;
}

void ssh_session_free(struct ssh_session *s)
{
	free(s->outside.list);
	s->outside = (struct routes){ 0 };
}

/* ---- routes: the length of the longest prefix that has the address ---- */

static void longer(int *best, const struct ip_prefix *p, const struct ip_addr *a)
{
	if (p->addr.family == a->family && prefix_contains(p, a) && (int)p->bits > *best)
		*best = p->bits;
}

static int longest_of_routes(const struct routes *r, const struct ip_addr *a)
{
	int best = NO_ROUTE;

	for (size_t i = 0; i < r->n; i++)
		if (!r->list[i].unreachable)
			longer(&best, &r->list[i].prefix, a);
	return best;
}

static void longest_of_addresses(int *best, const struct addresses *list, const struct ip_addr *a)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ip_prefix p = address_prefix(&list->list[i]);
		longer(best, &p, a);
	}
}

/* Policy rules lead to the default route of a tunnel only what the main table has no longer prefix for. */
static bool enters(int tunnel, bool default_route, int outside)
{
	if (tunnel > 0 || outside > 0)
		return tunnel > outside;
	return default_route || tunnel > outside;
}

static bool entered_before(const struct ssh_session *s, const struct diff_input *in)
{
	const struct host_state *now = in->actual;
	bool in_main = in->applied && in->applied->has_table ? in->applied->table == TABLE_MAIN
							      : tunnel_file_table(in->desired) == TABLE_MAIN;
	int tunnel = in_main ? longest_of_routes(&now->routes, &s->client) : NO_ROUTE;

	if (!in_main && tunnel_file_table(in->desired) == TABLE_MAIN)
		tunnel = NO_ROUTE;
	longest_of_addresses(&tunnel, &now->addresses, &s->client);
	return enters(tunnel, default_route_exists(now, s->client.family) &&
				      host_tunnel_rule(now, s->client.family, now->device.fwmark) &&
				      longest_of_routes(&now->throws, &s->client) == NO_ROUTE,
		      longest_of_routes(&s->outside, &s->client));
}

static int will_enter(bool *out, const struct ssh_session *s, const struct diff_input *in)
{
	const struct tunnel_file *f = in->desired;
	struct desired_routes routes = { 0 };
	struct ip_prefix client;
	bool wanted = false;
	int tunnel = NO_ROUTE, r = desired_routes_init(&routes, f, NULL);

	for (size_t i = 0; r == 0 && i < routes.n; i++) {
		const struct ip_prefix *p = &routes.list[i].prefix;
		if (p->bits == 0 && f->interface.table_kind == TABLE_AUTO)
			wanted |= p->addr.family == s->client.family;
		else if (tunnel_file_table(f) == TABLE_MAIN)
			longer(&tunnel, p, &s->client);
	}
	desired_routes_free(&routes);
	longest_of_addresses(&tunnel, &f->interface.addresses, &s->client);
	if (prefix_make(&client, &s->client, ip_bits(&s->client)) && prefix_set_covers(&f->interface.excluded, &client))
		wanted = false;
	*out = enters(tunnel, default_route_mode_if(wanted, f, in->actual, s->client.family) != DEFAULT_NONE,
		      longest_of_routes(&s->outside, &s->client));
	return r;
}

/* ---- peers ---- */

/* The one that may send packets from the address; of equal prefixes the last. */
static const struct wg_peer *owner_of(const struct wg_device *d, const struct ip_addr *a)
{
	const struct wg_peer *owner = NULL;
	int best = NO_ROUTE;

	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++) {
			const struct wg_allowedip *ip = &d->peers[i].allowedips[k];
			if ((ip->flags & WG_ALLOWEDIP_REMOVE) || ip->prefix.addr.family != a->family ||
			    !prefix_contains(&ip->prefix, a) || (int)ip->prefix.bits < best)
				continue;
			best = ip->prefix.bits;
			owner = &d->peers[i];
		}
	return owner;
}

/* The endpoint that was configured last, which the peer may have left since, is that of the file: then nothing changes. */
static bool endpoint_changes(const struct wg_peer *before, const struct wg_peer *after, const struct diff_input *in)
{
	char key[KEY_BASE64_CHARS + 1];

	if (!(after->flags & WG_PEER_HAS_ENDPOINT) || endpoint_equal(&before->endpoint, &after->endpoint))
		return false;
	key_to_base64(key, after->public_key.b);
	for (size_t i = 0; in->applied && i < in->endpoints->n; i++) {
		const char *text = in->endpoints->list[i];
		if (!span_starts(span_of(text), key))
			continue;
		for (size_t k = 0; k < in->applied->endpoints.n; k++)
			if (strcmp(text, in->applied->endpoints.list[k]) == 0)
				return false;
	}
	return true;
}

static bool key_changes(const struct wg_device *before, const struct wg_device *after, const struct wg_peer *peer_before,
			const struct wg_peer *peer_after)
{
	bool psk = (peer_after->flags & WG_PEER_HAS_PSK) != 0;
	static const struct wg_psk none;
	const struct wg_psk *a = &peer_before->psk, *b = psk ? &peer_after->psk : &none;

	return ((before->flags & after->flags & WG_DEVICE_HAS_PRIVATE_KEY) &&
		!private_key_equal(&before->private_key, &after->private_key)) ||
	       !mem_equal_ct(a, b, sizeof none);
}

static bool has_address(const struct addresses *list, const struct ip_addr *a)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_equal(&list->list[i].local, a))
			return true;
	return false;
}

/* ---- */

/* The session comes through the tunnel. */
static enum session_end judge_inside(const struct ssh_session *s, const struct diff_input *in, bool enters_after)
{
	const struct wg_peer *before = owner_of(&in->actual->device, &s->client), *after = owner_of(&in->desired->device, &s->client);

	if (has_address(&in->actual->addresses, &s->server) && !has_address(&in->desired->interface.addresses, &s->server) &&
	    !(in->applied && has_address(&in->applied->foreign, &s->server)))
		return SESSION_ADDRESS_REMOVED;
	if (!after)
		return SESSION_NOT_ALLOWED;
	if (before && memcmp(&before->public_key, &after->public_key, sizeof before->public_key) != 0)
		return SESSION_OTHER_PEER;
	if (!enters_after)
		return SESSION_LEAVES_TUNNEL;
	if (before && key_changes(&in->actual->device, &in->desired->device, before, after))
		return SESSION_OTHER_KEY;
	return before && endpoint_changes(before, after, in) ? SESSION_OTHER_ENDPOINT : SESSION_KEPT;
}

/* Other than plan/kill_switch_text.c, which lets multicast pass too, that is no address of a client. */
static bool is_local(const struct ip_addr *a)
{
	static const struct ip_prefix local[] = {
		{ { IP_V4, { 10 } }, 8 }, { { IP_V4, { 169, 254 } }, 16 }, { { IP_V4, { 172, 16 } }, 12 },
		{ { IP_V4, { 192, 168 } }, 16 }, { { IP_V6, { 0xfc } }, 7 }, { { IP_V6, { 0xfe, 0x80 } }, 10 },
	};

	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		if (prefix_contains(&local[i], a))
			return true;
	return false;
}

static bool is_killed(const struct ssh_session *s, const struct diff_input *in)
{
	enum kill_switch_mode mode = in->desired->interface.kill_switch;

	for (size_t i = 0; in->applied && i < in->applied->plan.n; i++)
		if (in->applied->plan.steps[i].kind == STEP_KILL_SWITCH && in->applied->plan.steps[i].kill_switch.mode == mode)
			return false; /* the session lives with it */
	for (size_t i = 0; i < in->actual->kill_switches.n; i++)
		if (in->actual->kill_switches.list[i].mode == KILL_SWITCH_ON && mode != KILL_SWITCH_OFF)
			mode = KILL_SWITCH_ON;
	return mode == KILL_SWITCH_ON || (mode == KILL_SWITCH_LAN && !is_local(&s->client));
}

static bool is_loopback(const struct ip_addr *a)
{
	static const struct ip_prefix v4 = { { IP_V4, { 127 } }, 8 },
				      v6 = { { IP_V6, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } }, 128 };

	return prefix_contains(&v4, a) || prefix_contains(&v6, a);
}

int ssh_session_judge(enum session_end *end, const struct ssh_session *s, const struct diff_input *in)
{
	bool after;
	int r = will_enter(&after, s, in);

	*end = SESSION_KEPT;
	if (r < 0 || is_loopback(&s->client))
		return r;
	if (entered_before(s, in) || has_address(&in->actual->addresses, &s->server))
		*end = judge_inside(s, in, after);
	else if (after && !ip_is_v6_link_local(&s->client))
		*end = SESSION_ENTERS_TUNNEL;
	else if (is_killed(s, in))
		*end = SESSION_KILLED;
	return 0;
}

void ssh_session_describe(struct text *t, const struct ssh_session *s, enum session_end end)
{
	static const struct { const char *before, *after; } words[] = {
		[SESSION_KEPT] = { "the change does not concern the way to and from ", "" },
		[SESSION_ADDRESS_REMOVED] = { "the address of this host that it is connected to would be removed, and is not reached from ", "" },
		[SESSION_NOT_ALLOWED] = { "no peer would have ", " among its AllowedIPs" },
		[SESSION_OTHER_PEER] = { "another peer would have ", " among its AllowedIPs" },
		[SESSION_OTHER_ENDPOINT] = { "the peer that has ", " among its AllowedIPs would get another endpoint" },
		[SESSION_OTHER_KEY] = { "the key of this host or of the peer that has ", " among its AllowedIPs would change" },
		[SESSION_LEAVES_TUNNEL] = { "replies to ", " would leave outside the tunnel" },
		[SESSION_ENTERS_TUNNEL] = { "replies to ", " would enter the tunnel" },
		[SESSION_KILLED] = { "replies to ", " would be rejected by the kill switch" },
	};

	text_add(t, words[end].before);
	ip_print(t, &s->client);
	text_add(t, words[end].after);
}
