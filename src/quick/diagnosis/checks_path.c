/* Checks of the path to the peers: port, endpoints, routes, firewall, handshakes, NAT, MTU. */
#include "checks_internal.h"

#include <errno.h>

#include "quick/plan/mtu.h"
#include "ruleset.h"
#include "statistics.h"

struct name {
	char text[IP_ENDPOINT_TEXT_MAX];
};

static struct name endpoint_name(const struct ip_endpoint *e)
{
	struct name n = { "" };
	struct text t = text_fixed(n.text, sizeof n.text);

	endpoint_print(&t, e, NULL);
	return n;
}

static struct name address_name(const struct ip_addr *a)
{
	struct name n = { "" };
	struct text t = text_fixed(n.text, sizeof n.text);

	ip_print(&t, a);
	return n;
}

static const struct wg_peer *peer_of(const struct facts *f, const struct peer_probe *probe)
{
	return &f->state->device.peers[probe->peer];
}

static bool has_session(const struct facts *f, const struct peer_probe *p)
{
	return p->handshake_after_s && p->handshake_after_s + HANDSHAKE_OLD_S >= f->now_s;
}

/* ---- port ---- */

void check_port(struct findings *out, const struct facts *f, const struct probes *p)
{
	bool up = f->state->link.index && f->state->link.up;
	uint16_t port = up ? f->state->device.listen_port : f->file ? f->file->device.listen_port : 0;

	if (!port || f->device_error)
		return;
	if (up && !p->port_taken)
		finding_fail(out, remedy("wg-quick restart %s", f->name).text, "no socket of this host has UDP port %u", port);
	else if (p->port_taken && (up ? facts_port_is_closed(f) : !f->state->link.index))
		finding_fail(out, remedy("choose another ListenPort; `ss -lunp sport = :%u' shows who has it", port).text,
			     "another program has UDP port %u", port);
	else
		finding_ok(out, "UDP port %u", port);
}

/* ---- endpoints ---- */

static void check_name(struct findings *out, const struct facts *f, const struct peer_probe *p)
{
	const struct wg_peer *peer = peer_of(f, p);
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, peer->public_key.b);
	if (!p->resolved)
		finding_fail(out, "check the name in Endpoint, and the name servers of this host", "%s cannot be resolved", p->host);
	else if (peer->endpoint.addr.family == IP_NONE)
		finding_fail(out, remedy("wg set %s peer %s endpoint %s", f->name, key, p->host).text,
			     "%s could not be resolved when the tunnel was brought up", p->host);
	else if (!strchr(p->host, ',') && !ip_equal(&peer->endpoint.addr, &p->address.addr) && !has_session(f, p))
		finding_fail(out, remedy("wg set %s peer %s endpoint %s", f->name, key, p->host).text,
			     "%s is %s now, and packets are sent to %s", p->host, address_name(&p->address.addr).text,
			     address_name(&peer->endpoint.addr).text);
	else
		finding_ok(out, "%s is %s", p->host, address_name(&peer->endpoint.addr).text);
}

void check_endpoints(struct findings *out, const struct facts *f, const struct probes *p)
{
	const struct wg_device *d = &f->state->device;
	bool given_port = f->file && (f->file->device.flags & WG_DEVICE_HAS_LISTEN_PORT);

	for (size_t i = 0; i < p->n_peers; i++)
		if (p->peers[i].host)
			check_name(out, f, &p->peers[i]);
	if (p->n_peers == 0 && d->n_peers > 0 && f->file && !given_port)
		finding_warn(out, "set Endpoint at one end, and ListenPort at that other one",
			     "no peer has an endpoint, and the file has no ListenPort by which peers could find this host");
}

/* ---- routes ---- */

static void check_one_route(struct findings *out, const struct facts *f, const struct peer_probe *p)
{
	struct name to = endpoint_name(&peer_of(f, p)->endpoint);
	char prefix[IP_PREFIX_TEXT_MAX];
	struct text t = text_fixed(prefix, sizeof prefix);

	prefix_print(&t, &p->route_prefix);
	if (p->route_error < 0 || p->send_error == -ENETUNREACH)
		finding_fail(out, "check the uplink: its link, address and default route", "no route leads to %s", to.text);
	else if (p->is_captured)
		finding_fail(out, remedy("remove the endpoint from AllowedIPs, or add a route: ip route add %s via GATEWAY",
					 address_name(&peer_of(f, p)->endpoint.addr).text).text,
			     "packets to %s enter the tunnel again, by the route %s", to.text, prefix);
	else if (p->send_error == -EHOSTUNREACH)
		finding_fail(out, "check the path to it, for example with traceroute(8)", "a router cannot reach %s", to.text);
	else
		finding_ok(out, "to %s outside the tunnel", to.text);
}

