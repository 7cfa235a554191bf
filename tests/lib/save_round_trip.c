/* See save_round_trip.h. */
#include "save_round_trip.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "quick/config/edit.h"
#include "random_file.h"
#include "slow_device.h"

/* A tunnel: its file, and a state that the file may have had when it was written. */
struct round_trip {
	uint64_t first_seed, seed;
	struct tunnel_file file, saved;
	struct wg_device device;
	struct addresses addresses, foreign;
	struct edit_state now;
	struct text text; /* after saving */
};

static void print(const char *title, struct span s)
{
	fprintf(stderr, "---- %s\n%.*s\n", title, (int)s.n, s.p ? s.p : "");
}

static void check(const struct round_trip *t, bool ok, const char *what)
{
	struct text state = text_heap();

	if (ok)
		return;
	conf_print(&state, &t->device, NULL);
	for (size_t i = 0; i < t->addresses.n; i++) {
		text_add(&state, "Address = ");
		address_print(&state, &t->addresses.list[i]);
		text_char(&state, '\n');
	}
	print("file", (struct span){ t->file.text, t->file.n_text });
	print("state", text_of(&state));
	print("saved", text_of(&t->text));
	fprintf(stderr, "seed %llu: %s\n", (unsigned long long)t->first_seed, what);
	abort();
}

static bool parse(struct tunnel_file *f, struct span text)
{
	static const struct tunnel_file_lookups lookups;
	struct diag silent = { 0 };

	*f = (struct tunnel_file){ .name = "wg0", .path = span_dup(SPAN("wg0.conf")), .text = span_dup(text),
				   .n_text = text.n };
	if (!f->path || !f->text)
		abort();
	return tunnel_file_parse(f, &lookups, &silent) == 0;
}

/* ---- the state that the file describes ---- */

static void set_flags(struct wg_device *d) /* as ipc_get() does */
{
	static const struct wg_private none;

	d->flags = memcmp(&d->private_key, &none, sizeof none) ? WG_DEVICE_HAS_PRIVATE_KEY : 0;
	d->flags |= WG_DEVICE_HAS_LISTEN_PORT | WG_DEVICE_HAS_FWMARK | WG_DEVICE_HAS_PUBLIC_KEY;
	d->public_key = (struct wg_public){ { 8 } };
	for (uint32_t i = 0; i < d->n_peers; i++)
		d->peers[i].flags |= WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_PSK | WG_PEER_HAS_KEEPALIVE;
}

static struct wg_peer *find_peer(const struct wg_device *d, const struct wg_public *key)
{
	for (uint32_t i = d->n_peers; i > 0; i--)
		if (memcmp(&d->peers[i - 1].public_key, key, sizeof *key) == 0)
			return &d->peers[i - 1];
	return NULL;
}

static void remove_peer(struct wg_device *d, struct wg_peer *p)
{
	struct wg_device patch = { .peers = p, .n_peers = 1 };
	struct wg_peer copy = *p;

	copy.flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE;
	patch.peers = &copy;
	slow_apply(d, &patch);
}

/* A device ignores a peer with its own key, and clamps the private key. */
static void apply(struct wg_device *d, const struct tunnel_file *f)
{
	struct wg_device patch = f->device, others = { 0 };

	set_flags(d);
	for (uint32_t i = 0; i < patch.n_peers; i++)
		if (memcmp(&patch.peers[i].public_key, &d->public_key, sizeof d->public_key) != 0) {
			struct wg_peer *p = device_add_peer(&others);
			if (!p)
				abort();
			*p = patch.peers[i];
		}
	patch.peers = others.peers;
	patch.n_peers = others.n_peers;
	slow_apply(d, &patch);
	free(others.peers); /* what they own is the file's */
	if (patch.flags & WG_DEVICE_HAS_PRIVATE_KEY) {
		d->private_key.b[0] &= 248;
		d->private_key.b[31] = (d->private_key.b[31] & 127) | 64;
	}
	set_flags(d);
}

static void add_address(struct addresses *list, const struct interface_address *a)
{
	if (!addresses_have(list, a) && !addresses_add(list, a))
		abort();
}

static void init(struct round_trip *t)
{
	const struct addresses *addresses = &t->file.interface.addresses;

	apply(&t->device, &t->file);
	for (size_t i = 0; i < addresses->n; i++)
		add_address(&t->addresses, &addresses->list[i]);
	t->now = (struct edit_state){ .device = &t->device, .addresses = &t->addresses, .foreign = &t->foreign,
				      .mtu = t->file.interface.mtu, .ipv6 = true };
}

/* ---- other states ---- */

