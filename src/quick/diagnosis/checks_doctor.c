/* The remaining checks of `doctor`, and their order. */
#include <errno.h>
#include <stdlib.h>

#include "checks_internal.h"
#include "crypto/crypto.h"
#include "quick/plan/mtu.h"
#include "quick/plan/print.h"
#include "ruleset.h"

enum { BOOT_RECENT_S = 120, DIFFERENCES_SHOWN = 6, PREFIXES_COMPARED = 2000 };

/* ---- backend ---- */

static void check_backend(struct findings *out, const struct facts *f, const struct probes *p)
{
	bool works = f->state->link.index && !f->device_error;

	if (works)
		finding_ok(out, f->is_daemon ? "a userspace daemon" : "the kernel");
	else if (p->kernel_wireguard)
		finding_ok(out, "the kernel has WireGuard");
	else if (!p->program)
		finding_fail(out, "load the module wireguard, or install wireguardd",
			     "the kernel has no WireGuard, and there is no userspace implementation");
	else if (!p->tun_device)
		finding_fail(out, "modprobe tun, or give the container /dev/net/tun", "%s needs /dev/net/tun, which does not exist",
			     p->program);
	else
		finding_ok(out, "%s, as the kernel has no WireGuard", p->program);
}

static void check_boot(struct findings *out, const struct facts *f, const struct probes *p)
{
	(void)p;
	if (f->boot_s && f->boot_s < BOOT_RECENT_S)
		finding_warn(out, "wait, and run it again", "this host was booted %llu seconds ago: its clock and name servers may "
			     "not be ready", (unsigned long long)f->boot_s);
	else
		finding_ok(out, "%llu hours ago", (unsigned long long)(f->boot_s / 3600));
}

/* ---- the file and the tunnel ---- */

static bool private_key_differs(const struct facts *f)
{
	struct wg_public key;

	if (!f->file || !(f->file->device.flags & WG_DEVICE_HAS_PRIVATE_KEY) || !(f->state->device.flags & WG_DEVICE_HAS_PUBLIC_KEY))
		return false;
	x25519_public(&key, &f->file->device.private_key);
	return memcmp(&key, &f->state->device.public_key, sizeof key) != 0;
}

static void check_key_pair(struct findings *out, const struct facts *f, const struct probes *p)
{
	(void)p;
	if (private_key_differs(f))
		finding_fail(out, remedy("wg-quick reload %s", f->name).text,
			     "the interface has another private key than the file");
	else
		check_keys(out, f);
}

static bool is_in_device(const struct wg_device *d, const struct wg_public *key)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (memcmp(&d->peers[i].public_key, key, sizeof *key) == 0)
			return true;
	return false;
}

static void describe_peer(struct findings *out, const struct facts *f, const struct wg_peer *peer, const char *fix)
{
	char label[PEER_LABEL_MAX];

	facts_peer_label(label, f, peer);
	if (peer->flags & WG_PEER_REMOVE)
		finding_fail(out, fix, "the tunnel has the peer %s, and the file does not", label);
	else if (!is_in_device(&f->state->device, &peer->public_key))
		finding_fail(out, fix, "the file has the peer %s, and the tunnel does not", label);
	else
		finding_fail(out, fix, "the peer %s differs: %s", label,
			     peer->flags & WG_PEER_HAS_PSK	 ? "PresharedKey"
			     : peer->flags & WG_PEER_HAS_ENDPOINT ? "Endpoint"
			     : peer->n_allowedips > 0		 ? "AllowedIPs"
								 : "PersistentKeepalive or AllowedIPs");
}

static void describe_device(struct findings *out, const struct facts *f, const struct wg_device *patch, const char *fix)
{
	if (patch->flags & WG_DEVICE_HAS_LISTEN_PORT)
		finding_fail(out, fix, "the port of the interface is %u, that of the file %u", f->state->device.listen_port,
			     patch->listen_port);
	if (patch->flags & WG_DEVICE_HAS_FWMARK)
		finding_fail(out, fix, "the firewall mark of the interface is not that of the file");
	for (uint32_t i = 0; i < patch->n_peers && i < DIFFERENCES_SHOWN; i++)
		describe_peer(out, f, &patch->peers[i], fix);
}

