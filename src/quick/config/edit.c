/* Writes the state of a tunnel into the text of its file. */
#include "edit.h"

#include <stdlib.h>

#include "section_editor.h"

/* ---- peers ---- */

static bool same_allowedips(const struct wg_peer *a, const struct wg_peer *b)
{
	if (a->n_allowedips != b->n_allowedips)
		return false;
	for (uint32_t i = 0; i < a->n_allowedips; i++) {
		bool found = false;
		/* The order is usually the same, so the search begins at the same place. */
		for (uint32_t k = 0; k < b->n_allowedips && !found; k++)
			found = prefix_equal(&a->allowedips[(i + k) % a->n_allowedips].prefix,
					     &b->allowedips[i].prefix);
		if (!found)
			return false;
	}
	return true;
}

static int compare_prefixes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ip_prefix));
}

/* The allowed IPs of a peer of the device, and which of them the file already has. */
struct prefixes {
	struct ip_prefix *list; /* sorted */
	bool *in_file;
	size_t n;
};

static bool prefixes_init(struct prefixes *p, const struct wg_peer *peer)
{
	*p = (struct prefixes){ .list = calloc(peer->n_allowedips + 1, sizeof *p->list),
				.in_file = calloc(peer->n_allowedips + 1, sizeof *p->in_file) };
	if (!p->list || !p->in_file)
		return false;
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		p->list[p->n++] = peer->allowedips[i].prefix;
	qsort(p->list, p->n, sizeof *p->list, compare_prefixes);
	return true;
}

static enum list_item next_prefix(void *ctx, struct span *rest, struct span *item)
{
	struct prefixes *p = ctx;
	struct ip_prefix key = { 0 }, *found;
	struct span word;

	if (!span_next(&word, rest, ','))
		return LIST_END;
	*item = span_trim(word);
	if (!prefix_parse(&key, *item, NULL))
		return LIST_DELETE; /* incremental, with "+" or "-": not part of a state */
	found = bsearch(&key, p->list, p->n, sizeof *p->list, compare_prefixes);
	if (!found || p->in_file[found - p->list])
		return LIST_DELETE;
	p->in_file[found - p->list] = true;
	return LIST_KEEP;
}

static bool edit_allowedips(struct section_editor *e, const struct section *s, const struct wg_peer *now)
{
	struct prefixes p;
	struct list_line last = list_line_none(e);
	bool ok = prefixes_init(&p, now) && section_editor_filter(e, s, "AllowedIPs", next_prefix, &p, &last);
	bool added = false;

	for (size_t i = 0; ok && i < p.n; i++) {
		if (p.in_file[i])
			continue;
		text_add(&last.items, last.items.n > 0 ? ", " : "");
		prefix_print(&last.items, &p.list[i]);
		added = true;
	}
	ok = ok && !last.items.failed;
	if (ok && added && last.line < e->n_lines)
		ok = section_editor_set_items(e, &last);
	else if (ok && added)
		ok = section_editor_set(e, s, "AllowedIPs", last.items.p);
	text_heap_free(&last.items);
	free(p.list);
	free(p.in_file);
	return ok;
}

