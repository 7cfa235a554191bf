/* Findings about the peers of one file: their keys, endpoints and allowed IPs. */
#include <stdlib.h>

#include "finding.h"

/* ---- dup-peer, own-key-as-peer, preshared-key-equals-private ---- */

struct key_of {
	const struct wg_public *key;
	size_t peer;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key_of *x = a, *y = b;
	int order = memcmp(x->key->b, y->key->b, KEY_BYTES);

	return order ? order : x->peer < y->peer ? -1 : x->peer > y->peer;
}

static void dup_peer(struct check *c, const struct check_file *f, const struct finding *self)
{
	struct key_of *keys = calloc(f->n_peers + 1, sizeof *keys);
	size_t n = 0;

	if (!keys) {
		c->no_memory = true;
		return;
	}
	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].has_key)
			keys[n++] = (struct key_of){ &f->peers[i].public_key, i };
	qsort(keys, n, sizeof *keys, compare_keys);
	for (size_t i = 1; i < n; i++) {
		const struct check_peer *first = &f->peers[keys[i - 1].peer], *second = &f->peers[keys[i].peer];
		if (memcmp(keys[i].key->b, keys[i - 1].key->b, KEY_BYTES) != 0)
			continue;
		found(c, self, f, &second->key, "two peers have the same public key: only the allowed IPs of the last one apply");
		found_note(c, f, &first->key, "the first one");
		found_help(c, "combine the two sections, or give each peer its own key");
	}
	free(keys);
}

static void own_key_as_peer(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_peers && f->has_private; i++) {
		const struct check_peer *p = &f->peers[i];
		if (!p->has_key || memcmp(p->public_key.b, f->public_key.b, KEY_BYTES) != 0)
			continue;
		found(c, self, f, &p->key, "this is the public key of the interface itself: the peer is ignored");
		found_note(c, f, &f->private_at, "it belongs to this private key");
		found_help(c, "use the public key of the other end");
	}
}

static void public_key_is_private(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_peers && f->has_private; i++) {
		const struct check_peer *p = &f->peers[i];
		if (!p->has_key || memcmp(p->public_key.b, f->private_key.b, KEY_BYTES) != 0)
			continue;
		found(c, self, f, &p->key, "PublicKey is the private key of the interface");
		found_help(c, "use the output of `wg pubkey' of the other end; if this file was sent to others, make a new key");
	}
}

static void preshared_key_equals_private(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_peers && f->has_private; i++) {
		const struct check_peer *p = &f->peers[i];
		if (!p->has_psk || memcmp(p->psk_hash.b, f->private_hash.b, sizeof p->psk_hash.b) != 0)
			continue;
		found(c, self, f, &p->psk_at, "PresharedKey is the private key of the interface, which the peer would have to know");
		found_help(c, "generate a new private key, and a preshared key with `wg genpsk'");
	}
}

/* ---- endpoints and keepalive ---- */

static bool hooks_set_peers(const struct check_file *f)
{
	for (size_t i = 0; i < f->n_hooks; i++)
		if (span_contains(f->hooks[i].text, "wg ") || span_contains(f->hooks[i].text, "endpoint"))
			return true;
	return false;
}

static void no_endpoint_anywhere(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].endpoint_at.line || !f->peers[i].is_sound)
			return;
	if (f->n_peers == 0 || f->listen_port || !f->interface.line || f->has_errors || hooks_set_peers(f))
		return;
	found(c, self, f, &f->peers[0].section, f->n_peers == 1
		? "the peer has no endpoint, and this interface has no fixed port: neither end can start a handshake"
		: "no peer has an endpoint, and this interface has no fixed port: no host can start a handshake");
	if (!f->in.is_quick)
		found_level(c, DIAG_NOTE);
	found_help(c, "add Endpoint = HOST:PORT to the peer, or ListenPort = PORT to [Interface] and the endpoint to the peer's file");
}

static void endpoint_list(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_peers; i++) {
		const struct check_peer *p = &f->peers[i];
		if (p->list.n == 0 || !p->is_sound)
			continue;
		found(c, self, f, &p->list_at, "wireguard-tools rejects a list of endpoints");
		found_help(c, "wg-quick strip leaves the first one for other programs");
	}
}

static bool is_repeated(struct span endpoint, struct span first, struct span list)
{
	struct span other = first;

	do {
		other = span_trim(other);
		if (other.p == endpoint.p)
			return false;
		if (span_equal(other, endpoint))
			return true;
	} while (span_next(&other, &list, ','));
	return false;
}

