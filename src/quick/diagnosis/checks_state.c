/* Checks of the interface, the file, the clock and the peers. */
#include "checks_internal.h"

#include <errno.h>

#include "quick/plan/full_tunnel.h"

/* ---- interface ---- */

void check_interface(struct findings *out, const struct facts *f)
{
	const struct host_state *s = f->state;

	if (f->leftover)
		finding_fail(out, remedy("wg-quick restart %s", f->name).text,
			     "the interface is gone, though the tunnel was not taken down");
	else if (!s->link.index)
		finding_fail(out, remedy("wg-quick up %s", f->name).text, "%s is not up", f->name);
	else if (f->device_error == -ETIMEDOUT)
		finding_fail(out, remedy("kill its daemon, then run `wg-quick restart %s'", f->name).text,
			     "its daemon does not answer");
	else if (f->device_error == -ECONNREFUSED || (f->device_error == -ENODEV && f->applied))
		finding_fail(out, remedy("wg-quick restart %s", f->name).text, "its daemon has died");
	else if (!s->link.up)
		finding_fail(out, remedy("ip link set up dev %s", f->name).text, "%s is set down", f->name);
	else if (f->interrupted)
		finding_fail(out, remedy("wg-quick restart %s", f->name).text, "`up' was interrupted before it completed");
	else
		finding_ok(out, "%s is up, with MTU %u", f->name, s->link.mtu);
}

/* ---- file ---- */

void check_file(struct findings *out, const struct facts *f)
{
	switch (f->file_seen) {
	case FILE_READ:
		finding_ok(out, "%s", f->path);
		return;
	case FILE_MISSING:
		finding_warn(out, remedy("wg showconf %s prints the part of it that the interface has", f->name).text,
			     "%s does not exist", f->path ? f->path : "the tunnel file");
		return;
	case FILE_UNREADABLE:
		finding_warn(out, "run it as root", "this user is not permitted to read %s", f->path ? f->path : "the tunnel file");
		return;
	case FILE_INVALID:
		finding_fail(out, remedy("wg-quick check %s explains", f->path).text, "%s has %u error%s", f->path,
			     f->file_errors, f->file_errors == 1 ? "" : "s");
		return;
	}
	unreachable();
}

/* ---- keys ---- */

void check_keys(struct findings *out, const struct facts *f)
{
	const struct wg_device *d = &f->state->device;

	if (f->device_error || !f->state->link.index)
		return;
	if (!(d->flags & WG_DEVICE_HAS_PUBLIC_KEY)) {
		finding_fail(out, "set PrivateKey in the file, then run `wg-quick reload'", "the interface has no private key");
		return;
	}
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (memcmp(&d->peers[i].public_key, &d->public_key, sizeof d->public_key) == 0) {
			finding_fail(out, "PublicKey of a peer is the key that `wg show' prints at the peer",
				     "a peer has the public key of this interface");
			return;
		}
	finding_ok(out, "a key pair, and %u peer%s", d->n_peers, d->n_peers == 1 ? "" : "s");
}

/* ---- clock ---- */

/* The initiations of a peer with a clock that was set back are replays to the others, until it is right again. */
void check_clock(struct findings *out, const struct facts *f)
{
	static const char fix[] = "set the clock, for example with `timedatectl set-ntp true'";
	enum { TOLERANCE_S = 60 };
	uint64_t latest = 0;

	for (uint32_t i = 0; i < f->state->device.n_peers; i++)
		if (f->state->device.peers[i].handshake_s > latest)
			latest = f->state->device.peers[i].handshake_s;
	if (f->file_changed_s > f->now_s + TOLERANCE_S)
		finding_fail(out, fix, "the clock is behind: the tunnel file was changed in the future, so peers may take "
				       "handshakes for replays");
	else if (latest > f->now_s + TOLERANCE_S)
		finding_fail(out, fix, "the clock was set back: a handshake is in the future, so peers take new ones for replays");
	else
		finding_ok(out, "later than the last change of the file and all handshakes");
}

/* ---- handshakes ---- */

