/* Compares the configuration of the file alone with that of the file and its drop-ins. */
#include "save_drop_ins.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/sync.h"

/* ---- [Interface] ---- */

static bool differs(const struct wg_device *a, const struct wg_device *b, uint32_t flag, uint32_t value_a, uint32_t value_b)
{
	return ((a->flags ^ b->flags) & flag) || value_a != value_b;
}

static bool key_differs(const struct tunnel_file *a, const struct tunnel_file *b)
{
	return a->interface.private_key.kind != b->interface.private_key.kind ||
	       ((a->device.flags ^ b->device.flags) & WG_DEVICE_HAS_PRIVATE_KEY) ||
	       !mem_equal_ct(a->device.private_key.b, b->device.private_key.b, KEY_BYTES);
}

static void keep_interface(struct state_without_drop_ins *s, const struct tunnel_file *alone, const struct tunnel_file *whole)
{
	const struct wg_device *a = &alone->device, *w = &whole->device;

	if (differs(a, w, WG_DEVICE_HAS_LISTEN_PORT, a->listen_port, w->listen_port)) {
		s->device.listen_port = a->listen_port;
		s->state.chosen_port = true;
	}
	if (differs(a, w, WG_DEVICE_HAS_FWMARK, a->fwmark, w->fwmark)) {
		s->device.fwmark = a->fwmark;
		s->state.chosen_mark = true;
	}
	if (key_differs(alone, whole))
		s->device.flags &= ~(uint32_t)WG_DEVICE_HAS_PRIVATE_KEY;
	if (alone->interface.mtu != whole->interface.mtu)
		s->state.mtu = 0;
}

static bool keep_addresses(struct addresses *out, const struct addresses *now, const struct addresses *alone,
			   const struct addresses *whole)
{
	bool ok = true;

	for (size_t i = 0; ok && i < now->n; i++)
		if (!addresses_have(whole, &now->list[i]) || addresses_have(alone, &now->list[i]))
			ok = addresses_add(out, &now->list[i]);
	for (size_t i = 0; ok && i < alone->n; i++)
		if (!addresses_have(whole, &alone->list[i]) && !addresses_have(out, &alone->list[i]))
			ok = addresses_add(out, &alone->list[i]);
	return ok;
}

/* ---- peers ---- */

/* A new device with the configuration. */
struct fresh {
	const struct wg_device *file;
	struct wg_device device;
	struct peer_index index, in_file;
	const struct wg_peer **endpoints; /* of each peer of the file, at the last section of its key: the section with one */
};

/* Of several sections with one key, the last one that has an endpoint. */
static bool list_endpoints(struct fresh *f)
{
	f->endpoints = calloc((size_t)f->file->n_peers + 1, sizeof *f->endpoints);
	if (!f->endpoints || !peer_index_build(&f->in_file, f->file))
		return false;
	for (uint32_t i = 0; i < f->file->n_peers; i++) {
		const struct wg_peer *p = &f->file->peers[i], *last = peer_index_find(&f->in_file, f->file, &p->public_key);
		if (p->flags & (WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_HOST))
			f->endpoints[last - f->file->peers] = p;
	}
	return true;
}

static bool fresh_init(struct fresh *f, const struct wg_device *file)
{
	struct wg_device none = { 0 }, peers = { .peers = file->peers, .n_peers = file->n_peers };
	struct sync_options o = { 0 };

	*f = (struct fresh){ .file = file };
	return sync_diff(&f->device, &none, &peers, &o) == 0 && peer_index_build(&f->index, &f->device) && list_endpoints(f);
}

static void fresh_free(struct fresh *f)
{
	peer_index_free(&f->index);
	peer_index_free(&f->in_file);
	device_free(&f->device);
	free(f->endpoints);
}

/* Null: none. */
static const struct wg_peer *endpoint_of(const struct fresh *f, const struct wg_public *key)
{
	const struct wg_peer *last = peer_index_find(&f->in_file, f->file, key);

	return last ? f->endpoints[last - f->file->peers] : NULL;
}

static const struct wg_peer *find(const struct fresh *f, const struct wg_public *key)
{
	return peer_index_find(&f->index, &f->device, key);
}

static int compare_prefixes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ip_prefix));
}

/* Sorted; the caller frees it. Null: out of memory. */
static struct ip_prefix *prefixes_of(const struct wg_peer *p)
{
	struct ip_prefix *list = calloc((size_t)p->n_allowedips + 1, sizeof *list);

	for (uint32_t i = 0; list && i < p->n_allowedips; i++)
		list[i] = p->allowedips[i].prefix;
	if (list && p->n_allowedips > 0)
		qsort(list, p->n_allowedips, sizeof *list, compare_prefixes);
	return list;
}

static bool has(const struct ip_prefix *list, uint32_t n, const struct ip_prefix *p)
{
	return n > 0 && bsearch(p, list, n, sizeof *list, compare_prefixes);
}

