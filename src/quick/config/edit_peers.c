/* Compares the device with a new device configured from the file, so that several sections with one key, prefixes in
 * several peers and incremental lists have the same meaning as for the device. */
#include "edit_peers.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/sync.h"

struct prefix_owner {
	struct ip_prefix prefix;
	uint32_t peer; /* of the device */
};

struct peers_editor {
	struct section_editor *e;
	const struct wg_device *now, *file;
	const struct peer_keys *keys; /* of each peer of the file */
	const struct ip_scopes *scopes;
	struct wg_device fresh; /* a new device with the configuration of the file; host names are not resolved */
	struct peer_index in_now, in_file, in_fresh;
	const struct section **section; /* of each peer of the file */
	uint32_t *earlier; /* of each peer of the file: the number, from 1, of the previous one with this key; 0: none */
	bool lists_differ; /* some allowed IPs must change */
	struct prefix_owner *owners; /* of all prefixes of the device, sorted; if lists differ */
	size_t n_owners;
};

/* ---- allowed IPs ---- */

/* The allowed IPs of a peer of the device, and which of them the file already has. */
struct prefixes {
	struct ip_prefix *list; /* sorted */
	bool *in_file;
	size_t n, n_in_file;
};

/* Also of structs that begin with one. */
static int compare_prefixes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ip_prefix));
}

static bool prefixes_init(struct prefixes *p, const struct wg_peer *peer)
{
	*p = (struct prefixes){ .list = calloc((size_t)peer->n_allowedips + 1, sizeof *p->list),
				.in_file = calloc((size_t)peer->n_allowedips + 1, sizeof *p->in_file) };
	if (!p->list || !p->in_file)
		return false;
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		p->list[p->n++] = peer->allowedips[i].prefix;
	qsort(p->list, p->n, sizeof *p->list, compare_prefixes);
	return true;
}

static void prefixes_free(struct prefixes *p)
{
	free(p->list);
	free(p->in_file);
}

/* *again: it was found before. */
static bool prefixes_find(struct prefixes *p, const struct ip_prefix *key, bool *again)
{
	struct ip_prefix *found = bsearch(key, p->list, p->n, sizeof *p->list, compare_prefixes);

	if (!found)
		return false;
	*again = p->in_file[found - p->list];
	p->n_in_file += !*again;
	p->in_file[found - p->list] = true;
	return true;
}

/* *same: as sets. False: out of memory. */
static bool compare_lists(bool *same, const struct wg_peer *now, const struct wg_peer *other)
{
	struct prefixes p = { 0 };
	bool ok, again;

	*same = false;
	if (now->n_allowedips == 0 || other->n_allowedips == 0) {
		*same = now->n_allowedips == other->n_allowedips;
		return true;
	}
	ok = prefixes_init(&p, now);
	*same = ok;
	for (uint32_t i = 0; *same && i < other->n_allowedips; i++)
		*same = prefixes_find(&p, &other->allowedips[i].prefix, &again);
	*same &= p.n_in_file == p.n;
	prefixes_free(&p);
	return ok;
}

/* As the parser of files does: blanks inside an item have no meaning. */
static bool parse_prefix(struct ip_prefix *out, struct span item)
{
	char compact[IP_PREFIX_TEXT_MAX];
	struct text t = text_fixed(compact, sizeof compact);

	for (size_t i = 0; i < item.n; i++)
		if (!ascii_is_blank(item.p[i]))
			text_char(&t, item.p[i]);
	*out = (struct ip_prefix){ 0 };
	return !t.failed && prefix_parse(out, text_of(&t), NULL);
}

static enum list_item next_prefix(void *ctx, struct span *rest, struct span *item)
{
	struct prefixes *p = ctx;
	struct ip_prefix key;
	struct span word;
	bool again;

	if (!span_next(&word, rest, ','))
		return LIST_END;
	*item = span_trim(word);
	/* Incremental items, with "+" or "-", are not part of a state. */
	return parse_prefix(&key, *item) && prefixes_find(p, &key, &again) && !again ? LIST_KEEP : LIST_DELETE;
}

static enum list_item next_deleted(void *ctx, struct span *rest, struct span *item)
{
	(void)ctx;
	return span_next(item, rest, ',') ? LIST_DELETE : LIST_END;
}