/* A peer that must have a session: packets were sent to it, or keepalives are sent all the time. */
static void check_peer(struct findings *out, const struct facts *f, const struct wg_peer *peer, size_t *reported)
{
	char label[PEER_LABEL_MAX];
	bool old = peer->handshake_s && peer->handshake_s + HANDSHAKE_OLD_S < f->now_s;

	if (*reported >= PEERS_REPORTED)
		return;
	facts_peer_label(label, f, peer);
	if (peer->tx_bytes && !peer->rx_bytes && !peer->handshake_s) {
		++*reported;
		finding_warn(out, remedy("wg-quick doctor %s finds out why", f->name).text, "%s has never answered", label);
	} else if (old && peer->keepalive_s && peer->endpoint.addr.family != IP_NONE) {
		++*reported;
		finding_warn(out, remedy("wg-quick doctor %s finds out why", f->name).text,
			     "%s has not answered for %llu minutes", label,
			     (unsigned long long)((f->now_s - peer->handshake_s) / 60));
	}
}

void check_handshakes(struct findings *out, const struct facts *f)
{
	const struct wg_device *d = &f->state->device;
	size_t reported = 0;

	for (uint32_t i = 0; i < d->n_peers; i++)
		check_peer(out, f, &d->peers[i], &reported);
}

/* ---- allowed IPs ---- */

void check_allowed_ips(struct findings *out, const struct facts *f)
{
	const struct wg_device *d = &f->state->device;
	char label[PEER_LABEL_MAX];
	size_t reported = 0;

	for (uint32_t i = 0; i < d->n_peers && reported < PEERS_REPORTED; i++)
		if (d->peers[i].n_allowedips == 0) {
			facts_peer_label(label, f, &d->peers[i]);
			finding_fail(out, remedy("give it AllowedIPs in the file, then run `wg-quick reload %s'", f->name).text,
				     "%s has no AllowedIPs: no packet can be sent to it", label);
			reported++;
		}
	if (reported == 0 && d->n_peers > 0)
		finding_ok(out, "every peer has some");
}

/* ---- DNS ---- */

void check_dns(struct findings *out, const struct facts *f)
{
	switch (f->dns) {
	case DNS_NOT_SET:
	case DNS_NOT_KNOWN:
		return;
	case DNS_IN_FORCE:
		finding_ok(out, "the name servers of the tunnel are in force");
		return;
	case DNS_FAILED:
	case DNS_REPLACED:
		finding_fail(out, remedy(f->applied && f->applied->plan.dns_backend == DNS_FILE ? "wg-quick reload %s"
												 : "wg-quick restart %s",
					 f->name).text,
			     f->dns == DNS_FAILED ? "the name servers of the tunnel could not be set"
						  : "another program has replaced the name servers of the tunnel");
		return;
	}
	unreachable();
}

/* ---- traffic outside a full tunnel ---- */

bool device_allows_default(const struct wg_device *d, uint8_t family)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (d->peers[i].allowedips[k].prefix.bits == 0 &&
			    d->peers[i].allowedips[k].prefix.addr.family == family)
				return true;
	return false;
}

void check_ipv6(struct findings *out, const struct facts *f)
{
	const struct wg_device *d = &f->state->device;

	if (!f->state->link.index || !f->file)
		return;
	if (device_allows_default(d, IP_V4) && !device_allows_default(d, IP_V6) && f->state->ipv6_elsewhere && tunnel_is_full(f->file, f->state))
		finding_warn(out, "add ::/0 to AllowedIPs", "IPv6 traffic bypasses the tunnel, which has the IPv4 default route");
}

/* ---- all ---- */

bool checks_of_state(struct findings *out, const struct facts *f)
{
	static const struct {
		const char *name;
		void (*run)(struct findings *out, const struct facts *f);
	} checks[] = {
		{ "interface", check_interface }, { "file", check_file }, { "keys", check_keys },
		{ "clock", check_clock },         { "peers", check_handshakes },
		{ "AllowedIPs", check_allowed_ips }, { "DNS", check_dns }, { "IPv6", check_ipv6 },
	};

	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		out->check = checks[i].name;
		checks[i].run(out, f);
	}
	return !out->failed;
}
