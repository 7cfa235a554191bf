/* Findings from facts: what is seen, and how it is fixed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "quick/diagnosis/checks.h"
#include "quick/diagnosis/findings.h"
#include "quick/diagnosis/probes.h"

static const struct ip_addr here = { IP_V4, { 192, 168, 5, 2 } }, public_address = { IP_V4, { 203, 0, 113, 2 } };

/* A client that works: one peer with a session. */
struct world {
	struct host_state state;
	struct tunnel_file file;
	struct facts facts;
	struct probes probes;
	struct peer_probe peer;
	struct findings found;
};

static void make(struct world *w)
{
	struct wg_device *d = &w->state.device;
	struct wg_peer *peer = device_add_peer(d);
	const struct interface_address address = { .local = { IP_V4, { 10, 8, 0, 2 } }, .bits = 24 };

	assert_non_null(peer);
	assert_non_null(peer_add_allowedip(peer));
	assert_true(prefix_parse(&peer->allowedips[0].prefix, SPAN("10.8.0.0/24"), NULL));
	peer->flags = WG_PEER_HAS_ENDPOINT;
	peer->endpoint = (struct ip_endpoint){ .addr = public_address, .port = 51820 };
	peer->public_key.b[0] = 1;
	peer->keepalive_s = 25;
	peer->handshake_s = 1000000;
	d->flags = WG_DEVICE_HAS_PUBLIC_KEY;
	d->public_key.b[0] = 2;
	d->listen_port = 51820;
	w->state.link = (struct link_info){ .index = 7, .mtu = 1420, .up = true };
	w->state.path_mtu = 1500;
	assert_true(addresses_add(&w->state.addresses, &address));
	w->facts = (struct facts){ .name = "wg0", .now_s = 1000010, .boot_s = 90000, .file_seen = FILE_READ, .path = "/etc/wireguard/wg0.conf",
				   .file = &w->file, .state = &w->state };
	w->peer = (struct peer_probe){ .has_route = true, .route_link = 2, .source = here, .sent = true,
				       .handshake_after_s = 1000000 };
	w->probes = (struct probes){ .port_taken = true, .peers = &w->peer, .n_peers = 1, .rp_filter = -1 };
}

static void release(struct world *w)
{
	findings_free(&w->found);
	host_state_free(&w->state);
	*w = (struct world){ 0 };
}

static bool has(const struct findings *all, enum finding_level level, const char *check, const char *seen, const char *fix)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct finding *f = &all->list[i];
		if (f->level == level && strcmp(f->check, check) == 0 && strstr(f->seen, seen) && (!fix || (f->fix && strstr(f->fix, fix))))
			return true;
	}
	return false;
}

static void healthy(void **state)
{
	struct world w = { 0 };

	(void)state;
	make(&w);
	assert_true(checks_of_doctor(&w.found, &w.facts, &w.probes));
	for (size_t i = 0; i < w.found.n; i++)
		if (w.found.list[i].level != FINDING_OK)
			fail_msg("%s: %s", w.found.list[i].check, w.found.list[i].seen);
	findings_free(&w.found);
	assert_true(checks_of_state(&w.found, &w.facts));
	for (size_t i = 0; i < w.found.n; i++)
		assert_int_equal(w.found.list[i].level, FINDING_OK);
	release(&w);
}