static void duplicate_endpoint(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_peers; i++) {
		const struct check_peer *p = &f->peers[i];
		struct span rest = p->list, one;
		while (p->list.n > 0 && span_next(&one, &rest, ',')) {
			struct check_at at = p->list_at;
			one = span_trim(one);
			at.column += (uint32_t)(one.p - p->list.p);
			at.width = (uint32_t)one.n;
			if (one.n > 0 && is_repeated(one, p->endpoint_text, p->list))
				found(c, self, f, &at, "this endpoint is in the list twice");
		}
	}
}

static void keepalive_without_endpoint(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_peers; i++) {
		const struct check_peer *p = &f->peers[i];
		if (p->keepalive_s == 0 || p->endpoint_at.line || !p->is_sound)
			continue;
		found(c, self, f, &p->keepalive_at, "without an endpoint, keepalives are sent only after the peer has connected");
		found_help(c, "the end behind NAT needs PersistentKeepalive");
	}
}

/* Whether this end is behind NAT is not in the file: a note, for tunnels that others may want to reach. */
static void keepalive_behind_nat(struct check *c, const struct check_file *f, const struct finding *self)
{
	if (f->listen_port || f->routes_v4 || f->routes_v6 || f->has_errors)
		return;
	for (size_t i = 0; i < f->n_peers; i++) {
		const struct check_peer *p = &f->peers[i];
		if (!p->endpoint_at.line || p->keepalive_s > 0)
			continue;
		found(c, self, f, &p->endpoint_at, "if this end is behind NAT, the peer cannot reach it after a minute of silence");
		found_help(c, "add PersistentKeepalive = 25 if connections begin at the peer's end");
	}
}

/* ---- allowed IPs ---- */

/* Also two sections with the same key. */
static bool is_same_peer(const struct check_file *f, uint32_t one, uint32_t other)
{
	const struct check_peer *a = &f->peers[one], *b = &f->peers[other];

	return one == other || (a->has_key && b->has_key && memcmp(&a->public_key, &b->public_key, KEY_BYTES) == 0);
}

static void allowed_ips_moved(struct check *c, const struct check_file *f, const struct finding *self)
{
	struct prefix_of *ips = calloc(f->n_ips + 1, sizeof *ips);
	char text[IP_PREFIX_TEXT_MAX];

	if (!ips) {
		c->no_memory = true;
		return;
	}
	if (f->n_ips > 0)
		memcpy(ips, f->ips, f->n_ips * sizeof *ips);
	qsort(ips, f->n_ips, sizeof *ips, prefix_of_compare);
	for (size_t i = 1; i < f->n_ips; i++) {
		if (!prefix_equal(&ips[i - 1].prefix, &ips[i].prefix) || is_same_peer(f, ips[i - 1].owner, ips[i].owner))
			continue;
		found(c, self, f, &f->ips_at[ips[i].order], "%s is also an allowed IP of another peer, which loses it: only the last one "
		      "has it", prefix_text(text, &ips[i].prefix));
		found_note(c, f, &f->ips_at[ips[i - 1].order], "the peer that loses it");
		found_help(c, "give each peer its own addresses");
	}
	free(ips);
}

/* A prefix that contains the next ones of the sorted list, and how much of it longer ones of other peers take, in
 * fractions of 2^63. */
struct nested {
	const struct prefix_of *p;
	uint64_t taken;
};

static void report_shadowed(struct check *c, const struct check_file *f, const struct finding *self, const struct nested *n)
{
	char text[IP_PREFIX_TEXT_MAX];

	if (n->taken != 1ull << 63)
		return;
	found(c, self, f, &f->ips_at[n->p->order], "all addresses of %s are in longer prefixes of other peers: no packets to it "
	      "reach this peer", prefix_text(text, &n->p->prefix));
	found_help(c, "the longest prefix that contains an address decides; remove this one, or those of the other peers");
}

static void shadowed_completely(struct check *c, const struct check_file *f, const struct finding *self)
{
	struct nested stack[130];
	size_t depth = 0;

	for (size_t i = 0; i <= f->table.n; i++) {
		const struct prefix_of *p = i < f->table.n ? &f->table.list[i] : NULL;
		while (depth > 0 && !(p && prefix_covers(&stack[depth - 1].p->prefix, &p->prefix)))
			report_shadowed(c, f, self, &stack[--depth]);
		if (p && depth > 0 && !is_same_peer(f, stack[depth - 1].p->owner, p->owner)) {
			unsigned int longer = (unsigned int)(p->prefix.bits - stack[depth - 1].p->prefix.bits);
			stack[depth - 1].taken += longer <= 63 ? 1ull << (63 - longer) : 0;
		}
		if (p)
			stack[depth++] = (struct nested){ p, 0 };
	}
}

static bool has_inside(const struct check_file *f, uint32_t peer, const struct ip_prefix *network)
{
	for (size_t i = 0; i < f->peers[peer].n_ips; i++)
		if (prefix_covers(network, &f->ips[f->peers[peer].first_ip + i].prefix))
			return true;
	return false;
}