void check_difference(struct findings *out, const struct facts *f)
{
	struct remedy fix = remedy("wg-quick reload %s", f->name);
	const struct plan *d = f->difference;
	char step[256];

	if (!d)
		return;
	for (size_t i = 0; i < d->n && i < DIFFERENCES_SHOWN; i++) {
		struct text t = text_fixed(step, sizeof step);
		if (d->steps[i].hidden || d->steps[i].kind == STEP_DNS) /* check_all_dns() reports it */
			continue;
		if (d->steps[i].kind == STEP_WG) {
			describe_device(out, f, d->steps[i].wg.patch, fix.text);
			continue;
		}
		step_describe(&t, d, &d->steps[i]);
		finding_fail(out, fix.text, "the tunnel differs from its file: reload would %s", step);
	}
	if (findings_count(out, "configuration") == 0)
		finding_ok(out, "the tunnel matches its file");
}

/* ---- allowed IPs ---- */

static const struct wg_peer *owner_of(const struct wg_device *d, uint32_t until, const struct ip_prefix *p)
{
	for (uint32_t i = 0; i < until; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (prefix_equal(&d->peers[i].allowedips[k].prefix, p))
				return &d->peers[i];
	return NULL;
}

static size_t count_prefixes(const struct wg_device *d)
{
	size_t n = 0;

	for (uint32_t i = 0; i < d->n_peers; i++)
		n += d->peers[i].n_allowedips;
	return n;
}

static void check_moved(struct findings *out, const struct facts *f)
{
	const struct wg_device *d = &f->file->device;
	char first[PEER_LABEL_MAX], prefix[IP_PREFIX_TEXT_MAX];

	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++) {
			const struct ip_prefix *p = &d->peers[i].allowedips[k].prefix;
			const struct wg_peer *owner = owner_of(d, i, p);
			struct text t = text_fixed(prefix, sizeof prefix);
			if (!owner)
				continue;
			prefix_print(&t, p);
			facts_peer_label(first, f, owner);
			finding_fail(out, "give each prefix to one peer only",
				     "%s is in AllowedIPs of two peers: %s does not get its packets", prefix, first);
			return;
		}
}

static void check_all_allowed_ips(struct findings *out, const struct facts *f, const struct probes *p)
{
	if (f->file && count_prefixes(&f->file->device) <= PREFIXES_COMPARED)
		check_moved(out, f);
	if (p->conflict)
		finding_fail(out, "change AllowedIPs, or the network at one of the ends",
			     "%s is also a network of this host: packets to it do not enter the tunnel", p->conflict);
	if (f->state->link.index && f->state->addresses.n == 0)
		finding_fail(out, remedy("set Address, then run `wg-quick reload %s'", f->name).text, "the interface has no address");
	if (findings_count(out, "AllowedIPs") == 0)
		check_allowed_ips(out, f);
}

/* ---- forwarding and filters ---- */

static bool hooks_have(const struct tunnel_file *file, const char *word)
{
	for (int phase = 0; phase < HOOK_PHASES; phase++)
		for (size_t i = 0; i < file->interface.hooks[phase].n; i++)
			if (strstr(file->interface.hooks[phase].list[i], word))
				return true;
	return false;
}

static bool hooks_forward(const struct facts *f)
{
	return f->file && (hooks_have(f->file, "MASQUERADE") || hooks_have(f->file, "masquerade") || hooks_have(f->file, "FORWARD") ||
			   hooks_have(f->file, "forward"));
}

static bool has_networks_behind(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].endpoint.addr.family != IP_NONE || d->peers[i].n_allowedips == 0)
			return false;
	return d->n_peers >= 2;
}

