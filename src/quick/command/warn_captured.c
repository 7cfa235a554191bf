/* Asks the kernel which endpoints are captured, and prints allowed IPs that would not capture them. */
#include "warn_captured.h"

#include "model/endpoint_inside.h"
#include "quick/host/binding.h"
#include "quick/host/endpoint_route.h"
#include "quick/host/netns_place.h"
#include "quick/host/signals.h"
#include "quick/plan/captured_endpoints.h"
#include "report/report.h"

enum {
	LOOKUPS_MAX = 4096, /* a second at most */
	WARNINGS_MAX = 8,
	PREFIXES_MAX = 4, /* that the remedy is printed for */
	SPLIT_MAX = 128,  /* prefixes instead of one, as many as one IPv6 endpoint needs */
};

/* ---- the kernel's decision ---- */

/* A tunnel that was moved here sends its packets in the namespace where it was created. */
static bool sends_here(const struct wg_device *d, const struct ip_endpoint *to)
{
	return udp_port_is_taken(to->addr.family, d->listen_port);
}

static int find(struct captured_endpoints *c, struct host *host, const struct wg_binding *b, uint32_t ifindex)
{
	const struct wg_device *d = c->device;
	const struct path_lookup l = { .mark = d->fwmark, .port = d->listen_port,
				       .device = binding_device_index(&host->rtnetlink, b) };
	uint32_t lookups = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < d->n_peers && lookups < LOOKUPS_MAX && !stop_signal; i++) {
		const struct ip_endpoint *to = &d->peers[i].endpoint;
		struct endpoint_route route;
		int error;
		if (!captured_endpoints_may_have(c, i))
			continue;
		error = endpoint_route(&route, &host->rtnetlink, &l, to, ++lookups);
		if (error < 0 && rtnetlink_is_uncertain(&host->rtnetlink))
			break; /* no answer came, and the next look-up may wait as long for one */
		if (error == 0 && route.link == ifindex &&
		    sends_here(d, to))
			r = captured_endpoints_add(c, i, &route.prefix);
	}
	return r;
}

/* ---- messages ---- */

static void print_warning(const struct captured_endpoint *e, const struct wg_device *d)
{
	const struct wg_peer *peer = &d->peers[e->peer];
	char endpoint[IP_ENDPOINT_TEXT_MAX], prefix[IP_PREFIX_TEXT_MAX], key[KEY_BASE64_CHARS + 1];
	struct text t = text_fixed(endpoint, sizeof endpoint);

	endpoint_print(&t, &peer->endpoint, &ipc_scopes);
	t = text_fixed(prefix, sizeof prefix);
	prefix_print(&t, &e->prefix);
	key_to_base64(key, peer->public_key.b);
	report_warning("the endpoint %s of peer %s is inside %s of %s: " ENDPOINT_INSIDE_CONSEQUENCE, endpoint, key, prefix, e->connected ? "Address" : "AllowedIPs");
}

static void print_split(const struct captured_endpoints *c, const struct ip_prefix *p)
{
	struct ip_prefix pieces[SPLIT_MAX];
	size_t n = captured_endpoints_split(pieces, SPLIT_MAX, c, p);
	char prefix[IP_PREFIX_TEXT_MAX], list[SPLIT_MAX * IP_PREFIX_TEXT_MAX + 1];
	struct text t = text_fixed(prefix, sizeof prefix);

	prefix_print(&t, p);
	t = text_fixed(list, sizeof list);
	for (size_t i = 0; i < n && i < SPLIT_MAX; i++) {
		text_add(&t, i > 0 ? ", " : "");
		prefix_print(&t, &pieces[i]);
	}
	if (n == 0)
		report_help("remove %s from AllowedIPs", prefix);
	else if (n > SPLIT_MAX)
		report_help("replace %s with prefixes that do not contain the endpoints", prefix);
	else
		report_help("replace %s, without the endpoint%s: AllowedIPs = %s", prefix, c->n == 1 ? "" : "s", list);
}

/* For the first endpoint that an allowed IP captures. */
static void print_alternative(const struct captured_endpoints *c)
{
	const struct captured_endpoint *e = c->list;
	char address[IP_TEXT_MAX];
	struct text t = text_fixed(address, sizeof address);
	bool v6;

	while (e->connected)
		e++;
	v6 = e->prefix.addr.family == IP_V6;
	ip_print(&t, &c->device->peers[e->peer].endpoint.addr);
	if (e->prefix.bits == 1)
		report_help("or use %s instead of its two halves: then policy rules keep the encrypted packets out of the tunnel",
			    v6 ? "::/0" : "0.0.0.0/0");
	else
		report_help("or keep a route to the endpoint outside the tunnel: ip -%c route add %s via GATEWAY",
			    v6 ? '6' : '4', address);
}

static void print_all(const struct captured_endpoints *c)
{
	struct ip_prefix prefixes[PREFIXES_MAX];
	size_t n = captured_endpoints_prefixes(prefixes, PREFIXES_MAX, c);

	for (size_t i = 0; i < c->n && i < WARNINGS_MAX; i++)
		print_warning(&c->list[i], c->device);
	if (c->n > WARNINGS_MAX)
		report_warning("so are the endpoints of %zu other peers", c->n - WARNINGS_MAX);
	for (size_t i = 0; i < n; i++)
		print_split(c, &prefixes[i]);
	if (n > 0)
		print_alternative(c);
	else if (c->n > 0)
		report_help("use a longer prefix in Address, for example /%d", c->list[0].prefix.addr.family == IP_V6 ? 128 : 32);
}

void warn_captured_endpoints(struct host *host, const struct tunnel_file *f, uint32_t ifindex, bool hooks_ran)
{
	struct captured_endpoints c = { 0 };
	struct addresses addresses = { 0 };
	struct wg_device d = { 0 };
	bool possible = hooks_ran;
	int r = 0;

	if (netns_is_inside())
		return; /* the packets are sent outside */
	if (!possible) { /* the file has all peers and addresses */
		r = captured_endpoints_init(&c, f, &f->device, &f->interface.addresses);
		for (uint32_t i = 0; r == 0 && !possible && i < f->device.n_peers; i++)
			possible = captured_endpoints_may_have(&c, i);
		captured_endpoints_free(&c);
	}
	if (r == 0 && possible && ipc_get(&host->ipc, &d, f->name) == 0 &&
	    rtnetlink_addresses(&host->rtnetlink, ifindex, &addresses) == 0 &&
	    captured_endpoints_init(&c, f, &d, &addresses) == 0 && find(&c, host, &f->interface.bind.to, ifindex) == 0)
		print_all(&c);
	captured_endpoints_free(&c);
	addresses_free(&addresses);
	device_free(&d);
}