/* The network of the interface is at one peer, and all else at another: the address of that one is not reached. */
static void shadowed_network(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_addresses; i++) {
		const struct check_address *a = &f->addresses[i];
		const struct prefix_of *p = prefix_table_find(&f->table, &a->addr, 128), *all = prefix_table_find(&f->table, &a->addr, 0);
		char text[IP_PREFIX_TEXT_MAX];
		if (!p || !all || is_same_peer(f, p->owner, all->owner) || p->prefix.bits > a->bits || p->prefix.bits == 0 ||
		    has_inside(f, all->owner, &p->prefix))
			continue;
		found(c, self, f, &f->ips_at[all->order], "addresses of %s, in which the interface is, are not reached through this peer: "
		      "another one has the longer prefix", prefix_text(text, &p->prefix));
		found_level(c, DIAG_NOTE);
		found_note(c, f, &f->ips_at[p->order], "the longer prefix");
		found_help(c, "add the address that this peer has in the tunnel to its AllowedIPs, as a /%u", ip_bits(&a->addr));
	}
}

static void allowed_ips_shadow(struct check *c, const struct check_file *f, const struct finding *self)
{
	shadowed_completely(c, f, self);
	shadowed_network(c, f, self);
}

static const struct finding list[] = {
	{ .id = "dup-peer", .title = "two peers with the same public key", .level = DIAG_WARNING, .for_up = true, .in_file = dup_peer,
	  .why = "The public key is the identity of a peer, so both sections are one peer. The second one replaces the allowed IPs of "
		 "the first.",
	  .wrong = "[Peer]\nPublicKey = KEY_A\nAllowedIPs = 10.0.0.2/32\n\n[Peer]\nPublicKey = KEY_A\nAllowedIPs = 10.0.0.3/32",
	  .right = "[Peer]\nPublicKey = KEY_A\nAllowedIPs = 10.0.0.2/32, 10.0.0.3/32",
	  .fix = "Combine the sections. If these are two hosts, each needs its own key." },
	{ .id = "own-key-as-peer", .title = "the interface's own public key as a peer", .level = DIAG_WARNING, .for_up = true,
	  .in_file = own_key_as_peer,
	  .why = "PublicKey in [Peer] is that of the other end. An interface cannot be its own peer, and the kernel ignores it.",
	  .wrong = "[Interface]\nPrivateKey = PRIVATE_KEY_OF_A\n\n[Peer]\nPublicKey = PUBLIC_KEY_OF_A",
	  .right = "[Interface]\nPrivateKey = PRIVATE_KEY_OF_A\n\n[Peer]\nPublicKey = PUBLIC_KEY_OF_B",
	  .fix = "Exchange the public keys: each file has its own private key, and the public key of the other." },
	{ .id = "public-key-is-private", .title = "a private key in the place of a public one", .level = DIAG_WARNING, .for_up = true,
	  .in_file = public_key_is_private,
	  .why = "PublicKey must be computed from the private key of the other end. A private key that was sent to others is not "
		 "secret any more.",
	  .wrong = "[Interface]\nPrivateKey = KEY_A\n\n[Peer]\nPublicKey = KEY_A",
	  .right = "[Interface]\nPrivateKey = KEY_A\n\n[Peer]\nPublicKey = PUBLIC_KEY_OF_B",
	  .fix = "Use the output of wg pubkey, and generate a new private key." },
	{ .id = "preshared-key-equals-private", .title = "the private key as the preshared key", .level = DIAG_WARNING, .for_up = true,
	  .in_file = preshared_key_equals_private,
	  .why = "Both ends have the preshared key, but only one may know a private key. With this file, the peer can impersonate "
		 "this host.",
	  .wrong = "[Interface]\nPrivateKey = KEY_A\n\n[Peer]\nPresharedKey = KEY_A",
	  .right = "[Interface]\nPrivateKey = KEY_A\n\n[Peer]\nPresharedKey = KEY_OF_WG_GENPSK",
	  .fix = "Generate a preshared key with wg genpsk, and a new private key if the file was sent to the peer." },
	{ .id = "no-endpoint-anywhere", .title = "no end knows where the other is", .level = DIAG_WARNING,
	  .in_file = no_endpoint_anywhere,
	  .why = "One end of each pair must know the address of the other. Without ListenPort the port is another one after each "
		 "start, so that this interface cannot be an endpoint either.",
	  .wrong = "[Interface]\nPrivateKey = PRIVATE_KEY\n\n[Peer]\nPublicKey = PUBLIC_KEY\nAllowedIPs = 10.0.0.1/32",
	  .right = "[Interface]\nPrivateKey = PRIVATE_KEY\n\n[Peer]\nPublicKey = PUBLIC_KEY\nAllowedIPs = 10.0.0.1/32\n"
		   "Endpoint = vpn.example.com:51820",
	  .fix = "Add Endpoint, or ListenPort if the other file has the endpoint." },
	{ .id = "endpoint-list", .title = "several endpoints of one peer", .level = DIAG_NOTE, .in_file = endpoint_list,
	  .why = "A list of endpoints, in order of preference, is read by this wg-quick alone: `up' uses the first one that resolves, and "
		 "wg-quick monitor the next one while a peer does not answer. wg(8) and other programs reject the file.",
	  .wrong = "[Peer]\nPublicKey = PUBLIC_KEY\nEndpoint = a.example.com:51820, b.example.com:51820",
	  .right = "[Peer]\nPublicKey = PUBLIC_KEY\nEndpoint = a.example.com:51820",
	  .fix = "Nothing, if the file is for this wg-quick; else keep the first endpoint, or give other programs the output of wg-quick strip." },
	{ .id = "duplicate-endpoint", .title = "an endpoint that is in a list twice", .level = DIAG_WARNING, .in_file = duplicate_endpoint,
	  .why = "The endpoints of a list are tried one after the other; one that is there twice is tried twice. Perhaps one of the two "
		 "should be another host or port.",
	  .wrong = "Endpoint = a.example.com:51820, a.example.com:51820", .right = "Endpoint = a.example.com:51820, b.example.com:51820",
	  .fix = "Remove or correct one of them." },
	{ .id = "keepalive-without-endpoint", .title = "PersistentKeepalive for a peer without an endpoint", .level = DIAG_NOTE,
	  .in_file = keepalive_without_endpoint,
	  .why = "Keepalives keep the mapping of a NAT in front of the sender alive, so it is the end behind NAT that sends them. A "
		 "peer whose address is not known gets none until it has connected.",
	  .wrong = "# on the server\n[Peer]\nPublicKey = PUBLIC_KEY\nPersistentKeepalive = 25",
	  .right = "# on the client\n[Peer]\nPublicKey = PUBLIC_KEY\nEndpoint = vpn.example.com:51820\nPersistentKeepalive = 25",
	  .fix = "Move the line to the file of the client." },
	{ .id = "keepalive-behind-nat", .title = "a client without PersistentKeepalive", .level = DIAG_NOTE,
	  .in_file = keepalive_behind_nat,
	  .why = "A NAT drops the state of a UDP flow after 30 to 180 seconds of silence. Then packets of the peer do not come through until this "
		 "end sends something. For a host that only begins connections itself, this does not matter.",
	  .wrong = "[Peer]\nPublicKey = PUBLIC_KEY\nEndpoint = vpn.example.com:51820",
	  .right = "[Peer]\nPublicKey = PUBLIC_KEY\nEndpoint = vpn.example.com:51820\nPersistentKeepalive = 25",
	  .fix = "Add PersistentKeepalive = 25 if others must reach this host at any time." },
	{ .id = "allowed-ips-moved", .title = "the same allowed IP in two peers", .level = DIAG_WARNING, .for_up = true,
	  .in_file = allowed_ips_moved,
	  .why = "An allowed IP belongs to one peer, because it decides which peer gets a packet. The last peer in the file takes it "
		 "from the others without an error.",
	  .wrong = "[Peer]\nPublicKey = KEY_A\nAllowedIPs = 10.0.0.0/24\n\n[Peer]\nPublicKey = KEY_B\nAllowedIPs = 10.0.0.0/24",
	  .right = "[Peer]\nPublicKey = KEY_A\nAllowedIPs = 10.0.0.2/32\n\n[Peer]\nPublicKey = KEY_B\nAllowedIPs = 10.0.0.3/32",
	  .fix = "On a server, give each peer the address that it has in the tunnel, as a /32 or /128." },
	{ .id = "allowed-ips-shadow", .title = "an allowed IP that has no effect", .level = DIAG_WARNING, .in_file = allowed_ips_shadow,
	  .why = "Of the prefixes that contain an address, the longest one decides which peer gets the packet, and from which peer it "
		 "is accepted. A prefix whose addresses are all in longer ones of other peers gets none.",
	  .wrong = "[Peer]\nPublicKey = KEY_A\nAllowedIPs = 10.0.0.0/23\n\n[Peer]\nPublicKey = KEY_B\n"
		   "AllowedIPs = 10.0.0.0/24, 10.0.1.0/24",
	  .right = "[Peer]\nPublicKey = KEY_A\nAllowedIPs = 10.0.0.0/24\n\n[Peer]\nPublicKey = KEY_B\nAllowedIPs = 10.0.1.0/24",
	  .fix = "List the addresses of each peer so that the longest prefix is that of the peer that has the address." },
};
const struct finding_group findings_of_peers = { list, ARRAY_LEN(list) };
