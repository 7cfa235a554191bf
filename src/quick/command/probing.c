/* Sends probes. */
#include "probing.h"

#include "quick/host/netns_place.h"

#include <errno.h>
#include <stdlib.h>

#include "messages.h"
#include "probe_peers.h"
#include "quick/diagnosis/checks.h"
#include "quick/host/clock.h"
#include "quick/host/endpoint_route.h"
#include "quick/host/fileio.h"
#include "quick/host/inspect.h"
#include "quick/host/link_create.h"
#include "quick/host/nft.h"
#include "quick/host/probe_packet.h"
#include "quick/host/signals.h"
#include "quick/host/sysctl.h"
#include "quick/plan/mtu.h"

/* ---- the host ---- */

static int parameter(const char *fmt, const char *link)
{
	char path[128];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "/proc/sys/net/%s/%s", fmt, link);
	return sysctl_read(path);
}

static int rp_filter_of(const char *link)
{
	char path[128];
	struct text t = text_fixed(path, sizeof path);
	int all = parameter("ipv4/conf/all", "rp_filter"), own;

	text_f(&t, "/proc/sys/net/ipv4/conf/%s/rp_filter", link);
	own = sysctl_read(path);
	return own > all ? own : all;
}

static const char *link_name(const struct host_state *s, uint32_t index)
{
	for (size_t i = 0; i < s->links.n; i++)
		if (s->links.list[i].index == index)
			return s->links.list[i].name;
	return "";
}

static void look_at_host(struct probing *p, const struct observation *o, struct host *host)
{
	struct probes *out = &p->probes;
	const struct host_state *s = &o->c.state;
	uint16_t port = s->link.index ? s->device.listen_port : o->facts.file ? o->facts.file->device.listen_port : 0;

	out->kernel_wireguard = link_create_kernel_has_wireguard();
	out->program = link_create_userspace(&host->settings);
	out->tun_device = fileio_exists("/dev/net/tun");
	netns_outside_begin();
	out->no_ipv6 = !fileio_exists("/proc/net/if_inet6");
	out->port_taken = port && (udp_port_is_taken(IP_V4, port) || (!out->no_ipv6 && udp_port_is_taken(IP_V6, port)));
	netns_outside_end();
	out->forwarding[0] = parameter("ipv4", "ip_forward");
	out->forwarding[1] = parameter("ipv6/conf/all", "forwarding");
	out->rp_filter = -1;
	out->rp_filter_tunnel = s->link.index ? rp_filter_of(o->facts.name) : -1;
	if (nft_is_installed() && nft_run("list ruleset\n", &p->ruleset, NULL) == 0)
		out->ruleset = text_of(&p->ruleset);
}

/* The addresses are of networks for documentation (RFC 5737, RFC 3849), to which no route but a default one leads. */
static void look_at_default_routes(struct probes *out, const struct host_state *s, struct host *host)
{
	static const char *const targets[2] = { "198.51.100.1:443", "[2001:db8:ffff::1]:443" };
	static const struct path_lookup unmarked;

	for (int v6 = 0; v6 < 2; v6++) {
		struct ip_endpoint to;
		struct endpoint_route route;
		struct text t = text_fixed(out->internet_link_name[v6], sizeof out->internet_link_name[v6]);
		if (!endpoint_parse(&to, span_of(targets[v6]), NULL) ||
		    endpoint_route(&route, &host->rtnetlink, &unmarked, &to, 1000 + (uint32_t)v6) < 0)
			continue;
		out->internet_link[v6] = route.link;
		text_add(&t, link_name(s, route.link));
	}
}

/* ---- networks of other links ---- */

static bool is_allowed(const struct wg_device *d, const struct ip_prefix *p)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (prefix_equal(&d->peers[i].allowedips[k].prefix, p))
				return true;
	return false;
}