static void change_peer(struct round_trip *t, struct wg_peer *p)
{
	struct wg_peer patch = { .public_key = p->public_key, .flags = WG_PEER_HAS_PUBLIC_KEY };
	struct wg_device one = { .peers = &patch, .n_peers = 1 };

	switch (random_below(&t->seed, 6)) {
	case 0:
		patch.flags |= WG_PEER_HAS_PSK;
		patch.psk.b[0] = (uint8_t)random_below(&t->seed, 3);
		break;
	case 1:
		patch.flags |= WG_PEER_HAS_KEEPALIVE;
		patch.keepalive_s = (uint16_t)random_below(&t->seed, 3);
		break;
	case 2:
		patch.flags |= WG_PEER_HAS_ENDPOINT;
		random_endpoint(&patch.endpoint, &t->seed);
		break;
	default:
		patch.flags |= random_below(&t->seed, 3) ? WG_PEER_REPLACE_ALLOWEDIPS : 0;
		for (unsigned int n = random_below(&t->seed, 4); n > 0; n--) {
			struct wg_allowedip *a = peer_add_allowedip(&patch);
			if (!a)
				abort();
			a->prefix = random_prefix(&t->seed);
			a->flags = random_below(&t->seed, 4) ? 0 : WG_ALLOWEDIP_REMOVE;
		}
	}
	slow_apply(&t->device, &one);
	peer_free(&patch);
}

static void change_peers(struct round_trip *t)
{
	struct wg_device *d = &t->device;
	struct wg_public key;

	if (d->n_peers > 0 && random_below(&t->seed, 4) == 0) {
		remove_peer(d, &d->peers[random_below(&t->seed, d->n_peers)]);
	} else if (d->n_peers == 0 || random_below(&t->seed, 4) == 0) {
		random_public_key(&key, &t->seed);
		if (memcmp(&key, &d->public_key, sizeof key) == 0 || find_peer(d, &key))
			return;
		struct wg_peer *p = device_add_peer(d);
		if (!p)
			abort();
		p->public_key = key;
		p->flags = WG_PEER_HAS_PUBLIC_KEY;
		change_peer(t, p);
	} else {
		change_peer(t, &d->peers[random_below(&t->seed, d->n_peers)]);
	}
}

static void change_addresses(struct round_trip *t)
{
	struct span texts = SPAN("10.9.7.1/24 fd09::7/64 fe80::7/64 10.9.3.1 peer 10.9.3.2/32 10.9.4.1/32"), bad;
	struct interface_address a = { 0 };

	for (unsigned int n = random_below(&t->seed, 5); n > 0; n--)
		if (address_next(&a, &texts, &bad) <= 0)
			abort();
	if (a.local.family && random_below(&t->seed, 3) == 0)
		add_address(&t->foreign, &a);
	if (a.local.family)
		add_address(&t->addresses, &a);
	else if (t->addresses.n > 0) {
		struct interface_address *list = t->addresses.list;
		list[random_below(&t->seed, (unsigned int)t->addresses.n)] = list[t->addresses.n - 1];
		t->addresses.n--;
	}
}

static void change(struct round_trip *t)
{
	switch (random_below(&t->seed, 8)) {
	case 0: t->device.listen_port = (uint16_t)(1 + random_below(&t->seed, 3)); break;
	case 1: t->device.fwmark = random_below(&t->seed, 3); break;
	case 2: t->device.private_key = (struct wg_private){ { 8, (uint8_t)random_below(&t->seed, 3), [31] = 64 } }; break;
	case 3: t->now.mtu = 1300 + random_below(&t->seed, 2); break;
	case 4: change_addresses(t); break;
	default: change_peers(t); break;
	}
	set_flags(&t->device);
}

/* ---- comments ---- */

struct lines {
	struct span *list;
	size_t n, cap;
};

static void lines_init(struct lines *l, struct span text)
{
	struct span line;

	*l = (struct lines){ 0 };
	while (span_next(&line, &text, '\n')) {
		if (!vector_reserve(&l->list, &l->cap, l->n + 1, sizeof *l->list))
			abort();
		l->list[l->n++] = span_trim(line);
	}
}

static bool is_comment(struct span line)
{
	return line.n > 0 && line.p[0] == '#';
}

/* All comments of the one, in this order, among those of the other. */
static bool comments_are_in(const struct lines *some, const bool *skip, const struct lines *all)
{
	size_t at = 0;

	for (size_t i = 0; i < some->n; i++) {
		if (!is_comment(some->list[i]) || (skip && skip[i]))
			continue;
		while (at < all->n && !span_equal(all->list[at], some->list[i]))
			at++;
		if (at++ >= all->n)
			return false;
	}
	return true;
}