void check_endpoint_routes(struct findings *out, const struct facts *f, const struct probes *p)
{
	for (size_t i = 0; i < p->n_peers; i++)
		if (p->peers[i].has_route)
			check_one_route(out, f, &p->peers[i]);
}

/* ---- firewall ---- */

static bool all_have_endpoints(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].endpoint.addr.family == IP_NONE)
			return false;
	return true;
}

static bool has_session_with_all(const struct facts *f)
{
	const struct wg_device *d = &f->state->device;

	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].handshake_s + HANDSHAKE_OLD_S < f->now_s)
			return false;
	return true;
}

/* Answers pass a firewall that lets answers pass. */
static bool needs_open_port(const struct facts *f, const struct probes *p)
{
	return !has_session_with_all(f) &&
	       (!all_have_endpoints(&f->state->device) || !span_contains(p->ruleset, "established"));
}

static void check_ruleset(struct findings *out, const struct facts *f, const struct probes *p)
{
	const struct ruleset_packet in = { .hook = "input", .tunnel = f->name, .udp_port = f->state->device.listen_port };

	if (p->ruleset.n == 0 || !in.udp_port || !needs_open_port(f, p))
		return;
	switch (ruleset_judge(p->ruleset, &in)) {
	case RULESET_ACCEPTS:
		finding_ok(out, "it accepts UDP port %u", in.udp_port);
		return;
	case RULESET_UNKNOWN:
		return;
	case RULESET_DROPS:
		finding_fail(out, remedy("accept it, for example: nft insert rule inet filter input udp dport %u accept",
					 in.udp_port).text,
			     "the firewall of this host drops packets to UDP port %u", in.udp_port);
		return;
	}
	unreachable();
}

void check_firewall(struct findings *out, const struct facts *f, const struct probes *p)
{
	size_t before = out->n;

	for (size_t i = 0; i < p->n_peers; i++)
		if (p->peers[i].sent && (p->peers[i].send_error == -EPERM || p->peers[i].send_error == -EACCES)) {
			struct name to = endpoint_name(&peer_of(f, &p->peers[i])->endpoint);
			finding_fail(out, remedy("accept UDP to %s in the output chain", to.text).text,
				     "the firewall of this host drops packets to %s", to.text);
		}
	check_ruleset(out, f, p);
	if (out->n == before && p->n_peers > 0)
		finding_ok(out, "it accepts packets to the endpoints");
}

/* ---- handshakes ---- */

static uint64_t dropped(const struct probes *p, const char *reason)
{
	const char *labels[2] = { "scope=\"handshake\"", reason };
	uint64_t n;

	return statistics_sum(&n, p->statistics_after, "wireguardd_dropped_packets_total", labels) ? n : 0;
}

/* The counters of the daemon distinguish a wrong key from a lost packet. */
static bool explain_by_counters(struct findings *out, const struct facts *f, const struct probes *p, const char *label)
{
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, f->state->device.public_key.b);
	if (dropped(p, "reason=\"invalid\""))
		finding_fail(out, "set the same PresharedKey at both ends, or none", "%s answers, but the answer does not "
			     "authenticate: the preshared keys differ", label);
	else if (dropped(p, "reason=\"mac1\""))
		finding_fail(out, remedy("at the peer, set PublicKey = %s", key).text,
			     "handshakes arrive for another public key than this interface's");
	else if (dropped(p, "reason=\"unknown_peer\""))
		finding_fail(out, "compare PublicKey with what `wg show' prints at the peer",
			     "no answer from %s, and handshakes from an unknown public key arrive", label);
	else if (dropped(p, "reason=\"replay\""))
		finding_fail(out, "set the clock of the peer", "handshakes from %s are replays: its clock was set back", label);
	else
		return false;
	return true;
}

