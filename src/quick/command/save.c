/* `save`: the tunnel's state into its file. The file is edited, not written anew: comments, names,
 * host names, order, owner and mode stay, and only lines that say something else than the device
 * does change. */
#include <errno.h>
#include <stdlib.h>

#include "model/conf.h"
#include "quick/host/fileio.h"
#include "quick.h"

/* One [Peer] or [Interface] section of the text that is edited. */
struct section {
	/* Line numbers, from 0: the header, and after the last line that is its own. */
	size_t first, end;
	size_t with_comment;  /* first line of the comments right above the header */
	bool is_peer;
	struct wg_public key;
};

struct edit {
	struct span *lines;   /* of the old text */
	size_t n_lines, cap_lines;
	struct section *sections;
	size_t n_sections, cap_sections;
	bool *drop;           /* per line */
	char **instead;       /* per line: owned text that replaces it, or null */
	struct text *after;   /* per line: what comes after it */
	bool changed;
};

static bool is_comment(struct span line)
{
	line = span_trim(line);
	return line.n > 0 && line.p[0] == '#';
}

/* Key and value as wg reads them: without comment, blanks trimmed. */
static bool split_line(struct span line, struct span *key, struct span *value)
{
	size_t equals;

	line = conf_without_comment(line);
	equals = span_find(line, '=');
	if (equals == line.n)
		return false;
	*key = span_trim(span_sub(line, 0, equals));
	*value = span_trim(span_sub(line, equals + 1, line.n));
	return true;
}

static bool add_section(struct edit *e, size_t line, bool is_peer)
{
	struct section *s;
	size_t above = line;

	if (!vector_reserve(&e->sections, &e->cap_sections, e->n_sections + 1, sizeof *e->sections))
		return false;
	while (above > 0 && is_comment(e->lines[above - 1]))
		above--;
	s = &e->sections[e->n_sections++];
	*s = (struct section){ .first = line, .with_comment = above, .is_peer = is_peer };
	return true;
}

static bool find_sections(struct edit *e)
{
	for (size_t i = 0; i < e->n_lines; i++) {
		struct span words = span_trim(conf_without_comment(e->lines[i])), key, value;
		struct section *last = e->n_sections ? &e->sections[e->n_sections - 1] : NULL;
		if (words.n > 0 && words.p[0] == '[') {
			if (!add_section(e, i, span_is_nocase(words, "[Peer]")))
				return false;
		} else if (last && last->is_peer && split_line(e->lines[i], &key, &value) &&
			   span_is_nocase(key, "PublicKey") &&
			   !key_from_base64(last->key.b, value)) {
			return false;
		}
	}
	for (size_t i = 0; i < e->n_sections; i++) {
		struct section *s = &e->sections[i];
		s->end = i + 1 < e->n_sections ? e->sections[i + 1].with_comment : e->n_lines;
		while (s->end > s->first + 1 && span_trim(e->lines[s->end - 1]).n == 0)
			s->end--; /* blank lines between sections belong to nobody */
	}
	return true;
}

static bool edit_begin(struct edit *e, struct span text)
{
	struct span line;

	while (span_next(&line, &text, '\n')) {
		if (!text.p && line.n == 0)
			break;
		if (!vector_reserve(&e->lines, &e->cap_lines, e->n_lines + 1, sizeof *e->lines))
			return false;
		e->lines[e->n_lines++] = line;
	}
	e->drop = calloc(e->n_lines + 1, sizeof *e->drop);
	e->instead = calloc(e->n_lines + 1, sizeof *e->instead);
	e->after = calloc(e->n_lines + 1, sizeof *e->after);
	if (!e->drop || !e->instead || !e->after)
		return false;
	for (size_t i = 0; i <= e->n_lines; i++)
		e->after[i] = text_heap();
	return find_sections(e);
}

static void edit_free(struct edit *e)
{
	for (size_t i = 0; e->instead && i < e->n_lines; i++)
		free(e->instead[i]);
	for (size_t i = 0; e->after && i <= e->n_lines; i++)
		text_heap_free(&e->after[i]);
	free(e->lines);
	free(e->sections);
	free(e->drop);
	free(e->instead);
	free(e->after);
}