/* Ends of blocks and commented-out peers. */
static bool is_not_own(const struct lines *l, size_t i)
{
	static const char *const ends[] = { "### end alice ###", "### end bob ###", "# END", "#[Peer]" };

	for (size_t k = 0; k < ARRAY_LEN(ends); k++)
		if (span_is(l->list[i], ends[k]))
			return true;
	return i > 0 && span_is(l->list[i - 1], "#[Peer]") && span_starts(l->list[i], "#PublicKey =");
}

/* Comments from the setting before a removed section to the header after it may be its own, with exceptions. */
static bool *comments_of_removed(const struct round_trip *t, const struct lines *l)
{
	bool *own = calloc(l->n + 1, sizeof *own), removed = false;
	size_t last = 0, from = 0; /* of code; of the comments that may be a removed section's */
	uint32_t peer = 0;

	if (!own)
		abort();
	for (size_t i = 0; i <= l->n; i++) {
		bool is_header = i < l->n && l->list[i].n > 0 && l->list[i].p[0] == '[';
		if (i == l->n || is_header) {
			for (size_t k = from; removed && k < i; k++)
				own[k] = true;
			removed = false;
		}
		if (is_header && span_is_spaced(conf_without_comment(l->list[i]), "[Peer]")) {
			const struct wg_public *key = &t->file.device.peers[peer++].public_key;
			removed = !find_peer(&t->device, key) && memcmp(key, &t->device.public_key, sizeof *key) != 0;
		}
		if (is_header)
			from = last;
		if (i < l->n && l->list[i].n > 0 && !is_comment(l->list[i]))
			last = i;
	}
	for (size_t i = 0; i < l->n; i++)
		if (is_not_own(l, i))
			own[i] = false;
	return own;
}

static size_t count_blank(const struct lines *l)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < l->n; i++)
		n += l->list[i].n == 0;
	return n;
}

static void check_lines(struct round_trip *t)
{
	struct lines before, after;
	uint32_t added = 0;
	bool *own;

	lines_init(&before, (struct span){ t->file.text, t->file.n_text });
	lines_init(&after, text_of(&t->text));
	own = comments_of_removed(t, &before);
	check(t, comments_are_in(&before, own, &after), "a comment is missing");
	check(t, comments_are_in(&after, NULL, &before), "there is a new comment");
	for (uint32_t i = 0; i < t->device.n_peers; i++)
		added += !find_peer(&t->file.device, &t->device.peers[i].public_key);
	check(t, count_blank(&after) <= count_blank(&before) + added + 1, "there are more blank lines");
	free(own);
	free(before.list);
	free(after.list);
}

/* ---- the result ---- */

/* Host names stay, and endpoints that the device does not know. */
static void expect_endpoint(struct round_trip *t, struct wg_peer *p)
{
	const struct wg_peer *before = NULL, *after = NULL;

	for (uint32_t i = 0; i < t->file.device.n_peers; i++)
		if (memcmp(&t->file.device.peers[i].public_key, &p->public_key, sizeof p->public_key) == 0 &&
		    (t->file.device.peers[i].flags & (WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_HOST)))
			before = &t->file.device.peers[i];
	for (uint32_t i = 0; i < t->saved.device.n_peers; i++)
		if (memcmp(&t->saved.device.peers[i].public_key, &p->public_key, sizeof p->public_key) == 0 &&
		    (t->saved.device.peers[i].flags & (WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_HOST)))
			after = &t->saved.device.peers[i];
	if (before && (before->flags & WG_PEER_HAS_HOST)) {
		check(t, after && after->host && strcmp(after->host, before->host) == 0, "a host name is lost");
		p->flags &= ~(uint32_t)WG_PEER_HAS_ENDPOINT;
	} else if (before && !(p->flags & WG_PEER_HAS_ENDPOINT)) {
		p->flags |= WG_PEER_HAS_ENDPOINT;
		p->endpoint = before->endpoint;
	}
	if (!(p->flags & WG_PEER_HAS_ENDPOINT))
		p->endpoint = (struct ip_endpoint){ 0 };
}

static void check_device(struct round_trip *t)
{
	const struct wg_device *file = &t->file.device;
	struct wg_device expected, got = { 0 };

	if (!device_copy(&expected, &t->device))
		abort();
	apply(&got, &t->saved);
	for (uint32_t i = 0; i < expected.n_peers; i++)
		expect_endpoint(t, &expected.peers[i]);
	for (uint32_t i = 0; i < got.n_peers; i++) /* of an earlier section, when a later one has a name */
		if (find_peer(&expected, &got.peers[i].public_key) &&
		    !(find_peer(&expected, &got.peers[i].public_key)->flags & WG_PEER_HAS_ENDPOINT)) {
			got.peers[i].flags &= ~(uint32_t)WG_PEER_HAS_ENDPOINT;
			got.peers[i].endpoint = (struct ip_endpoint){ 0 };
		}
	if (t->now.chosen_port && file->listen_port == 0)
		expected.listen_port = 0;
	if (t->now.chosen_mark && file->fwmark == 0)
		expected.fwmark = 0;
	if (!(t->device.flags & WG_DEVICE_HAS_PRIVATE_KEY))
		expected.private_key = got.private_key;
	check(t, slow_equal(&expected, &got), "the saved file configures another device");
	device_free(&expected);
	device_free(&got);
}

