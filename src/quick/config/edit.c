/* Writes the state of a tunnel into the text of its file. */
#include "edit.h"

#include "base/mem.h"
#include "edit_peers.h"

/* ---- [Interface] ---- */

static bool set_interface(struct section_editor *e, const char *key, const char *value)
{
	const struct section *s = section_editor_interface(e, key);
	bool found = false;

	return (!s || section_editor_set(e, s, key, value, &found)) && (found || section_editor_add(e, s, key, value));
}

static bool edit_port(struct section_editor *e, const struct wg_device *file, const struct edit_state *now)
{
	bool named = (file->flags & WG_DEVICE_HAS_LISTEN_PORT) && file->listen_port;
	char text[8];
	struct text t = text_fixed(text, sizeof text);

	if (now->device->listen_port == (named ? file->listen_port : 0) || (!named && now->chosen_port))
		return true;
	text_u64(&t, now->device->listen_port);
	return set_interface(e, "ListenPort", text);
}

static bool edit_fwmark(struct section_editor *e, const struct wg_device *file, const struct edit_state *now)
{
	bool named = (file->flags & WG_DEVICE_HAS_FWMARK) && file->fwmark;
	uint32_t mark = now->device->fwmark;
	char text[16];
	struct text t = text_fixed(text, sizeof text);

	if (mark == (named ? file->fwmark : 0) || (!named && now->chosen_mark))
		return true;
	text_f(&t, "0x%x", mark);
	return set_interface(e, "FwMark", mark ? text : "off");
}

static bool edit_private_key(struct section_editor *e, const struct tunnel_file *f, const struct wg_device *now)
{
	const struct wg_device *file = &f->device;
	char text[KEY_BASE64_CHARS + 1];
	bool ok;

	/* A key that is elsewhere stays there. */
	if (f->interface.private_key.kind != KEY_IN_FILE || !(now->flags & WG_DEVICE_HAS_PRIVATE_KEY) ||
	    ((file->flags & WG_DEVICE_HAS_PRIVATE_KEY) && private_key_equal(&file->private_key, &now->private_key)))
		return true;
	key_to_base64(text, now->private_key.b);
	ok = set_interface(e, "PrivateKey", text);
	mem_wipe(text, sizeof text);
	return ok;
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
	if (addresses_have(now->addresses, &one) || (one.local.family == IP_V6 && !now->ipv6))
		return LIST_KEEP;
	return LIST_DELETE;
}

/* Link-local addresses are the kernel's own. */
static bool is_new(const struct interface_address *a, const struct addresses *file, const struct addresses *foreign)
{
	return !ip_is_v6_link_local(&a->local) && !addresses_have(foreign, a) && !addresses_have(file, a);
}

static bool add_address(struct section_editor *e, const struct section *s, const struct list_line *last,
			const struct interface_address *a)
{
	char printed[2 * IP_PREFIX_TEXT_MAX + 8];
	struct text t = text_fixed(printed, sizeof printed);

	address_print(&t, a);
	return section_editor_add_after(e, s, last->line < e->n_lines ? last->line : s ? s->header : 0, "Address",
					printed);
}

static bool edit_addresses(struct section_editor *e, const struct addresses *file, const struct edit_state *now)
{
	const struct section *s = section_editor_interface(e, "Address");
	struct list_line last = list_line_none(e);
	struct edit_state context = *now; /* of the filter, whose context is not const */
	bool ok = true;

	for (size_t i = 0; ok && i < e->sections.n; i++)
		if (!e->sections.list[i].is_peer)
			ok = section_editor_filter(e, &e->sections.list[i], "Address", next_address, &context, &last);
	for (size_t i = 0; ok && i < now->addresses->n; i++)
		if (is_new(&now->addresses->list[i], file, now->foreign))
			ok = add_address(e, s, &last, &now->addresses->list[i]);
	text_heap_free(&last.items);
	return ok;
}

bool edit_tunnel_file(struct text *out, bool *changed, const struct tunnel_file *f, const struct edit_state *now)
{
	struct section_editor e;
	bool ok = section_editor_init(&e, (struct span){ f->text, f->n_text }) &&
		  edit_addresses(&e, &f->interface.addresses, now) && edit_mtu(&e, f->interface.mtu, now->mtu) &&
		  edit_port(&e, &f->device, now) && edit_fwmark(&e, &f->device, now) &&
		  edit_private_key(&e, f, now->device) && edit_peers(&e, now->device, f, now->scopes);

	if (ok)
		section_editor_print(&e, out);
	*changed = e.changed;
	section_editor_free(&e);
	return ok && !out->failed;
}