/* excluded: no route leads to these addresses on purpose; null: none. */
static void find_conflict(struct probes *out, const struct host_state *s, const struct prefix_set *excluded, struct host *host)
{
	enum { LINKS_TRIED = 64 };

	for (size_t i = 0; i < s->links.n && i < LINKS_TRIED && !out->conflict; i++) {
		const struct link_info *l = &s->links.list[i];
		struct addresses a = { 0 };
		if (!l->up || l->loopback || l->index == s->link.index || rtnetlink_addresses(&host->rtnetlink, l->index, &a) < 0)
			continue;
		for (size_t k = 0; k < a.n && !out->conflict; k++) {
			struct ip_prefix network = address_prefix(&a.list[k]);
			struct text t = text_heap();
			if (is_allowed(&s->device, &network) && !(excluded && prefix_set_covers(excluded, &network))) {
				prefix_print(&t, &network);
				text_f(&t, " of %s", l->name);
				out->conflict = span_dup(text_of(&t));
			}
			text_heap_free(&t);
		}
		addresses_free(&a);
	}
}

/* ---- DNS ---- */

static uint32_t route_of(struct host *host, const struct ip_addr *a, uint32_t number)
{
	static const struct path_lookup unmarked;
	const struct ip_endpoint to = { .addr = *a, .port = 53 };
	struct endpoint_route route;

	return endpoint_route(&route, &host->rtnetlink, &unmarked, &to, number) < 0 ? 0 : route.link;
}

static int ask_servers(struct probes *out, const struct observation *o, struct host *host)
{
	enum { ANSWER_MS = 700 };
	const struct string_list *servers = o->facts.applied ? &o->facts.applied->plan.dns.servers
					    : o->facts.file  ? &o->facts.file->interface.dns.servers
							     : NULL;

	out->dns = calloc(DNS_PROBED, sizeof *out->dns);
	if (!out->dns)
		return -ENOMEM;
	for (size_t i = 0; servers && i < servers->n && out->n_dns < DNS_PROBED && !stop_signal; i++) {
		struct dns_probe *d = &out->dns[out->n_dns];
		if (!ip_parse(&d->server, span_of(servers->list[i])))
			continue;
		out->n_dns++;
		d->route_link = route_of(host, &d->server, 2000 + (uint32_t)i);
		d->error = probe_dns(&d->server, ANSWER_MS);
		d->answered = d->error == 0;
	}
	return 0;
}

/* ---- MTU ---- */

struct partner {
	const char *link;
	struct ip_addr addr;
	unsigned int answer_ms; /* how long to wait for its answers: some paths take half a second */
};

/* Something that answers a small packet: a name server, the address of a peer, the first address of the network. */
static bool find_partner(struct partner *out, const struct probes *p, const struct observation *o)
{
	enum { TRIED = 4, FIRST_ANSWER_MS = 700, ANSWER_MS = 250, SMALL = 64 };
	const struct host_state *s = &o->c.state;
	struct ip_addr list[TRIED];
	size_t n = 0;

	for (size_t i = 0; i < p->n_dns && n < TRIED; i++)
		if (p->dns[i].route_link == s->link.index)
			list[n++] = p->dns[i].server;
	for (size_t i = 0; i < p->n_peers && n < TRIED; i++) {
		const struct wg_peer *peer = &s->device.peers[p->peers[i].peer];
		for (uint32_t k = 0; k < peer->n_allowedips && n < TRIED; k++)
			if (peer->allowedips[k].prefix.bits == ip_bits(&peer->allowedips[k].prefix.addr))
				list[n++] = peer->allowedips[k].prefix.addr;
	}
	for (size_t i = 0; i < s->addresses.n && n < TRIED; i++) {
		struct ip_prefix network = address_prefix(&s->addresses.list[i]);
		if (network.bits + 1u < ip_bits(&network.addr)) {
			uint8_t *last = &list[n].b[ip_bytes(&network.addr) - 1];
			list[n] = network.addr;
			*last = (uint8_t)(*last | 1);
			n += !ip_equal(&list[n], &s->addresses.list[i].local);
		}
	}
	for (size_t i = 0; i < n && !stop_signal; i++) {
		uint64_t begin_ms = clock_boot_ms();
		if (probe_echo(o->facts.name, &list[i], SMALL, FIRST_ANSWER_MS))
			continue;
		*out = (struct partner){ o->facts.name, list[i], ANSWER_MS + 2 * (unsigned int)(clock_boot_ms() - begin_ms) };
		return true;
	}
	return false;
}