static void explain_silence(struct findings *out, const struct facts *f, const struct probes *p, const struct peer_probe *one,
			    const char *label)
{
	const struct wg_peer *peer = peer_of(f, one);
	struct name to = endpoint_name(&peer->endpoint);
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, f->state->device.public_key.b);
	if (one->send_error == -ECONNREFUSED)
		finding_fail(out, "start WireGuard there, or correct the port in Endpoint",
			     "%s reports that no program uses UDP port %u", label, peer->endpoint.port);
	else if (explain_by_counters(out, f, p, label))
		return;
	else if (one->rx_after > one->rx_before)
		finding_fail(out, "look for a firewall or NAT between this host and the peer",
			     "initiations from %s arrive, but the responses are lost", label);
	else
		finding_fail(out, remedy("check that %s receives UDP at port %u, and has a peer with PublicKey = %s",
					 address_name(&peer->endpoint.addr).text, peer->endpoint.port, key).text,
			     "%s does not answer at %s", label, to.text);
}

void check_handshake(struct findings *out, const struct facts *f, const struct probes *p)
{
	char label[PEER_LABEL_MAX];

	for (size_t i = 0; i < p->n_peers; i++) {
		const struct peer_probe *one = &p->peers[i];
		facts_peer_label(label, f, peer_of(f, one));
		if (has_session(f, one))
			finding_ok(out, "%s answers", label);
		else if (one->sent && one->send_error != -EPERM && one->send_error != -EACCES && one->has_route &&
			 one->route_error == 0 && !one->is_captured)
			explain_silence(out, f, p, one, label);
	}
	if (p->n_peers == 0 && f->state->device.n_peers > 0 && dropped(p, "reason=\"unknown_peer\""))
		finding_warn(out, "add the peer, or compare its public key with PublicKey",
			     "handshakes from an unknown public key arrive");
	else if (p->n_peers == 0 && dropped(p, "reason=\"mac1\""))
		finding_warn(out, "at the peers, compare PublicKey with that of this interface",
			     "handshakes arrive for another public key than this interface's");
}

/* ---- NAT ---- */

static bool is_private(const struct ip_addr *a)
{
	static const char *const ranges[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
					      "127.0.0.0/8", "fc00::/7", "fe80::/10" };

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		struct ip_prefix range;
		if (prefix_parse(&range, span_of(ranges[i]), NULL) && prefix_contains(&range, a))
			return true;
	}
	return false;
}

void check_nat(struct findings *out, const struct facts *f, const struct probes *p)
{
	bool behind = false;

	for (size_t i = 0; i < p->n_peers; i++) {
		const struct wg_peer *peer = peer_of(f, &p->peers[i]);
		char label[PEER_LABEL_MAX];
		if (!is_private(&p->peers[i].source) || is_private(&peer->endpoint.addr))
			continue;
		behind = true;
		facts_peer_label(label, f, peer);
		if (!peer->keepalive_s)
			finding_warn(out, "set PersistentKeepalive = 25 for this peer if it must be able to reach this host at any time",
				     "this host is behind NAT, and its mapping to %s expires", label);
	}
	if (p->n_peers > 0 && findings_count(out, "NAT") == 0)
		finding_ok(out, behind ? "keepalives keep the mappings alive" : "none to the peers");
}

/* ---- MTU ---- */

static unsigned int overhead(const struct facts *f)
{
	const struct wg_device *d = &f->state->device;

	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].endpoint.addr.family == IP_V6)
			return MTU_OVERHEAD;
	return MTU_OVERHEAD - 20;
}

void check_mtu(struct findings *out, const struct facts *f, const struct probes *p)
{
	unsigned int mtu = f->state->link.mtu, path = f->state->path_mtu, most = path > overhead(f) ? path - overhead(f) : 0;

	if (most && mtu > most && p->n_peers > 0)
		finding_fail(out, remedy("set MTU = %u, then run `wg-quick reload %s'", path - MTU_OVERHEAD, f->name).text,
			     "the MTU of %u is too large for the path, which carries packets of %u bytes", mtu, path);
	else if (p->mtu_tried && p->mtu.to.family != IP_NONE && !p->mtu.full_size_answered)
		finding_fail(out, remedy("set MTU = %u, then run `wg-quick reload %s'", p->mtu.largest, f->name).text,
			     "packets of %u bytes to %s are lost, those of %u bytes are not", mtu, address_name(&p->mtu.to).text,
			     p->mtu.largest);
	else if (p->mtu_tried && p->mtu.to.family != IP_NONE)
		finding_ok(out, "%s answers packets of %u bytes", address_name(&p->mtu.to).text, mtu);
	else if (!p->mtu_tried)
		finding_ok(out, "%u; larger packets were not tried without a session", mtu);
	else
		finding_ok(out, "%u; nothing in the tunnel answered a ping, so larger packets were not tried", mtu);
}