static void no_interface(struct world *w) { w->state.link = (struct link_info){ 0 }; }
static void no_tun(struct world *w) { no_interface(w); w->probes.program = "wireguardd"; }
static void gone(struct world *w) { no_interface(w); w->facts.leftover = true; }
static void hangs(struct world *w) { w->facts.device_error = -ETIMEDOUT; }
static void interrupted(struct world *w) { w->facts.interrupted = true; }
static void wrong_file(struct world *w) { w->facts.file_seen = FILE_INVALID; w->facts.file_errors = 2; w->facts.file = NULL; }
static void own_key(struct world *w) { w->state.device.peers[0].public_key = w->state.device.public_key; }
static void no_key(struct world *w) { w->state.device.flags = 0; }
static void old_clock(struct world *w) { w->facts.file_changed_s = w->facts.now_s + 3600; }
static void set_back(struct world *w) { w->state.device.peers[0].handshake_s = w->facts.now_s + 3600; }
static void just_booted(struct world *w) { w->facts.boot_s = 30; }
static void no_port(struct world *w) { w->probes.port_taken = false; }
static void closed_port(struct world *w)
{
	w->facts.is_daemon = true;
	w->facts.statistics = SPAN("wireguardd_up{interface=\"wg0\"} 0\n");
}
static void captured(struct world *w) { w->peer.is_captured = true; }
static void no_route(struct world *w) { w->peer.route_error = -ENETUNREACH; }
static void beyond(struct world *w) { w->peer.send_error = -EHOSTUNREACH; }
static void filtered(struct world *w) { w->peer.send_error = -EPERM; }
static void silent(struct world *w) { w->peer.handshake_after_s = 0; w->state.device.peers[0].handshake_s = 0; }
static void refused(struct world *w) { silent(w); w->peer.send_error = -ECONNREFUSED; }
static void half_way(struct world *w) { silent(w); w->peer.rx_after = 148; }
static void counted(struct world *w, struct span text) { silent(w); w->probes.statistics_after = text; }
#define DROP(reason) SPAN("wireguardd_dropped_packets_total{interface=\"wg0\",scope=\"handshake\",reason=\"" reason "\"} 3\n")
static void psk(struct world *w) { counted(w, DROP("invalid")); }
static void their_key(struct world *w) { counted(w, DROP("unknown_peer")); }
static void our_key(struct world *w) { counted(w, DROP("mac1")); }
static void replays(struct world *w) { counted(w, DROP("replay")); }
static void no_keepalive(struct world *w) { w->state.device.peers[0].keepalive_s = 0; }
static void large_mtu(struct world *w) { w->state.link.mtu = 1480; }
static void lossy(struct world *w)
{
	w->probes.mtu_tried = true;
	w->probes.mtu = (struct mtu_probe){ .to = here, .largest = 1300 };
}
static void no_allowed(struct world *w) { w->state.device.peers[0].n_allowedips = 0; }
static void no_address(struct world *w) { w->state.addresses.n = 0; }
static void conflict(struct world *w) { static char text[] = "10.8.0.0/24 of eth1"; w->probes.conflict = text; }
static void dns_gone(struct world *w) { w->facts.dns = DNS_REPLACED; }
static void dns_failed(struct world *w) { w->facts.dns = DNS_FAILED; }
static void unresolved(struct world *w) { static char host[] = "vpn.example:51820"; w->peer.host = host; }
static void deaf(struct world *w)
{
	static struct dns_probe d = { .server = { IP_V4, { 10, 8, 0, 1 } }, .route_link = 7, .error = -ETIMEDOUT };
	w->probes.dns = &d;
	w->probes.n_dns = 1;
}
static void disabled_ipv6(struct world *w)
{
	static struct interface_address one = { .local = { IP_V6, { 0xfd } }, .bits = 64 };

	w->file.interface.addresses = (struct addresses){ .list = &one, .n = 1 };
	w->state.link.ipv6 = false;
}
static void small_mtu(struct world *w) { disabled_ipv6(w); w->state.link.mtu = 1200; }
static void no_ipv6(struct world *w) { disabled_ipv6(w); w->probes.no_ipv6 = true; }
static void outside(struct world *w)
{
	static struct dns_probe d = { .server = { IP_V4, { 9, 9, 9, 9 } }, .route_link = 2, .answered = true };
	w->probes.dns = &d;
	w->probes.n_dns = 1;
}