static bool answers(const struct partner *to, unsigned int bytes)
{
	enum { TRIES = 2 };

	for (int i = 0; i < TRIES && !stop_signal; i++)
		if (probe_echo(to->link, &to->addr, bytes, to->answer_ms) == 0)
			return true;
	return false;
}

/* Bisection. 0: not even a small one is answered. */
static unsigned int largest_answered(const struct partner *to, unsigned int refused)
{
	enum { LEAST = 576, PRECISION = 8 };
	unsigned int answered = LEAST;

	if (refused <= LEAST || !answers(to, LEAST))
		return 0;
	while (refused - answered > PRECISION && !stop_signal) {
		unsigned int middle = (answered + refused) / 2;
		if (answers(to, middle))
			answered = middle;
		else
			refused = middle;
	}
	return answered;
}

static void try_mtu(struct probes *out, const struct observation *o)
{
	struct mtu_probe *m = &out->mtu;
	unsigned int mtu = o->c.state.link.mtu;
	struct partner partner;

	out->mtu_tried = true;
	if (!find_partner(&partner, out, o))
		return;
	m->full_size_answered = answers(&partner, mtu);
	if (!m->full_size_answered)
		m->largest = largest_answered(&partner, mtu);
	if (m->full_size_answered || m->largest)
		m->to = partner.addr;
}

/* ---- all ---- */

/* Without a session nothing in the tunnel answers. */
static bool has_session(const struct probes *p, const struct facts *f)
{
	for (size_t i = 0; i < p->n_peers; i++)
		if (p->peers[i].handshake_after_s && p->peers[i].handshake_after_s + HANDSHAKE_OLD_S >= f->now_s)
			return true;
	return false;
}

static void look_at_uplink(struct probes *out, const struct host_state *s)
{
	const char *uplink = out->n_peers > 0 && out->peers[0].route_link ? link_name(s, out->peers[0].route_link) : "";

	if (uplink[0])
		out->rp_filter = rp_filter_of(uplink);
}

static int probe_all(struct probing *p, struct observation *o, struct host *host)
{
	struct host_state *s = &o->c.state;
	int r;

	look_at_host(p, o, host);
	if (!s->link.index || o->facts.device_error)
		return 0;
	look_at_default_routes(&p->probes, s, host);
	r = probe_peers(&p->probes, o, host);
	if (r < 0)
		return r;
	look_at_uplink(&p->probes, s);
	find_conflict(&p->probes, s, o->facts.applied ? &o->facts.applied->excluded : NULL, host);
	r = ask_servers(&p->probes, o, host);
	if (r == 0 && s->link.up && has_session(&p->probes, &o->facts))
		try_mtu(&p->probes, o);
	if (r == 0 && s->path_mtu == 0)
		r = host_inspect_mtu(s, &host->rtnetlink, &s->device, s->device.fwmark);
	probe_read_counters(&p->probes, o, host); /* handshakes that completed meanwhile */
	if (o->facts.is_daemon && daemon_read_statistics(&p->statistics, o->facts.name) == 0)
		p->probes.statistics_after = text_of(&p->statistics);
	return r;
}

int probe(struct probing *p, struct observation *o, struct host *host)
{
	*p = (struct probing){ .ruleset = text_heap(), .statistics = text_heap() };
	return report_failure("examine the tunnel", probe_all(p, o, host));
}

void probing_free(struct probing *p)
{
	for (size_t i = 0; i < p->probes.n_peers; i++)
		free(p->probes.peers[i].host);
	free(p->probes.peers);
	free(p->probes.dns);
	free(p->probes.conflict);
	text_heap_free(&p->ruleset);
	text_heap_free(&p->statistics);
}