/* A section without a list replaces the lists of earlier sections of its peer: all of them are in the last one. */
static bool delete_earlier_lists(const struct peers_editor *p, uint32_t peer)
{
	struct list_line last = list_line_none(p->e);
	bool ok = true;

	for (uint32_t i = p->earlier[peer]; ok && i > 0; i = p->earlier[i - 1])
		ok = section_editor_filter(p->e, p->section[i - 1], "AllowedIPs", next_deleted, NULL, &last);
	text_heap_free(&last.items);
	return ok;
}

static bool write_list(struct peers_editor *p, uint32_t peer, const struct wg_peer *now)
{
	const struct section *s = p->section[peer];
	struct prefixes list = { 0 };
	struct list_line last = list_line_none(p->e);
	bool ok = delete_earlier_lists(p, peer) && prefixes_init(&list, now) &&
		  section_editor_filter(p->e, s, "AllowedIPs", next_prefix, &list, &last);

	for (size_t i = 0; ok && i < list.n; i++) {
		if (list.in_file[i])
			continue;
		text_add(&last.items, last.items.n > 0 ? ", " : "");
		prefix_print(&last.items, &list.list[i]);
	}
	ok = ok && !last.items.failed;
	if (ok && list.n_in_file < list.n && last.line < p->e->n_lines)
		ok = section_editor_set_items(p->e, &last);
	else if (ok && list.n_in_file < list.n)
		ok = section_editor_add(p->e, s, "AllowedIPs", last.items.p);
	text_heap_free(&last.items);
	prefixes_free(&list);
	return ok;
}

static bool has_incremental(const struct wg_peer *peer)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (peer->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			return true;
	return false;
}

static bool is_plain(const struct peers_editor *p, uint32_t peer)
{
	return p->earlier[peer] == 0 && !has_incremental(&p->file->peers[peer]);
}

/* A prefix in the lists of several peers is the last one's. True if that will not be this peer. */
static bool belongs_to_later_peer(const struct peers_editor *p, uint32_t peer, const struct ip_prefix *prefix)
{
	const struct prefix_owner key = { *prefix, 0 };
	const struct prefix_owner *owner = bsearch(&key, p->owners, p->n_owners, sizeof key, compare_prefixes);
	const struct wg_peer *file;

	if (!owner)
		return false;
	file = peer_index_find(&p->in_file, p->file, &p->now->peers[owner->peer].public_key);
	return !file || (file > &p->file->peers[peer] && is_plain(p, (uint32_t)(file - p->file->peers)));
}

/* True if the peer's sections give it no other prefixes than those in its list, which the file already has. */
static bool list_stays(const struct peers_editor *p, uint32_t peer, struct prefixes *list)
{
	bool again;

	for (uint32_t i = peer + 1; i > 0; i = p->earlier[i - 1]) {
		const struct wg_peer *file = &p->file->peers[i - 1];
		for (uint32_t k = 0; k < file->n_allowedips; k++)
			if (!prefixes_find(list, &file->allowedips[k].prefix, &again) &&
			    !belongs_to_later_peer(p, peer, &file->allowedips[k].prefix))
				return false;
	}
	return true;
}

static bool edit_list(struct peers_editor *p, uint32_t peer, const struct wg_peer *now, const struct wg_peer *fresh)
{
	struct prefixes list = { 0 };
	bool same, ok = true;

	if (!p->lists_differ)
		return true;
	if (!compare_lists(&same, now, fresh))
		return false;
	if (same) {
		ok = prefixes_init(&list, now);
		same = ok && list_stays(p, peer, &list);
		prefixes_free(&list);
	}
	return ok && (same || write_list(p, peer, now));
}

static bool find_owners(struct peers_editor *p)
{
	size_t n = 0;

	for (uint32_t i = 0; i < p->now->n_peers; i++)
		n += p->now->peers[i].n_allowedips;
	p->owners = calloc(n + 1, sizeof *p->owners);
	if (!p->owners)
		return false;
	for (uint32_t i = 0; i < p->now->n_peers; i++)
		for (uint32_t k = 0; k < p->now->peers[i].n_allowedips; k++)
			p->owners[p->n_owners++] =
				(struct prefix_owner){ p->now->peers[i].allowedips[k].prefix, i };
	qsort(p->owners, n, sizeof *p->owners, compare_prefixes);
	return true;
}

