/* Findings between files: whether both ends of a tunnel match. Files of different meshes are not compared, because they may be
 * alternatives, as the files of a provider are. */
#include <stdlib.h>

#include "finding.h"

/* The public key that a file has (peer < 0), or that one of its peers has. */
struct owned_key {
	const struct wg_public *key;
	const struct check_file *file;
	const struct check_peer *peer;
};

struct keys {
	struct owned_key *list;
	size_t n;
};

static int compare_by_key(const void *a, const void *b)
{
	const struct owned_key *x = a, *y = b;
	int order = memcmp(x->key->b, y->key->b, KEY_BYTES);

	return order ? order : (int)(x->file->number > y->file->number) - (int)(x->file->number < y->file->number);
}

/* By key and file, so that a peer is found in a file. */
static const struct owned_key *find_key(const struct keys *k, const struct wg_public *key, const struct check_file *f)
{
	const struct owned_key wanted = { key, f, NULL };
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_by_key(&k->list[middle], &wanted);
		if (order == 0)
			return &k->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The first one with this key, in the order of files; the others follow. */
static size_t first_with_key(const struct keys *k, const struct wg_public *key)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(k->list[middle].key->b, key->b, KEY_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_key(const struct keys *k, size_t i, const struct wg_public *key)
{
	return i < k->n && memcmp(k->list[i].key->b, key->b, KEY_BYTES) == 0;
}

/* One end: a peer of `file` that is `other`. back: the peer of `other` that is `file`, or null. */
struct ends {
	struct check *c;
	const struct check_file *file, *other;
	const struct check_peer *peer, *back;
};

static void report(const struct ends *e, const struct finding *self, const struct check_at *at, const char *text)
{
	found(e->c, self, e->file, at, "%s (%s)", text, e->other->in.path);
}

static void compare_preshared_keys(const struct ends *e)
{
	const struct check_peer *p = e->peer, *b = e->back;

	if (e->file->number > e->other->number || p->has_psk + b->has_psk == 0 ||
	    (p->has_psk && b->has_psk && memcmp(&p->psk_hash, &b->psk_hash, sizeof p->psk_hash) == 0))
		return;
	report(e, finding_in(&findings_of_other_ends, "preshared-key-mismatch"), p->has_psk ? &p->psk_at : &p->section,
	       p->has_psk && b->has_psk ? "the other end has another preshared key: handshakes fail"
	       : p->has_psk ? "the other end has no preshared key: handshakes fail"
			    : "the other end has a preshared key, and this one does not: handshakes fail");
	found_note(e->c, e->other, b->has_psk ? &b->psk_at : &b->section, "the other end");
}

static void compare_endpoints(const struct ends *e)
{
	const struct check_peer *p = e->peer;

	if (p->endpoint_at.line && e->other->listen_port && p->port && p->port != e->other->listen_port) {
		report(e, finding_in(&findings_of_other_ends, "endpoint-port-mismatch"), &p->endpoint_at, "the other end listens at another port, unless a NAT translates it");
		found_note(e->c, e->other, &e->other->listen_at, "the port there");
	}
	if (!p->endpoint_at.line && e->back && !e->back->endpoint_at.line && e->file->number < e->other->number) {
		report(e, finding_in(&findings_of_peers, "no-endpoint-anywhere"), &p->section, "neither this end nor the other one has an endpoint");
		found_note(e->c, e->other, &e->back->section, "the other end");
		found_help(e->c, "add Endpoint to one of the two");
	}
}

static uint32_t index_of(const struct check_file *f, const struct check_peer *p)
{
	return (uint32_t)(p - f->peers);
}

/* Whether any allowed IP of the peer contains the address, even if another peer has a longer one. */
static bool peer_has(const struct check_file *f, uint32_t peer, const struct ip_addr *a, const struct prefix_of *longest)
{
	const struct prefix_of *p = longest;

	while (p && p->owner != peer)
		p = p->prefix.bits == 0 ? NULL : prefix_table_find(&f->table, a, p->prefix.bits - 1u);
	return p != NULL;
}

/* The addresses of the other end must be allowed IPs of its peer here. */
static void compare_addresses(const struct ends *e)
{
	const struct check_file *o = e->other;
	uint32_t peer = index_of(e->file, e->peer);
	char address[IP_PREFIX_TEXT_MAX], prefix[IP_PREFIX_TEXT_MAX];
	size_t allowed = 0;

	for (size_t i = 0; i < o->n_addresses; i++) {
		const struct ip_addr *a = &o->addresses[i].addr;
		const struct prefix_of *p = prefix_table_find(&e->file->table, a, 128);
		if (!peer_has(e->file, peer, a, p))
			continue;
		allowed++;
		if (p->owner == peer)
			continue;
		found(e->c, finding_in(&findings_of_peers, "allowed-ips-shadow"), e->file, &e->file->ips_at[p->order], "packets to %s, which is the "
		      "address in %s, come to this peer instead: %s is the longest prefix that contains it",
		      address_text(address, a), o->in.path, prefix_text(prefix, &p->prefix));
		found_note(e->c, e->file, &e->peer->section, "the peer that has the address");
		found_help(e->c, "add %s/%u to the AllowedIPs of the peer that has the address", address, ip_bits(a));
	}
	if (allowed > 0 || o->n_addresses == 0)
		return;
	report(e, finding_in(&findings_of_other_ends, "address-not-allowed"), &e->peer->key, "no address of the other end is an allowed IP of this peer: its packets are dropped");
	found_note(e->c, o, &o->addresses[0].at, "an address of the other end");
	found_help(e->c, "add %s/%u to AllowedIPs", address_text(address, &o->addresses[0].addr), ip_bits(&o->addresses[0].addr));
}

/* ---- networks behind this end ---- */

static bool is_own_address(const struct check_file *f, const struct ip_prefix *p)
{
	for (size_t i = 0; i < f->n_addresses; i++)
		if (prefix_contains(p, &f->addresses[i].addr))
			return true;
	return false;
}

/* The end that has only this peer, or fewer, is the one that is in the network; a hub forwards to it. */
static bool is_site(const struct check_file *f, const struct check_file *o)
{
	return f->n_peers != o->n_peers ? f->n_peers < o->n_peers : f->number > o->number;
}

/* A network that each end sends to the other. */
static void compare_networks(const struct ends *e)
{
	const struct check_file *f = e->file, *o = e->other;
	size_t first = e->back->first_ip, end = first + e->back->n_ips;
	char prefix[IP_PREFIX_TEXT_MAX];

	if (!f->in.is_quick || f->table_off || f->table_other || f->n_ips == 0 || !is_site(f, o))
		return;
	for (size_t i = first; i < end; i++) {
		const struct ip_prefix *network = &o->ips[i].prefix;
		const struct prefix_of *p;
		if (network->bits == 0 || is_own_address(f, network))
			continue;
		p = prefix_table_find(&f->table, &network->addr, network->bits);
		if (!p || p->prefix.bits != network->bits || p->owner != index_of(f, e->peer) || is_own_address(o, network))
			continue;
		found(e->c, finding_in(&findings_of_other_ends, "route-covers-connected-lan"), f, &f->ips_at[p->order], "each end sends %s to the other (%s): if this end is "
		      "in it, wg-quick's route into the tunnel makes it unreachable", prefix_text(prefix, network), o->in.path);
		found_note(e->c, o, &o->ips_at[i], "the other end");
		found_help(e->c, "remove it from AllowedIPs of the end that is in it, or use Table = off there and add the other routes with hooks");
	}
}

static void serves_networks(const struct ends *e)
{
	const struct check_file *f = e->file, *o = e->other;

	if (e->peer->keepalive_s > 0 || !e->peer->endpoint_at.line || e->back->endpoint_at.line || f->listen_port)
		return;
	for (size_t i = e->back->first_ip; i < e->back->first_ip + e->back->n_ips; i++) {
		const struct ip_prefix *network = &o->ips[i].prefix;
		if (is_own_address(f, network) || network->bits == 0 || network->bits == ip_bits(&network->addr))
			continue;
		report(e, finding_in(&findings_of_peers, "keepalive-behind-nat"), &e->peer->endpoint_at, "the other end does not know the endpoint of this one, and cannot "
		       "reach the network behind it after a minute of silence if there is a NAT");
		found_level(e->c, DIAG_WARNING);
		found_note(e->c, o, &o->ips_at[i], "the network");
		found_help(e->c, "add PersistentKeepalive = 25");
		return;
	}
}

/* ---- pairs ---- */

static void compare_ends(const struct ends *e, bool any_back)
{
	compare_endpoints(e);
	compare_addresses(e);
	if (e->back) {
		compare_preshared_keys(e);
		compare_networks(e);
		serves_networks(e);
	} else if (!any_back && e->file->has_private) {
		report(e, finding_in(&findings_of_other_ends, "peer-not-mutual"), &e->peer->key, "the other end has no peer with the public key of this interface");
		found_note(e->c, e->file, &e->file->private_at, "its private key");
		found_help(e->c, "add a [Peer] with the public key of this interface to the other file");
	}
}

enum { ALTERNATIVES_MAX = 16 }; /* files with the same key that a peer is compared with */

static void compare_peer(struct check *c, const struct check_file *f, const struct check_peer *p, const struct keys *files,
			 const struct keys *peers)
{
	size_t first = first_with_key(files, &p->public_key), end = first;
	bool any_back = false;

	for (; has_key(files, end, &p->public_key) && end - first < ALTERNATIVES_MAX; end++)
		any_back |= f->has_private && find_key(peers, &f->public_key, files->list[end].file) != NULL;
	for (size_t i = first; i < end; i++) {
		const struct check_file *other = files->list[i].file;
		const struct owned_key *back = f->has_private ? find_key(peers, &f->public_key, other) : NULL;
		struct ends e = { c, f, other, p, back ? back->peer : NULL };
		if (other != f && (back || !any_back) && !other->has_errors && !f->has_errors)
			compare_ends(&e, any_back);
	}
}

/* ---- the same key or address twice ---- */

static bool same_addresses(const struct check_file *a, const struct check_file *b)
{
	if (a->n_addresses != b->n_addresses)
		return false;
	for (size_t i = 0; i < a->n_addresses; i++)
		if (!ip_equal(&a->addresses[i].addr, &b->addresses[i].addr))
			return false;
	return true;
}

/* Files of one host with the same key and address are alternatives; with another address, they are of two hosts. */
static void compare_same_key(struct check *c, const struct keys *files, const struct keys *peers)
{
	for (size_t i = 1; i < files->n; i++) {
		const struct check_file *a = files->list[i - 1].file, *b = files->list[i].file;
		const struct owned_key *common = NULL;
		if (memcmp(files->list[i - 1].key, files->list[i].key, KEY_BYTES) != 0 || same_addresses(a, b))
			continue;
		for (size_t k = 0; k < b->n_peers && !common; k++)
			common = b->peers[k].has_key ? find_key(peers, &b->peers[k].public_key, a) : NULL;
		if (!common)
			continue;
		found(c, finding_in(&findings_of_other_ends, "key-in-two-files"), b, &b->private_at, "the private key is also that of %s, which has another address and "
		      "the same peer: the peer takes both for the same host, and answers only the last one", a->in.path);
		found_note(c, a, &a->private_at, "the other file");
		found_help(c, "generate a key for each host with `wg genkey'");
	}
}

/* The file of an address, within one mesh: the hub and its clients. */
struct owned_address {
	struct ip_addr addr;
	const struct check_file *file;
	const struct check_at *at;
};

static int compare_owned_addresses(const void *a, const void *b)
{
	const struct owned_address *x = a, *y = b;
	int family = (int)x->addr.family - (int)y->addr.family, addr = memcmp(x->addr.b, y->addr.b, sizeof x->addr.b);

	return family ? family : addr ? addr : (int)(x->file->number > y->file->number) - (int)(x->file->number < y->file->number);
}

/* A file whose peers are both: then the two are in one network. */
static bool is_common_hub(const struct keys *peers, const struct check_file *hub, const struct check_file *a, const struct check_file *b)
{
	return (hub == a || find_key(peers, &a->public_key, hub)) && (hub == b || find_key(peers, &b->public_key, hub));
}

static bool have_common_hub(const struct keys *peers, const struct check_file *a, const struct check_file *b)
{
	for (size_t i = first_with_key(peers, &a->public_key); has_key(peers, i, &a->public_key); i++)
		if (is_common_hub(peers, peers->list[i].file, a, b))
			return true;
	return is_common_hub(peers, a, a, b);
}

static void compare_same_address(struct check *c, const struct keys *peers)
{
	struct owned_address *list;
	size_t n = 0;

	for (size_t i = 0; i < c->n_files; i++)
		n += c->files[i]->has_private ? c->files[i]->n_addresses : 0;
	list = calloc(n + 1, sizeof *list);
	if (!list) {
		c->no_memory = true;
		return;
	}
	n = 0;
	for (size_t i = 0; i < c->n_files; i++)
		for (size_t k = 0; c->files[i]->has_private && k < c->files[i]->n_addresses; k++)
			list[n++] = (struct owned_address){ c->files[i]->addresses[k].addr, c->files[i], &c->files[i]->addresses[k].at };
	qsort(list, n, sizeof *list, compare_owned_addresses);
	for (size_t i = 1; i < n; i++) {
		const struct check_file *a = list[i - 1].file, *b = list[i].file;
		char text[IP_PREFIX_TEXT_MAX];
		if (a == b || !ip_equal(&list[i - 1].addr, &list[i].addr) || memcmp(&a->public_key, &b->public_key, KEY_BYTES) == 0 ||
		    !have_common_hub(peers, a, b))
			continue;
		found(c, finding_in(&findings_of_other_ends, "address-in-two-files"), b, list[i].at, "%s is also the address in %s, which is in the same network",
		      address_text(text, &list[i].addr), a->in.path);
		found_note(c, a, list[i - 1].at, "the other file");
		found_help(c, "give each host its own address");
	}
	free(list);
}

static bool list_keys(struct keys *files, struct keys *peers, const struct check *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_files; i++)
		n += c->files[i]->n_peers;
	files->list = calloc(c->n_files + 1, sizeof *files->list);
	peers->list = calloc(n + 1, sizeof *peers->list);
	if (!files->list || !peers->list)
		return false;
	for (size_t i = 0; i < c->n_files; i++) {
		const struct check_file *f = c->files[i];
		if (f->has_private)
			files->list[files->n++] = (struct owned_key){ &f->public_key, f, NULL };
		for (size_t k = 0; k < f->n_peers; k++)
			if (f->peers[k].has_key)
				peers->list[peers->n++] = (struct owned_key){ &f->peers[k].public_key, f, &f->peers[k] };
	}
	qsort(files->list, files->n, sizeof *files->list, compare_by_key);
	qsort(peers->list, peers->n, sizeof *peers->list, compare_by_key);
	return true;
}

static void other_ends(struct check *c, const struct finding *self)
{
	struct keys files = { 0 }, peers = { 0 };

	(void)self;
	if (c->n_files < 2)
		return;
	c->no_memory |= !list_keys(&files, &peers, c);
	for (size_t i = 0; i < c->n_files && !c->no_memory; i++)
		for (size_t k = 0; k < c->files[i]->n_peers; k++)
			if (c->files[i]->peers[k].has_key)
				compare_peer(c, c->files[i], &c->files[i]->peers[k], &files, &peers);
	if (!c->no_memory) {
		compare_same_key(c, &files, &peers);
		compare_same_address(c, &peers);
	}
	free(files.list);
	free(peers.list);
}

static const struct finding list[] = {
	{ .id = "peer-not-mutual", .title = "a peer that does not have this end as a peer (several files)", .level = DIAG_WARNING,
	  .between = other_ends,
	  .why = "A tunnel needs a [Peer] in the files of both ends, each with the public key of the other. A handshake with a key "
		 "that the other end does not know is not answered.",
	  .wrong = "# a.conf\n[Peer]\nPublicKey = KEY_OF_B\n\n# b.conf has no [Peer] with KEY_OF_A",
	  .right = "# a.conf\n[Peer]\nPublicKey = KEY_OF_B\n\n# b.conf\n[Peer]\nPublicKey = KEY_OF_A",
	  .fix = "Add the missing section. `wg pubkey' computes the public key of a private key." },
	{ .id = "preshared-key-mismatch", .title = "two ends with different preshared keys (several files)", .level = DIAG_WARNING,
	  .why = "Both ends must have the same preshared key, or none. Otherwise no handshake succeeds.",
	  .wrong = "# a.conf\nPresharedKey = PSK_1\n\n# b.conf\nPresharedKey = PSK_2",
	  .right = "# a.conf\nPresharedKey = PSK_1\n\n# b.conf\nPresharedKey = PSK_1", .fix = "Copy the key of one file into the other." },
	{ .id = "endpoint-port-mismatch", .title = "an endpoint with another port than the other end's (several files)",
	  .level = DIAG_NOTE,
	  .why = "The port of Endpoint is usually the ListenPort of the other end. They differ if a NAT translates the port.",
	  .wrong = "# a.conf\nEndpoint = b.example.com:51820\n\n# b.conf\nListenPort = 51821",
	  .right = "# a.conf\nEndpoint = b.example.com:51821\n\n# b.conf\nListenPort = 51821", .fix = "Use the same port in both files." },
	{ .id = "address-not-allowed", .title = "an address of the other end that is not allowed (several files)",
	  .level = DIAG_WARNING,
	  .why = "A packet from a peer is accepted only if its source address is in the peer's AllowedIPs. An end whose address is "
		 "not among them receives nothing, and what it sends is dropped.",
	  .wrong = "# a.conf\n[Peer]\nPublicKey = KEY_OF_B\nAllowedIPs = 10.0.0.3/32\n\n# b.conf\nAddress = 10.0.0.2/24",
	  .right = "# a.conf\n[Peer]\nPublicKey = KEY_OF_B\nAllowedIPs = 10.0.0.2/32\n\n# b.conf\nAddress = 10.0.0.2/24",
	  .fix = "Add the address of the other end to AllowedIPs." },
	{ .id = "route-covers-connected-lan", .title = "an allowed IP that is behind this end (several files)", .level = DIAG_WARNING,
	  .why = "The other end sends the packets for this network here, so this end is connected to it. If it is an allowed IP here as "
		 "well, wg-quick adds a route to it into the tunnel, and takes the network away from this host.",
	  .wrong = "# site.conf, at 192.168.1.0/24\n[Peer]\nAllowedIPs = 10.0.0.0/24, 192.168.1.0/24",
	  .right = "# site.conf, at 192.168.1.0/24\n[Peer]\nAllowedIPs = 10.0.0.0/24",
	  .fix = "List only the networks at the other end, or use Table = off." },
	{ .id = "key-in-two-files", .title = "two hosts with the same private key (several files)", .level = DIAG_WARNING,
	  .why = "A peer is identified by its key. Two hosts with one key are one peer whose endpoint changes with each packet, so that "
		 "the connections of both stop again and again.",
	  .wrong = "# phone.conf\nPrivateKey = KEY_A\nAddress = 10.0.0.2/32\n\n# laptop.conf\nPrivateKey = KEY_A\nAddress = 10.0.0.3/32",
	  .right = "# phone.conf\nPrivateKey = KEY_A\nAddress = 10.0.0.2/32\n\n# laptop.conf\nPrivateKey = KEY_B\nAddress = 10.0.0.3/32",
	  .fix = "Generate a key for each host, and a [Peer] for each key." },
	{ .id = "address-in-two-files", .title = "two hosts with the same address (several files)", .level = DIAG_WARNING,
	  .why = "In one network each address belongs to one peer. The hub sends the packets of both to the last one that has it as "
		 "an allowed IP.",
	  .wrong = "# phone.conf\nAddress = 10.0.0.2/32\n\n# laptop.conf\nAddress = 10.0.0.2/32",
	  .right = "# phone.conf\nAddress = 10.0.0.2/32\n\n# laptop.conf\nAddress = 10.0.0.3/32",
	  .fix = "Give each host its own address." },
};
const struct finding_group findings_of_other_ends = { list, ARRAY_LEN(list) };