/* Those that only the drop-ins give are removed, and those that they take away are put back. */
static bool keep_list(struct wg_peer *now, const struct wg_peer *alone, const struct wg_peer *whole)
{
	struct ip_prefix *of_alone = prefixes_of(alone), *of_whole = prefixes_of(whole), *before = prefixes_of(now);
	uint32_t n = 0, n_before = now->n_allowedips;
	bool ok = of_alone && of_whole && before;

	for (uint32_t i = 0; ok && i < now->n_allowedips; i++) {
		const struct ip_prefix *p = &now->allowedips[i].prefix;
		if (!has(of_whole, whole->n_allowedips, p) || has(of_alone, alone->n_allowedips, p))
			now->allowedips[n++] = now->allowedips[i];
	}
	if (ok)
		now->n_allowedips = n;
	for (uint32_t i = 0; ok && i < alone->n_allowedips; i++) {
		struct wg_allowedip *a;
		if (has(of_whole, whole->n_allowedips, &of_alone[i]) || has(before, n_before, &of_alone[i]))
			continue;
		a = peer_add_allowedip(now);
		ok = a != NULL;
		if (a)
			*a = (struct wg_allowedip){ .prefix = of_alone[i] };
	}
	free(of_alone);
	free(of_whole);
	free(before);
	return ok;
}

static bool same_endpoint(const struct wg_peer *a, const struct wg_peer *b)
{
	const uint32_t both = WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_HOST;

	if (!a || !b || ((a->flags ^ b->flags) & both))
		return !a && !b;
	return a->flags & WG_PEER_HAS_HOST ? strcmp(a->host, b->host) == 0 : endpoint_equal(&a->endpoint, &b->endpoint);
}

static bool keep_peer(struct wg_peer *now, const struct wg_peer *alone, const struct wg_peer *whole, bool psk_is_elsewhere,
		      bool is_endpoint_own)
{
	if (psk_is_elsewhere || !mem_equal_ct(alone->psk.b, whole->psk.b, KEY_BYTES))
		now->psk = alone->psk;
	if (alone->keepalive_s != whole->keepalive_s)
		now->keepalive_s = alone->keepalive_s;
	if (!is_endpoint_own)
		now->flags &= ~(uint32_t)WG_PEER_HAS_ENDPOINT;
	return keep_list(now, alone, whole);
}

/* The preshared key is that of a drop-in, or of a file that it names. */
static bool psk_is_elsewhere(const struct tunnel_file *whole, const struct peer_index *x, const struct wg_public *key)
{
	const struct wg_peer *p = peer_index_find(x, &whole->device, key);

	return p && whole->peers[p - whole->device.peers].psk.kind != KEY_IN_FILE;
}

static bool take_peer(struct wg_device *out, const struct wg_peer *from)
{
	struct wg_peer copy, *to;

	if (!peer_copy(&copy, from))
		return false;
	to = device_add_peer(out);
	if (to)
		*to = copy;
	else
		peer_free(&copy);
	return to != NULL;
}

static bool keep_peers(struct wg_device *out, const struct wg_device *now, const struct tunnel_file *alone_file,
		       const struct tunnel_file *whole_file)
{
	struct fresh alone, whole;
	struct peer_index in_now = { 0 }, in_whole = { 0 };
	bool ok = fresh_init(&alone, &alone_file->device);

	ok = fresh_init(&whole, &whole_file->device) && ok && peer_index_build(&in_now, now) &&
	     peer_index_build(&in_whole, &whole_file->device);
	for (uint32_t i = 0; ok && i < now->n_peers; i++) {
		const struct wg_public *key = &now->peers[i].public_key;
		const struct wg_peer *a = find(&alone, key), *w = find(&whole, key);
		if (w && !a)
			continue;
		ok = take_peer(out, a && !w ? a : &now->peers[i]);
		if (ok && a && w)
			ok = keep_peer(&out->peers[out->n_peers - 1], a, w, psk_is_elsewhere(whole_file, &in_whole, key),
				       same_endpoint(endpoint_of(&alone, key), endpoint_of(&whole, key)));
	}
	for (uint32_t i = 0; ok && i < alone.device.n_peers; i++) {
		const struct wg_public *key = &alone.device.peers[i].public_key;
		if (!find(&whole, key) && !peer_index_find(&in_now, now, key))
			ok = take_peer(out, &alone.device.peers[i]);
	}
	peer_index_free(&in_now);
	peer_index_free(&in_whole);
	fresh_free(&alone);
	fresh_free(&whole);
	return ok;
}

bool state_without_drop_ins(struct state_without_drop_ins *out, const struct edit_state *now, const struct tunnel_file *alone,
			    const struct tunnel_file *whole)
{
	struct wg_device device = *now->device; /* shares what it owns */
	bool ok;

	device.peers = NULL;
	device.n_peers = device.cap_peers = 0;
	*out = (struct state_without_drop_ins){ .state = *now, .device = device };
	mem_wipe(&device, sizeof device);
	keep_interface(out, alone, whole);
	ok = keep_addresses(&out->addresses, now->addresses, &alone->interface.addresses, &whole->interface.addresses) &&
	     keep_peers(&out->device, now->device, alone, whole);
	out->state.device = &out->device;
	out->state.addresses = &out->addresses;
	if (!ok)
		state_without_drop_ins_free(out);
	return ok;
}

void state_without_drop_ins_free(struct state_without_drop_ins *s)
{
	device_free(&s->device);
	addresses_free(&s->addresses);
	*s = (struct state_without_drop_ins){ .device = { .n_peers = 0 } };
}