static bool edit_endpoint(struct section_editor *e, const struct section *s, const struct wg_peer *now,
			  const struct wg_peer *file, const struct ip_scopes *scopes)
{
	char text[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(text, sizeof text);

	/* A host name is worth more than the address that it has at present. */
	if (!(now->flags & WG_PEER_HAS_ENDPOINT) || (file->flags & WG_PEER_HAS_HOST) ||
	    ((file->flags & WG_PEER_HAS_ENDPOINT) && endpoint_equal(&now->endpoint, &file->endpoint)))
		return true;
	endpoint_print(&t, &now->endpoint, scopes);
	return section_editor_set(e, s, "Endpoint", text);
}

static bool edit_psk(struct section_editor *e, const struct section *s, const struct wg_peer *now,
		     const struct wg_peer *file)
{
	static const struct wg_psk none;
	const struct wg_psk *psk = file->flags & WG_PEER_HAS_PSK ? &file->psk : &none;
	char text[KEY_BASE64_CHARS + 1] = "";

	if (memcmp(psk->b, now->psk.b, KEY_BYTES) == 0)
		return true;
	if (memcmp(now->psk.b, none.b, KEY_BYTES) != 0)
		key_to_base64(text, now->psk.b);
	return section_editor_set(e, s, "PresharedKey", text);
}

static bool edit_keepalive(struct section_editor *e, const struct section *s, const struct wg_peer *now,
			   const struct wg_peer *file)
{
	uint16_t keepalive = file->flags & WG_PEER_HAS_KEEPALIVE ? file->keepalive_s : 0;
	char text[8] = "";
	struct text t = text_fixed(text, sizeof text);

	if (keepalive == now->keepalive_s)
		return true;
	if (now->keepalive_s)
		text_u64(&t, now->keepalive_s);
	return section_editor_set(e, s, "PersistentKeepalive", text);
}

static bool edit_peer(struct section_editor *e, const struct section *s, const struct wg_peer *now,
		      const struct wg_peer *file, const struct ip_scopes *scopes)
{
	return edit_psk(e, s, now, file) && (same_allowedips(now, file) || edit_allowedips(e, s, now)) &&
	       edit_endpoint(e, s, now, file, scopes) && edit_keepalive(e, s, now, file);
}

static bool append_peer(struct section_editor *e, const struct wg_peer *peer, const struct ip_scopes *scopes)
{
	struct text *end = &e->after[e->n_lines], printed = text_heap();
	struct wg_peer copy = *peer; /* shares what the peer owns, and is not freed */
	struct wg_device one = { .peers = &copy, .n_peers = 1 };
	struct span text;
	size_t from = 0;
	bool ok;

	conf_print(&printed, &one, scopes);
	text = text_of(&printed);
	while (from < text.n && !span_starts(span_sub(text, from, text.n), "[Peer]"))
		from++;
	text_char(end, '\n');
	text_span(end, span_sub(text, from, text.n));
	e->changed = true;
	ok = !printed.failed && !end->failed;
	text_heap_free(&printed);
	return ok;
}

static bool edit_peers(struct section_editor *e, const struct wg_device *now, const struct wg_device *file,
		       const struct ip_scopes *scopes)
{
	struct peer_index in_device = { 0 }, in_file = { 0 };
	bool ok = peer_index_build(&in_device, now) && peer_index_build(&in_file, file);

	for (size_t i = 0; ok && i < e->n_sections; i++) {
		const struct section *s = &e->sections[i];
		const struct wg_peer *peer, *old;
		if (!s->is_peer)
			continue;
		peer = peer_index_find(&in_device, now, &s->key);
		old = peer_index_find(&in_file, file, &s->key);
		if (peer && old)
			ok = edit_peer(e, s, peer, old, scopes);
		else
			section_editor_delete_section(e, s);
	}
	for (uint32_t i = 0; ok && i < now->n_peers; i++)
		if (!peer_index_find(&in_file, file, &now->peers[i].public_key))
			ok = append_peer(e, &now->peers[i], scopes);
	peer_index_free(&in_device);
	peer_index_free(&in_file);
	return ok;
}

/* ---- [Interface] ---- */

static bool set_interface(struct section_editor *e, const char *key, const char *value)
{
	const struct section *s = section_editor_interface(e, key);

	return !s || section_editor_set(e, s, key, value);
}

static bool edit_port(struct section_editor *e, const struct wg_device *file, const struct edit_state *now)
{
	bool named = (file->flags & WG_DEVICE_HAS_LISTEN_PORT) && file->listen_port;
	uint16_t before = named ? file->listen_port : now->chosen_port;
	char text[8];
	struct text t = text_fixed(text, sizeof text);

	if (before == 0 || before == now->device->listen_port)
		return true;
	text_u64(&t, now->device->listen_port);
	return set_interface(e, "ListenPort", text);
}

/* A mark that the file does not set is wg-quick's own choice for a default route. */
static bool edit_fwmark(struct section_editor *e, const struct wg_device *file, const struct wg_device *now)
{
	char text[16];
	struct text t = text_fixed(text, sizeof text);

	if (!(file->flags & WG_DEVICE_HAS_FWMARK) || file->fwmark == 0 || file->fwmark == now->fwmark)
		return true;
	text_f(&t, "0x%x", now->fwmark);
	return set_interface(e, "FwMark", now->fwmark ? text : "off");
}

static bool edit_private_key(struct section_editor *e, const struct wg_device *file, const struct wg_device *now)
{
	char text[KEY_BASE64_CHARS + 1] = "";

	if (!(now->flags & WG_DEVICE_HAS_PRIVATE_KEY) ||
	    ((file->flags & WG_DEVICE_HAS_PRIVATE_KEY) &&
	     memcmp(file->private_key.b, now->private_key.b, KEY_BYTES) == 0))
		return true;
	key_to_base64(text, now->private_key.b);
	return set_interface(e, "PrivateKey", text);
}

static bool edit_mtu(struct section_editor *e, unsigned int file, unsigned int now)
{
	char text[16];
	struct text t = text_fixed(text, sizeof text);

	if (file == 0 || now == 0 || file == now)
		return true;
	text_u64(&t, now);
	return set_interface(e, "MTU", text);
}

/* ---- addresses ---- */

static bool has_local(const struct addresses *list, const struct interface_address *a)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_equal(&list->list[i].local, &a->local) && list->list[i].bits == a->bits)
			return true;
	return false;
}