static void check_forwarding(struct findings *out, const struct facts *f, const struct probes *p)
{
	const struct ruleset_packet packet = { .hook = "forward", .iif = f->name, .tunnel = f->name };
	bool v6 = f->file && addresses_have_family(&f->file->interface.addresses, IP_V6);

	if (!hooks_forward(f)) {
		if (p->forwarding[0] == 0 && has_networks_behind(&f->state->device))
			finding_warn(out, "sysctl -w net.ipv4.ip_forward=1", "the peers do not reach each other: forwarding is off");
		return;
	}
	if (p->forwarding[0] == 0)
		finding_fail(out, "sysctl -w net.ipv4.ip_forward=1", "the hooks set up a router, but IPv4 forwarding is off");
	if (v6 && p->forwarding[1] == 0)
		finding_warn(out, "sysctl -w net.ipv6.conf.all.forwarding=1", "IPv6 forwarding is off");
	if (p->ruleset.n > 0 && ruleset_judge(p->ruleset, &packet) == RULESET_DROPS)
		finding_fail(out, remedy("accept it, for example: nft insert rule inet filter forward iifname %s accept", f->name).text,
			     "the firewall of this host drops packets that peers send through it");
	if (findings_count(out, "forwarding") == 0)
		finding_ok(out, "on");
}

static void check_rp_filter(struct findings *out, const struct facts *f, const struct probes *p)
{
	if (!f->state->device.fwmark || !device_allows_default(&f->state->device, IP_V4))
		return;
	if (p->rp_filter == 1 && f->state->src_valid_mark == 0)
		finding_fail(out, "sysctl -w net.ipv4.conf.all.src_valid_mark=1",
			     "rp_filter drops packets from the endpoints, because src_valid_mark is off");
	else if (p->rp_filter_tunnel == 1 && f->file && f->file->interface.table_kind == TABLE_OFF)
		finding_warn(out, remedy("sysctl -w net.ipv4.conf.%s.rp_filter=2", f->name).text,
			     "rp_filter drops packets from the tunnel if there is no route to their senders");
	else
		finding_ok(out, "it accepts the packets of the tunnel");
}

/* ---- IPv6 and DNS ---- */

/* The addresses of the file that the interface lacks for this reason. */
static void check_ipv6_of_link(struct findings *out, const struct facts *f, const struct probes *p)
{
	const struct link_info *l = &f->state->link;

	if (!f->file || !addresses_have_family(&f->file->interface.addresses, IP_V6) || !l->index || l->ipv6)
		return;
	if (p->no_ipv6)
		finding_fail(out, "boot without ipv6.disable=1, or remove the IPv6 addresses from the file",
			     "the kernel has no IPv6, and the file has IPv6 addresses");
	else if (l->mtu < MTU_MIN_IPV6)
		finding_fail(out, remedy("set MTU to at least %u, then wg-quick reload %s", MTU_MIN_IPV6, f->name).text,
			     "IPv6 needs an MTU of %u, and %s has %u", MTU_MIN_IPV6, f->name, l->mtu);
	else
		finding_fail(out, remedy("sysctl -w net.ipv6.conf.%s.disable_ipv6=0, then wg-quick reload %s", f->name, f->name).text,
			     "IPv6 is disabled on %s, and the file has IPv6 addresses", f->name);
}

static void check_all_ipv6(struct findings *out, const struct facts *f, const struct probes *p)
{
	size_t before = out->n;

	check_ipv6_of_link(out, f, p);
	check_ipv6(out, f);
	if (out->n == before)
		finding_ok(out, "no traffic bypasses the tunnel");
}

static void check_server(struct findings *out, const struct facts *f, const struct dns_probe *d)
{
	char address[IP_TEXT_MAX];
	struct text t = text_fixed(address, sizeof address);
	bool inside = d->route_link == f->state->link.index;

	ip_print(&t, &d->server);
	if (!d->answered)
		finding_fail(out, inside ? "check that the name server runs, and answers clients in the tunnel"
					 : "add its address to AllowedIPs if it is behind the tunnel, and check that it runs",
			     "%s does not answer%s", address, inside ? "" : ", and is not reached through the tunnel");
	else if (!inside)
		finding_warn(out, "add its address to AllowedIPs", "queries to %s do not go through the tunnel", address);
	else
		finding_ok(out, "%s answers through the tunnel", address);
}