static void check_interface(struct round_trip *t)
{
	const struct interface_keys *before = &t->file.interface, *after = &t->saved.interface;
	size_t expected = 0;

	for (size_t i = 0; i < t->addresses.n; i++) {
		const struct interface_address *a = &t->addresses.list[i];
		bool in_file = addresses_have(&before->addresses, a);
		bool is_saved = in_file || (!ip_is_v6_link_local(&a->local) && !addresses_have(&t->foreign, a));
		check(t, addresses_have(&after->addresses, a) == is_saved, "an address is missing, or not the file's");
		expected += is_saved;
	}
	check(t, after->addresses.n == expected, "an address stays that the tunnel does not have");
	check(t, after->mtu == (before->mtu ? t->now.mtu : 0), "the MTU is another one");
	check(t, after->save_config == before->save_config && after->table == before->table &&
	      after->dns.servers.n == before->dns.servers.n, "a setting of wg-quick is lost");
	for (int i = 0; i < HOOK_PHASES; i++) {
		check(t, after->hooks[i].n == before->hooks[i].n, "a hook is lost");
		for (size_t k = 0; k < after->hooks[i].n; k++)
			check(t, strcmp(after->hooks[i].list[k], before->hooks[i].list[k]) == 0, "a hook is another one");
	}
}

/* ---- saving ---- */

/* False: nothing changed. */
static bool save(struct round_trip *t, const struct tunnel_file *f)
{
	bool changed;

	text_heap_free(&t->text);
	check(t, edit_tunnel_file(&t->text, &changed, f, &t->now), "out of memory");
	return changed;
}

/* But for a newline at the end, which `save` adds. */
static bool same_text(struct span saved, struct span file)
{
	struct span rest = span_sub(saved, file.n, saved.n);
	bool ended = file.n > 0 && file.p[file.n - 1] == '\n';

	return span_equal(span_sub(saved, 0, file.n), file) &&
	       (rest.n == 0 || (!ended && (span_is(rest, "\n") || span_is(rest, "\r\n"))));
}

/* A peer is added and removed again. */
static void check_cycle(struct round_trip *t)
{
	struct tunnel_file more;
	struct wg_peer *p = device_add_peer(&t->device);

	if (!p)
		abort();
	p->public_key = (struct wg_public){ { 99 } };
	set_flags(&t->device);
	check(t, save(t, &t->file), "a new peer is not saved");
	check(t, parse(&more, text_of(&t->text)), "the saved file is invalid");
	remove_peer(&t->device, &t->device.peers[t->device.n_peers - 1]);
	check(t, save(t, &more), "a removed peer is still there");
	check(t, same_text(text_of(&t->text), (struct span){ t->file.text, t->file.n_text }),
	      "the file is another one after a peer was added and removed");
	tunnel_file_free(&more);
}

static void check_save(struct round_trip *t)
{
	if (!save(t, &t->file)) {
		check(t, span_equal(text_of(&t->text), (struct span){ t->file.text, t->file.n_text }), "unchanged, but not equal");
	}
	check(t, parse(&t->saved, text_of(&t->text)), "the saved file is invalid");
	check_device(t);
	check_interface(t);
	check_lines(t);
	check(t, !save(t, &t->saved), "saving a second time changes the file");
	tunnel_file_free(&t->saved);
}

bool save_round_trip(struct span text, uint64_t seed)
{
	struct round_trip t = { .first_seed = seed, .seed = seed, .text = text_heap() };
	bool ok = parse(&t.file, text);

	if (ok) {
		init(&t);
		t.now.chosen_port = t.now.chosen_mark = random_below(&t.seed, 2);
		check(&t, !save(&t, &t.file), "an unchanged tunnel changes its file");
		check_cycle(&t);
		for (unsigned int n = 1 + random_below(&t.seed, 6); n > 0; n--)
			change(&t);
		check_save(&t);
	}
	tunnel_file_free(&t.file);
	device_free(&t.device);
	addresses_free(&t.addresses);
	addresses_free(&t.foreign);
	text_heap_free(&t.text);
	return ok;
}