static enum list_item next_address(void *ctx, struct span *rest, struct span *item)
{
	const struct edit_state *now = ctx;
	struct interface_address one;
	struct span before = *rest, bad;

	if (address_next(&one, rest, &bad) <= 0)
		return LIST_END;
	*item = span_trim(span_sub(before, 0, (size_t)(rest->p - before.p)));
	while (item->n > 0 && item->p[0] == ',')
		*item = span_trim(span_sub(*item, 1, item->n));
	/* Where IPv6 is disabled, the address was never set, and it will be wanted again. */
	if (has_local(now->addresses, &one) || (one.local.family == IP_V6 && !now->ipv6))
		return LIST_KEEP;
	return LIST_DELETE;
}

/* Link-local addresses are the kernel's own. */
static bool is_new(const struct interface_address *a, const struct addresses *file, const struct addresses *foreign)
{
	return !ip_is_v6_link_local(&a->local) && !has_local(foreign, a) && !has_local(file, a);
}

static bool edit_addresses(struct section_editor *e, const struct addresses *file, const struct edit_state *now)
{
	const struct section *s = section_editor_interface(e, "Address");
	struct list_line last = list_line_none(e);
	struct edit_state context = *now; /* of the filter, whose context is not const */
	struct text *after;
	bool ok = true;

	for (size_t i = 0; ok && i < e->n_sections; i++)
		if (!e->sections[i].is_peer)
			ok = section_editor_filter(e, &e->sections[i], "Address", next_address, &context, &last);
	after = s ? &e->after[last.line < e->n_lines ? last.line : s->header] : NULL;
	for (size_t i = 0; ok && s && i < now->addresses->n; i++) {
		const struct interface_address *a = &now->addresses->list[i];
		if (!is_new(a, file, now->foreign))
			continue;
		text_add(after, "Address = ");
		address_print(after, a);
		text_char(after, '\n');
		e->changed = true;
		ok = !after->failed;
	}
	text_heap_free(&last.items);
	return ok;
}

bool edit_tunnel_file(struct text *out, bool *changed, const struct tunnel_file *f, const struct edit_state *now)
{
	struct section_editor e;
	bool ok = section_editor_init(&e, (struct span){ f->text, f->n_text }) &&
		  edit_addresses(&e, &f->interface.addresses, now) && edit_mtu(&e, f->interface.mtu, now->mtu) &&
		  edit_port(&e, &f->device, now) && edit_fwmark(&e, &f->device, now->device) &&
		  edit_private_key(&e, &f->device, now->device) && edit_peers(&e, now->device, &f->device, now->scopes);

	if (ok)
		section_editor_print(&e, out);
	*changed = e.changed;
	section_editor_free(&e);
	return ok && !out->failed;
}