static void check_all_dns(struct findings *out, const struct facts *f, const struct probes *p)
{
	check_dns(out, f);
	for (size_t i = 0; i < p->n_dns; i++)
		check_server(out, f, &p->dns[i]);
}

/* ---- other VPNs ---- */

/* Rules with another selector than wg-quick's have the table 0 here. */
static bool is_foreign(const struct step_rule *r)
{
	return !r->own && !r->suppress && !r->ends && r->table != TABLE_LOCAL && r->table != TABLE_MAIN && r->table != TABLE_DEFAULT;
}

static void check_rules_before(struct findings *out, const struct facts *f)
{
	const struct rules *rules = &f->state->rules;
	const struct step_rule *before[2] = { NULL, NULL };

	for (size_t i = 0; i < rules->n; i++) {
		const struct step_rule *r = &rules->list[i];
		bool v6 = r->family == IP_V6;
		if (rule_is_tunnel(r) && r->mark == f->state->device.fwmark && before[v6])
			finding_warn(out, "`ip rule' shows it, and `ip route show table' with its table what it does",
				     "a rule of another program, with preference %u, comes before those of the tunnel", before[v6]->pref);
		else if (is_foreign(r) && !rule_is_tunnel(r) && !before[v6])
			before[v6] = r;
	}
}

static void check_other_vpns(struct findings *out, const struct facts *f, const struct probes *p)
{
	const struct host_state *s = f->state;
	size_t before = out->n;

	for (int v6 = 0; v6 < 2; v6++) {
		if (!device_allows_default(&s->device, v6 ? IP_V6 : IP_V4) || !f->file || f->file->interface.table_kind != TABLE_AUTO)
			continue;
		if (p->internet_link[v6] && p->internet_link[v6] != s->link.index)
			finding_fail(out, remedy("stop the other program; `ip rule' shows its rules. Then run `wg-quick reload %s'",
						 f->name).text,
				     "%s traffic to the Internet leaves through %s, not through the tunnel", v6 ? "IPv6" : "IPv4",
				     p->internet_link_name[v6]);
	}
	if (out->n == before)
		check_rules_before(out, f);
	if (out->n == before)
		finding_ok(out, "no rule comes before those of the tunnel");
}

/* ---- all ---- */

struct entry {
	const char *name;
	state_check *state; /* or */
	probe_check *probe;
	bool needs_interface;
};

static const struct entry entries[] = {
	{ "backend", NULL, check_backend, false },
	{ "interface", check_interface, NULL, false },
	{ "file", check_file, NULL, false },
	{ "keys", NULL, check_key_pair, true },
	{ "configuration", check_difference, NULL, true },
	{ "clock", check_clock, NULL, false },
	{ "boot", NULL, check_boot, false },
	{ "port", NULL, check_port, false },
	{ "endpoint", NULL, check_endpoints, true },
	{ "route", NULL, check_endpoint_routes, true },
	{ "firewall", NULL, check_firewall, true },
	{ "handshake", NULL, check_handshake, true },
	{ "NAT", NULL, check_nat, true },
	{ "MTU", NULL, check_mtu, true },
	{ "AllowedIPs", NULL, check_all_allowed_ips, true },
	{ "forwarding", NULL, check_forwarding, true },
	{ "rp_filter", NULL, check_rp_filter, true },
	{ "IPv6", NULL, check_all_ipv6, true },
	{ "DNS", NULL, check_all_dns, true },
	{ "other VPNs", NULL, check_other_vpns, true },
};

bool checks_of_doctor(struct findings *out, const struct facts *f, const struct probes *p)
{
	bool works = f->state->link.index && !f->device_error;

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		out->check = entries[i].name;
		if (entries[i].needs_interface && !works)
			continue;
		if (entries[i].state)
			entries[i].state(out, f);
		else
			entries[i].probe(out, f, p);
	}
	return !out->failed;
}