static void faults(void **state)
{
	static const struct {
		void (*plant)(struct world *w);
		enum finding_level level;
		const char *check, *seen, *fix;
	} table[] = {
		{ no_interface, FINDING_FAIL, "interface", "not up", "wg-quick up wg0" },
		{ no_interface, FINDING_FAIL, "backend", "no userspace implementation", "install wireguardd" },
		{ no_tun, FINDING_FAIL, "backend", "/dev/net/tun", "modprobe tun" },
		{ gone, FINDING_FAIL, "interface", "gone", "wg-quick restart wg0" },
		{ hangs, FINDING_FAIL, "interface", "does not answer", "restart" },
		{ interrupted, FINDING_FAIL, "interface", "interrupted", "wg-quick restart wg0" },
		{ wrong_file, FINDING_FAIL, "file", "2 errors", "wg-quick check" },
		{ own_key, FINDING_FAIL, "keys", "public key of this interface", "PublicKey" },
		{ no_key, FINDING_FAIL, "keys", "no private key", "PrivateKey" },
		{ old_clock, FINDING_FAIL, "clock", "behind", "timedatectl" },
		{ set_back, FINDING_FAIL, "clock", "set back", "timedatectl" },
		{ just_booted, FINDING_WARN, "boot", "30 seconds ago", "again" },
		{ no_port, FINDING_FAIL, "port", "no socket", "wg-quick restart wg0" },
		{ closed_port, FINDING_FAIL, "port", "another program has UDP port 51820", "ss -lunp sport = :51820" },
		{ captured, FINDING_FAIL, "route", "enter the tunnel again", "via GATEWAY" },
		{ no_route, FINDING_FAIL, "route", "no route", "uplink" },
		{ beyond, FINDING_FAIL, "route", "cannot reach", "traceroute" },
		{ filtered, FINDING_FAIL, "firewall", "drops packets to 203.0.113.2:51820", "output" },
		{ silent, FINDING_FAIL, "handshake", "does not answer at 203.0.113.2:51820", "UDP at port 51820" },
		{ refused, FINDING_FAIL, "handshake", "no program uses UDP port", "Endpoint" },
		{ half_way, FINDING_FAIL, "handshake", "are lost", "NAT" },
		{ psk, FINDING_FAIL, "handshake", "preshared keys differ", "PresharedKey" },
		{ their_key, FINDING_FAIL, "handshake", "unknown public key", "PublicKey" },
		{ our_key, FINDING_FAIL, "handshake", "another public key", "at the peer, set PublicKey" },
		{ replays, FINDING_FAIL, "handshake", "replays", "clock of the peer" },
		{ no_keepalive, FINDING_WARN, "NAT", "behind NAT", "PersistentKeepalive = 25" },
		{ large_mtu, FINDING_FAIL, "MTU", "too large", "MTU = 1420" },
		{ lossy, FINDING_FAIL, "MTU", "are lost", "MTU = 1300" },
		{ no_allowed, FINDING_FAIL, "AllowedIPs", "no AllowedIPs", "give it" },
		{ no_address, FINDING_FAIL, "AllowedIPs", "no address", "Address" },
		{ conflict, FINDING_FAIL, "AllowedIPs", "of eth1", "change" },
		{ dns_gone, FINDING_FAIL, "DNS", "replaced", "wg-quick restart wg0" },
		{ dns_failed, FINDING_FAIL, "DNS", "could not be set", "wg-quick restart wg0" },
		{ unresolved, FINDING_FAIL, "endpoint", "cannot be resolved", "name servers" },
		{ deaf, FINDING_FAIL, "DNS", "10.8.0.1 does not answer", "runs" },
		{ disabled_ipv6, FINDING_FAIL, "IPv6", "IPv6 is disabled on wg0", "sysctl" },
		{ small_mtu, FINDING_FAIL, "IPv6", "needs an MTU of 1280, and wg0 has 1200", "set MTU to at least 1280" },
		{ no_ipv6, FINDING_FAIL, "IPv6", "the kernel has no IPv6", "ipv6.disable=1" },
		{ outside, FINDING_WARN, "DNS", "do not go through the tunnel", "AllowedIPs" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world w = { 0 };
		make(&w);
		table[i].plant(&w);
		assert_true(checks_of_doctor(&w.found, &w.facts, &w.probes));
		if (!has(&w.found, table[i].level, table[i].check, table[i].seen, table[i].fix))
			fail_msg("%s: %s", table[i].check, table[i].seen);
		release(&w);
	}
}

/* Names come from files: they are cut, not trusted with the length. */
static void long_texts(void **state)
{
	struct findings all = { .check = "x" };
	char text[4096];

	(void)state;
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	finding_fail(&all, remedy("%s", text).text, "%s", text);
	finding_ok(&all, "%s", "b");
	assert_int_equal(all.n, 2);
	assert_true(strlen(all.list[0].seen) < 1024 && strlen(all.list[0].fix) < 512);
	assert_int_equal(findings_count(&all, "x"), 1);
	findings_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(healthy), cmocka_unit_test(faults), cmocka_unit_test(long_texts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