static void drop_line(struct edit *e, size_t line)
{
	e->drop[line] = true;
	e->changed = true;
}

/* Puts a new value in the place of the old one, leaving the key as it is spelled and the comment.
 */
static bool replace_value(struct edit *e, size_t line, struct span value, const char *now)
{
	struct span old = e->lines[line];
	struct text t = text_heap();

	text_span(&t, (struct span){ old.p, (size_t)(value.p - old.p) });
	text_add(&t, now);
	text_span(&t,
		  (struct span){ value.p + value.n, (size_t)(old.p + old.n - value.p) - value.n });
	if (t.failed) {
		text_heap_free(&t);
		return false;
	}
	free(e->instead[line]);
	e->instead[line] = t.p;
	e->changed = true;
	return true;
}

/* Makes key = now in a section: "" takes its lines away, the last of them is the one that counts.
 */
static bool set_value(struct edit *e, const struct section *s, const char *name, const char *now)
{
	struct span key, value;
	bool done = now[0] == '\0';

	for (size_t i = s->end; i-- > s->first + 1;) {
		if (!split_line(e->lines[i], &key, &value) || !span_is_nocase(key, name))
			continue;
		if (done)
			drop_line(e, i);
		else if (!replace_value(e, i, value, now))
			return false;
		done = true;
	}
	if (done)
		return true;
	text_f(&e->after[s->end - 1], "%s = %s\n", name, now);
	e->changed = true;
	return !e->after[s->end - 1].failed;
}

/* ---- lists, of which a line may name any part ---- */

enum { LIST_END, LIST_KEPT, LIST_GONE };

/* Takes an item from the front. */
typedef int list_next(void *ctx, struct span *rest, struct span *item);

/* The last line of a list that stays, and what it says then. */
struct kept_line {
	size_t line; /* the number of lines: none stays */
	struct span value;
	struct text text;
};

/* Takes from the lines of a section what is gone, and leaves lines as they are where nothing is. */
static bool keep_list(struct edit *e, const struct section *s, const char *name, list_next *next, void *ctx,
		      struct kept_line *last)
{
	struct span key, value, item;

	for (size_t i = s->first + 1; i < s->end; i++) {
		struct text kept = text_heap();
		struct span rest;
		bool gone = false, ok = true;
		int got;
		if (!split_line(e->lines[i], &key, &value) || !span_is_nocase(key, name))
			continue;
		rest = value;
		while ((got = next(ctx, &rest, &item)) != LIST_END) {
			gone |= got == LIST_GONE;
			if (got == LIST_GONE)
				continue;
			text_add(&kept, kept.n > 0 ? ", " : "");
			text_span(&kept, item);
		}
		if (gone && kept.n == 0)
			drop_line(e, i);
		else if (gone)
			ok = !kept.failed && replace_value(e, i, value, kept.p);
		if (kept.n > 0) {
			text_heap_free(&last->text);
			*last = (struct kept_line){ i, value, kept };
		}
		if (!ok)
			return false;
	}
	return true;
}

/* ---- the device and the file, setting by setting ---- */