static bool find_list_differences(struct peers_editor *p)
{
	bool same = true, ok = true;

	for (uint32_t i = 0; ok && same && i < p->fresh.n_peers; i++) {
		const struct wg_peer *fresh = &p->fresh.peers[i];
		const struct wg_peer *now = peer_index_find(&p->in_now, p->now, &fresh->public_key);
		same = fresh->n_allowedips == 0;
		ok = !now || compare_lists(&same, now, fresh);
	}
	p->lists_differ = !same;
	return ok && (same || find_owners(p));
}

/* ---- other settings ---- */

/* Sets the key in the last section of the peer that has it, else in its last section. A null value deletes it. */
static bool set(struct peers_editor *p, uint32_t peer, const char *key, const char *value)
{
	bool done = false, found;

	for (uint32_t i = peer + 1; i > 0; i = p->earlier[i - 1]) {
		if (!section_editor_set(p->e, p->section[i - 1], key, done ? NULL : value, &found))
			return false;
		done |= found;
	}
	return done || !value || section_editor_add(p->e, p->section[peer], key, value);
}

static bool edit_endpoint(struct peers_editor *p, uint32_t peer, const struct wg_peer *now)
{
	char text[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(text, sizeof text);
	const struct wg_peer *file = NULL;

	for (uint32_t i = peer + 1; i > 0 && !file; i = p->earlier[i - 1])
		if (p->file->peers[i - 1].flags & (WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_HOST))
			file = &p->file->peers[i - 1];
	/* A host name is worth more than the address that it has at present. */
	if (!(now->flags & WG_PEER_HAS_ENDPOINT) ||
	    (file && ((file->flags & WG_PEER_HAS_HOST) || endpoint_equal(&now->endpoint, &file->endpoint))))
		return true;
	endpoint_print(&t, &now->endpoint, p->scopes);
	return set(p, peer, "Endpoint", text);
}

static bool edit_psk(struct peers_editor *p, uint32_t peer, const struct wg_peer *now, const struct wg_peer *fresh)
{
	char text[KEY_BASE64_CHARS + 1];
	bool ok;

	if (mem_equal_ct(fresh->psk.b, now->psk.b, KEY_BYTES))
		return true;
	for (uint32_t i = peer + 1; i > 0; i = p->earlier[i - 1])
		if (p->keys[i - 1].psk.kind != KEY_IN_FILE)
			return true; /* a key that is elsewhere stays there */
	key_to_base64(text, now->psk.b);
	ok = set(p, peer, "PresharedKey", mem_is_zero_ct(now->psk.b, KEY_BYTES) ? NULL : text);
	mem_wipe(text, sizeof text);
	return ok;
}

static bool edit_keepalive(struct peers_editor *p, uint32_t peer, const struct wg_peer *now,
			   const struct wg_peer *fresh)
{
	char text[8];
	struct text t = text_fixed(text, sizeof text);

	if (fresh->keepalive_s == now->keepalive_s)
		return true;
	text_u64(&t, now->keepalive_s);
	return set(p, peer, "PersistentKeepalive", now->keepalive_s ? text : NULL);
}

/* ---- peers ---- */

static bool append_peer(struct section_editor *e, const struct wg_peer *peer, const struct ip_scopes *scopes)
{
	struct text printed = text_heap();
	struct wg_peer copy = *peer; /* shares what the peer owns, and is not freed */
	struct wg_device one = { .peers = &copy, .n_peers = 1 };
	struct span text;
	bool ok;

	conf_print(&printed, &one, scopes);
	text = text_of(&printed);
	while (text.n > 0 && !span_starts(text, "[Peer]"))
		text = span_sub(text, 1, text.n);
	ok = !printed.failed && section_editor_append(e, text);
	text_heap_free(&printed);
	mem_wipe(&copy, sizeof copy);
	return ok;
}

/* The device ignores a peer with its own key, which nobody removed. */
static bool is_own_key(const struct peers_editor *p, const struct wg_peer *peer)
{
	return (p->now->flags & WG_DEVICE_HAS_PUBLIC_KEY) &&
	       memcmp(&p->now->public_key, &peer->public_key, sizeof peer->public_key) == 0;
}

/* Peers with several sections are edited at the last of them. */
static bool edit_peer(struct peers_editor *p, uint32_t i)
{
	const struct wg_peer *file = &p->file->peers[i];
	const struct wg_peer *now = peer_index_find(&p->in_now, p->now, &file->public_key);
	const struct wg_peer *fresh = peer_index_find(&p->in_fresh, &p->fresh, &file->public_key);

	if (!now && !is_own_key(p, file))
		section_editor_remove_section(p->e, p->section[i]);
	if (!now || !fresh || peer_index_find(&p->in_file, p->file, &file->public_key) != file)
		return true;
	return edit_psk(p, i, now, fresh) && edit_list(p, i, now, fresh) && edit_endpoint(p, i, now) &&
	       edit_keepalive(p, i, now, fresh);
}

/* The parser numbers the peers in the order of their sections. */
static bool match_sections(struct peers_editor *p)
{
	uint32_t n = p->file->n_peers, peer = 0;
	uint32_t *latest = calloc((size_t)n + 1, sizeof *latest); /* of the last peer of a key: the one before */

	p->section = calloc((size_t)n + 1, sizeof *p->section);
	p->earlier = calloc((size_t)n + 1, sizeof *p->earlier);
	for (size_t i = 0; latest && p->section && p->earlier && i < p->e->sections.n && peer < n; i++) {
		const struct wg_peer *last;
		if (!p->e->sections.list[i].is_peer || p->e->sections.list[i].header + 1 != p->file->peers[peer].line)
			continue; /* [Interface], or a disabled peer */
		last = peer_index_find(&p->in_file, p->file, &p->file->peers[peer].public_key);
		p->section[peer] = &p->e->sections.list[i];
		p->earlier[peer] = latest[last - p->file->peers];
		latest[last - p->file->peers] = ++peer;
	}
	assert(!latest || !p->section || !p->earlier || peer == n);
	free(latest);
	return peer == n;
}

static bool init(struct peers_editor *p)
{
	struct wg_device new_device = { .flags = p->now->flags & WG_DEVICE_HAS_PUBLIC_KEY,
					.public_key = p->now->public_key };
	struct wg_device peers = { .peers = p->file->peers, .n_peers = p->file->n_peers };
	struct sync_options o = { 0 };

	return peer_index_build(&p->in_now, p->now) && peer_index_build(&p->in_file, p->file) &&
	       sync_diff(&p->fresh, &new_device, &peers, &o) == 0 && peer_index_build(&p->in_fresh, &p->fresh) &&
	       match_sections(p) && find_list_differences(p);
}

/* Peers that only the device has; of those that the file disables, the text stays as it is. */
static bool append_new_peers(struct peers_editor *p, const struct wg_device *disabled)
{
	struct peer_index x = { 0 };
	bool ok = peer_index_build(&x, disabled);

	for (uint32_t i = 0; ok && i < p->now->n_peers; i++) {
		const struct wg_public *key = &p->now->peers[i].public_key;
		if (!peer_index_find(&p->in_file, p->file, key) && !peer_index_find(&x, disabled, key))
			ok = append_peer(p->e, &p->now->peers[i], p->scopes);
	}
	peer_index_free(&x);
	return ok;
}

bool edit_peers(struct section_editor *e, const struct wg_device *now, const struct tunnel_file *f,
		const struct ip_scopes *scopes)
{
	const struct wg_device *file = &f->device;
	struct peers_editor p = { .e = e, .now = now, .file = file, .keys = f->peers, .scopes = scopes };
	bool ok = init(&p);

	for (uint32_t i = 0; ok && i < file->n_peers; i++)
		ok = edit_peer(&p, i);
	ok = ok && append_new_peers(&p, &f->disabled);
	peer_index_free(&p.in_now);
	peer_index_free(&p.in_file);
	peer_index_free(&p.in_fresh);
	device_free(&p.fresh);
	free(p.owners);
	free(p.section);
	free(p.earlier);
	return ok;
}