static bool same_allowedips(const struct wg_peer *a, const struct wg_peer *b)
{
	if (a->n_allowedips != b->n_allowedips)
		return false;
	for (uint32_t i = 0; i < a->n_allowedips; i++) {
		bool found = false;
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

/* The prefixes that the device has, and which of them lines of the file name. */
struct prefixes {
	struct ip_prefix *list; /* sorted */
	bool *named;
	size_t n;
};

static bool prefixes_of(struct prefixes *p, const struct wg_peer *peer)
{
	*p = (struct prefixes){ .list = calloc(peer->n_allowedips + 1, sizeof *p->list),
				.named = calloc(peer->n_allowedips + 1, sizeof *p->named) };
	if (!p->list || !p->named)
		return false;
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		p->list[p->n++] = peer->allowedips[i].prefix;
	qsort(p->list, p->n, sizeof *p->list, compare_prefixes);
	return true;
}

static int next_prefix(void *ctx, struct span *rest, struct span *item)
{
	struct prefixes *p = ctx;
	struct ip_prefix key = { 0 }, *found;
	struct span word;

	if (!span_next(&word, rest, ','))
		return LIST_END;
	*item = span_trim(word);
	if (!prefix_parse(&key, *item, NULL))
		return LIST_GONE; /* "+" and "-" are not kept */
	found = bsearch(&key, p->list, p->n, sizeof *p->list, compare_prefixes);
	if (!found || p->named[found - p->list])
		return LIST_GONE;
	p->named[found - p->list] = true;
	return LIST_KEPT;
}

static bool save_allowedips(struct edit *e, const struct section *s, const struct wg_peer *now)
{
	struct prefixes p;
	struct kept_line last = { .line = e->n_lines, .text = text_heap() };
	bool ok = prefixes_of(&p, now) && keep_list(e, s, "AllowedIPs", next_prefix, &p, &last), more = false;

	for (size_t i = 0; ok && i < p.n; i++) {
		if (p.named[i])
			continue;
		text_add(&last.text, last.text.n > 0 ? ", " : "");
		prefix_print(&last.text, &p.list[i]);
		more = true;
	}
	ok = ok && !last.text.failed;
	if (ok && more && last.line < e->n_lines)
		ok = replace_value(e, last.line, last.value, last.text.p);
	else if (ok && more)
		ok = set_value(e, s, "AllowedIPs", last.text.p);
	text_heap_free(&last.text);
	free(p.list);
	free(p.named);
	return ok;
}

static bool save_endpoint(struct edit *e, const struct section *s, const struct wg_peer *now,
			  const struct wg_peer *file)
{
	char text[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(text, sizeof text);

	/* A host name says more than the address it has at the moment. */
	if (!(now->flags & WG_PEER_HAS_ENDPOINT) || (file && (file->flags & WG_PEER_HAS_HOST)) ||
	    (file && (file->flags & WG_PEER_HAS_ENDPOINT) &&
	     endpoint_equal(&now->endpoint, &file->endpoint)))
		return true;
	endpoint_print(&t, &now->endpoint, &ipc_scopes);
	return set_value(e, s, "Endpoint", text);
}

static bool save_peer(struct edit *e, const struct section *s, const struct wg_peer *now,
		      const struct wg_peer *file)
{
	static const struct wg_psk none;
	uint16_t keepalive = file->flags & WG_PEER_HAS_KEEPALIVE ? file->keepalive_s : 0;
	const struct wg_psk *psk = file->flags & WG_PEER_HAS_PSK ? &file->psk : &none;
	char text[KEY_BASE64_CHARS + 1];
	struct text t = text_fixed(text, sizeof text);

	if (memcmp(psk->b, now->psk.b, KEY_BYTES) != 0) {
		key_to_base64(text, now->psk.b);
		if (!set_value(e, s, "PresharedKey",
			       memcmp(now->psk.b, none.b, KEY_BYTES) == 0 ? "" : text))
			return false;
	}
	if (!same_allowedips(now, file) && !save_allowedips(e, s, now))
		return false;
	if (!save_endpoint(e, s, now, file))
		return false;
	if (keepalive == now->keepalive_s)
		return true;
	text[0] = '\0';
	if (now->keepalive_s)
		text_u64(&t, now->keepalive_s);
	return set_value(e, s, "PersistentKeepalive", text);
}

static bool append_peer(struct edit *e, const struct wg_peer *now)
{
	struct text *t = &e->after[e->n_lines];
	struct section s = { .first = 0, .end = 1 };
	struct wg_device one = { .peers = NULL };
	struct text printed = text_heap();
	struct span text;
	size_t from;

	(void)s;
	one.peers = malloc(sizeof *one.peers);
	if (!one.peers)
		return false;
	one.peers[0] = *now;
	one.n_peers = 1;
	conf_print(&printed, &one, &ipc_scopes);
	text = text_of(&printed);
	for (from = 0; from < text.n && !span_starts(span_sub(text, from, text.n), "[Peer]");)
		from++;
	text_char(t, '\n');
	text_span(t, span_sub(text, from, text.n));
	free(one.peers);
	e->changed = true;
	from = printed.failed || t->failed;
	text_heap_free(&printed);
	return !from;
}

static bool save_peers(struct edit *e, const struct wg_device *now, const struct wg_device *file)
{
	struct peer_index device = { 0 }, config = { 0 };
	bool ok = peer_index_build(&device, now) && peer_index_build(&config, file);

	for (size_t i = 0; ok && i < e->n_sections; i++) {
		const struct section *s = &e->sections[i];
		const struct wg_peer *peer =
			s->is_peer ? peer_index_find(&device, now, &s->key) : NULL;
		const struct wg_peer *mine = peer ? peer_index_find(&config, file, &s->key) : NULL;
		if (peer && mine)
			ok = save_peer(e, s, peer, mine);
		else if (s->is_peer)
			for (size_t k = s->with_comment; k < s->end; k++)
				drop_line(e, k);
	}
	for (uint32_t i = 0; ok && i < now->n_peers; i++)
		if (!peer_index_find(&config, file, &now->peers[i].public_key))
			ok = append_peer(e, &now->peers[i]);
	peer_index_free(&device);
	peer_index_free(&config);
	return ok;
}

/* The last one that has the key, which counts, or else the first one. */
static const struct section *interface_section(const struct edit *e, const char *name)
{
	const struct section *first = NULL;
	struct span key, value;

	for (size_t i = e->n_sections; i-- > 0;) {
		const struct section *s = &e->sections[i];
		if (s->is_peer)
			continue;
		first = s;
		for (size_t k = s->first + 1; k < s->end; k++)
			if (split_line(e->lines[k], &key, &value) && span_is_nocase(key, name))
				return s;
	}
	return first;
}

static bool set_interface(struct edit *e, const char *name, const char *now)
{
	const struct section *s = interface_section(e, name);

	return !s || set_value(e, s, name, now);
}

static bool save_interface(struct edit *e, const struct quick *q, const struct wg_device *now)
{
	const struct wg_device *file = &q->file.device;
	char text[KEY_BASE64_CHARS + 1] = "";
	struct text t = text_fixed(text, sizeof text);
	bool known_port = q->journal.exists && q->journal.port;

	if ((file->flags & WG_DEVICE_HAS_LISTEN_PORT) && file->listen_port
		    ? file->listen_port != now->listen_port
		    : known_port && q->journal.port != now->listen_port) {
		text_u64(&t, now->listen_port);
		if (!set_interface(e, "ListenPort", text))
			return false;
	}
	if ((file->flags & WG_DEVICE_HAS_FWMARK) && file->fwmark != now->fwmark &&
	    !(file->fwmark == 0 && now->fwmark)) {
		t = text_fixed(text, sizeof text);
		text_f(&t, "0x%x", now->fwmark);
		if (!set_interface(e, "FwMark", now->fwmark ? text : "off"))
			return false;
	}
	if (!(now->flags & WG_DEVICE_HAS_PRIVATE_KEY) ||
	    ((file->flags & WG_DEVICE_HAS_PRIVATE_KEY) &&
	     memcmp(file->private_key.b, now->private_key.b, KEY_BYTES) == 0))
		return true;
	key_to_base64(text, now->private_key.b);
	return set_interface(e, "PrivateKey", text);
}

/* ---- addresses ---- */

static bool has_local(const struct addresses *list, const struct interface_address *a)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_equal(&list->list[i].local, &a->local) && list->list[i].bits == a->bits)
			return true;
	return false;
}

/* Those that are on the interface by somebody's wish: not the kernel's link-local ones, and not
 * what hooks add each time. */
static bool is_worth_saving(const struct quick *q, const struct interface_address *a)
{
	return !ip_is_v6_link_local(&a->local) && !has_local(&q->journal.foreign, a);
}

struct saved_addresses {
	const struct quick *q;
	const struct addresses *now;
};

static int next_address(void *ctx, struct span *rest, struct span *item)
{
	const struct saved_addresses *a = ctx;
	struct interface_address one;
	struct span before = *rest, bad;

	if (address_next(&one, rest, &bad) <= 0)
		return LIST_END;
	*item = span_trim(span_sub(before, 0, (size_t)(rest->p - before.p)));
	while (item->n > 0 && item->p[0] == ',')
		*item = span_trim(span_sub(*item, 1, item->n));
	/* Where IPv6 is switched off it is not gone for good. */
	return has_local(a->now, &one) || (one.local.family == IP_V6 && !a->q->host.ipv6) ? LIST_KEPT
											       : LIST_GONE;
}

static bool save_addresses(struct edit *e, struct quick *q)
{
	const struct section *s = interface_section(e, "Address");
	struct addresses now = { 0 };
	struct saved_addresses saved = { q, &now };
	struct kept_line last = { .line = e->n_lines, .text = text_heap() };
	bool ok = rtnetlink_addresses(&q->rtnetlink, q->ifindex, &now) == 0;
	struct text *after;

	for (size_t i = 0; ok && i < e->n_sections; i++)
		if (!e->sections[i].is_peer)
			ok = keep_list(e, &e->sections[i], "Address", next_address, &saved, &last);
	after = s ? &e->after[last.line < e->n_lines ? last.line : s->first] : NULL;
	for (size_t i = 0; ok && s && i < now.n; i++) {
		if (!is_worth_saving(q, &now.list[i]) || has_local(&q->file.interface.addresses, &now.list[i]))
			continue;
		text_add(after, "Address = ");
		address_print(after, &now.list[i]);
		text_char(after, '\n');
		e->changed = true;
		ok = !after->failed;
	}
	addresses_free(&now);
	text_heap_free(&last.text);
	return ok;
}

static bool save_mtu(struct edit *e, const struct quick *q)
{
	char text[16];
	struct text t = text_fixed(text, sizeof text);

	if (!q->file.interface.mtu || !q->host.link.mtu || q->file.interface.mtu == q->host.link.mtu)
		return true;
	text_u64(&t, q->host.link.mtu);
	return set_interface(e, "MTU", text);
}

static void edit_print(const struct edit *e, struct text *out)
{
	for (size_t i = 0; i < e->n_lines; i++) {
		if (!e->drop[i]) {
			text_span(out, e->instead[i] ? span_of(e->instead[i]) : e->lines[i]);
			text_char(out, '\n');
		}
		text_span(out, text_of(&e->after[i]));
	}
	text_span(out, text_of(&e->after[e->n_lines]));
}

static int write_edited(const struct quick *q, const struct edit *e)
{
	struct text out = text_heap();
	struct stat st;
	int r = stat(q->file.path, &st) < 0 ? -errno : 0;

	edit_print(e, &out);
	if (r == 0)
		r = out.failed ? -ENOMEM : fileio_replace(q->file.path, text_of(&out), 0600, &st);
	text_heap_free(&out);
	return r;
}

int quick_save(struct quick *q)
{
	struct edit e = { 0 };
	struct wg_device now = { 0 };
	int r;

	text_f(&q->trace.t, "[#] wg showconf %s\n", q->file.name);
	command_trace_flush(&q->trace);
	r = ipc_get(&q->ipc, &now, q->file.name);
	if (r == 0 && !(edit_begin(&e, (struct span){ q->file.text, q->file.n_text }) &&
			save_addresses(&e, q) && save_mtu(&e, q) && save_interface(&e, q, &now) &&
			save_peers(&e, &now, &q->file.device)))
		r = -ENOMEM;
	if (r == 0 && e.changed)
		r = write_edited(q, &e);
	if (r < 0)
		report_error("%s: cannot be saved: %s", q->file.path, strerror(-r));
	edit_free(&e);
	device_free(&now);
	return r;
}

int command_save(struct quick *q)
{
	int r;

	q->errors_only = true;
	if (!quick_read_file(q))
		return 1;
	r = journal_open(&q->journal, q->file.name);
	if (r == 0)
		r = host_inspect(&q->host, &q->rtnetlink, q->file.name, &q->settings);
	if (r < 0) {
		report_error("%s", strerror(-r));
		return 1;
	}
	q->ifindex = q->host.link.index;
	if (!q->ifindex || !quick_is_wireguard(q, q->file.name)) {
		report_upstream("`%s' is not a WireGuard interface", q->file.name);
		return 1;
	}
	return quick_save(q) < 0;
}
