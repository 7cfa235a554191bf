/* The reader of tunnel files. */
#include "conf.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/vector.h"
#include "conf_name.h"
#include "conf_secrets.h"
#include "conf_unrecognized.h"
#include "fields.h"

enum { COMPACT_MAX = 512, SECTION_SHOWN = 128 };

struct conf_reader {
	const struct conf_options *o;
	struct diag *d;
	struct wg_device *out;
	enum { BEFORE_SECTIONS, IN_INTERFACE, IN_PEER } section;
	bool any_section; /* IN_PEER, but the section line was invalid: keys of both sections are accepted */
	struct span chunk, line;  /* the complete line, in the chunk */
	const char *hash, *nul;   /* the next '#' and NUL in the chunk, or its end */
	bool line_checked, line_is_secret;
	unsigned int line_number;
	struct diag_at section_at; /* of the current section's line; its source is in section_text */
	char section_text[SECTION_SHOWN];
	struct name_reader names;
	struct conf_secrets secrets;
	unsigned int errors, missing_keys; /* missing_keys: of the errors, peers without a public key */
	bool no_memory, is_binary;
	char compact[COMPACT_MAX]; /* a value without the blanks inside it; may hold a secret */
};

static struct wg_peer *open_peer(const struct conf_reader *r)
{
	return r->section == IN_PEER ? &r->out->peers[r->out->n_peers - 1] : NULL;
}

/* ---- reporting ---- */

/* Checked once per line, however many errors it has. */
static bool line_may_be_key(struct conf_reader *r)
{
	if (!r->line_checked)
		r->line_is_secret = text_may_be_key(r->line);
	r->line_checked = true;
	return r->line_is_secret;
}

static struct diag_at position(struct conf_reader *r, struct span at_text, bool may_show)
{
	struct diag_at at = { .file = r->o->file, .line = r->line_number };

	at.column = (unsigned int)(at_text.p - r->line.p) + 1;
	at.width = at_text.n > 0 ? (unsigned int)at_text.n : 1;
	if (may_show && !line_may_be_key(r))
		at.source = r->line;
	return at;
}

/* Appends `shown` to the message, unless it is the null span or may be a secret. */
static void fail(struct conf_reader *r, struct span at_text, const char *id, const char *help, const char *message,
		 struct span shown, bool may_show_line)
{
	struct diag_at at = position(r, at_text, may_show_line);

	at.id = id;
	r->errors++;
	if (shown.p && !text_may_be_key(shown))
		diag_f(r->d, DIAG_ERROR, &at, help, "%s: `%.*s'", message, (int)shown.n, shown.p);
	else
		diag_f(r->d, DIAG_ERROR, &at, help, "%s", message);
}

static void out_of_memory(struct conf_reader *r)
{
	r->no_memory = true;
}

static bool may_continue(const struct conf_reader *r)
{
	unsigned int max_errors = r->o->max_errors > 0 ? r->o->max_errors : 1;

	return r->errors < max_errors && !r->no_memory && !r->is_binary;
}

/* ---- blanks ---- */

/* *out is the text without blanks: the text itself if it has none, else a copy. False: too long. */
static bool remove_blanks(struct conf_reader *r, struct span *out, struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (ascii_is_blank(text.p[i]))
			continue;
		if (n < COMPACT_MAX)
			r->compact[n] = text.p[i];
		n++;
	}
	*out = n < text.n ? (struct span){ r->compact, n } : text;
	return n == text.n || n <= COMPACT_MAX;
}

/* The part's position in the source, or the whole value if blanks were removed. */
static struct span in_source(const struct conf_reader *r, struct span raw, struct span part)
{
	bool direct = part.p && part.p != r->compact && part.p >= raw.p && part.p <= raw.p + raw.n;

	return direct && part.n > 0 ? part : raw;
}

/* ---- unrecognized lines ---- */

static const struct field *find_field(const struct conf_reader *r, struct span key)
{
	const struct field *f = field_find(SYNTAX_CONF, key, r->section == IN_PEER);

	return f || !r->any_section ? f : field_find(SYNTAX_CONF, key, false);
}

static bool in_peer(const struct conf_reader *r, struct span code)
{
	struct span key = span_sub(code, 0, span_find(code, '='));
	const struct field *f;

	if (!r->any_section)
		return r->section == IN_PEER;
	f = find_field(r, key);
	return f ? f->of_peer : conf_is_quick_key(span_trim(key), true);
}

static void explain(struct conf_reader *r, struct conf_unrecognized *w, char *buffer, size_t size)
{
	struct wg_peer *peer = open_peer(r);

	conf_unrecognized_explain(w, buffer, size);
	if (peer && w->may_be_public_key)
		peer->flags |= WG_PEER_HAS_PUBLIC_KEY; /* one error is enough: it is not reported as missing as well */
}

static void unrecognized(struct conf_reader *r, struct span code)
{
	struct conf_unrecognized w = { .text = code, .in_peer = in_peer(r, code),
				.in_section = r->section != BEFORE_SECTIONS,
				.accepts_quick_keys = r->o->extra != NULL };
	char shown[COMPACT_MAX];

	explain(r, &w, shown, sizeof shown);
	fail(r, span_trim(code), w.id, w.help, "Line unrecognized", w.shown, w.shows_all);
	mem_wipe(shown, sizeof shown);
}

/* ---- settings ---- */

/* The finding for an invalid value. */
static const char *finding_of(const struct field *f, struct span value)
{
	struct ip_addr a;

	switch ((enum field_id)(f - fields)) {
	case FIELD_PRIVATE_KEY:
	case FIELD_PUBLIC_KEY:
	case FIELD_PSK: return "bad-key";
	case FIELD_LISTEN_PORT: return "bad-port";
	case FIELD_FWMARK: return "bad-fwmark";
	case FIELD_ENDPOINT: return "bad-endpoint";
	case FIELD_KEEPALIVE: return "bad-keepalive";
	case FIELD_ALLOWEDIP:
		return ip_parse(&a, span_sub(value, 0, span_find(value, '/'))) ? "allowed-ips-range" : "bad-address";
	case FIELDS: break;
	}
	unreachable();
}

static void report_value(struct conf_reader *r, const struct field *f, struct span raw,
			  const struct field_value *v)
{
	static const struct span nothing;
	bool secret = f->kind->secret;
	const char *help = NULL;

	if (!v->message) {
		out_of_memory(r);
		return;
	}
	if (f == &fields[FIELD_PUBLIC_KEY] || secret)
		help = "a key has 44 base64 characters, the last of which is '='";
	fail(r, in_source(r, raw, v->offending), finding_of(f, v->text), help, v->message, secret ? nothing : v->offending,
	     !secret);
}

static void pass_value(const struct conf_reader *r, const struct field *f, struct span raw)
{
	struct conf_value v = { .setting = (unsigned int)(f - fields), .device = r->out, .text = raw, .line_text = r->line,
				.line = r->line_number, .column = (unsigned int)(raw.p - r->line.p) + 1 };

	if (r->o->value)
		r->o->value(r->o->ctx, &v);
}

/* Blanks inside a value are rare: they are removed only if the value is invalid with them. */
static bool read_value(struct conf_reader *r, void *object, const struct field *f, struct span raw,
		       struct field_value *v)
{
	*v = (struct field_value){ .text = raw, .syntax = SYNTAX_CONF, .scopes = r->o->scopes,
				   .service = r->o->service };
	if (field_read(object, f, v)) {
		pass_value(r, f, raw);
		return true;
	}
	if (!remove_blanks(r, &v->text, raw)) {
		fail(r, raw, "value-too-long", NULL, "the value is too long", (struct span){ NULL, 0 }, false);
		return false;
	}
	if (v->text.p != raw.p && field_read(object, f, v)) {
		pass_value(r, f, raw);
		return true;
	}
	report_value(r, f, raw, v);
	return false;
}

/* The last AllowedIPs line determines whether the list replaces the device's. */
static void read_allowedips(struct conf_reader *r, const struct field *f, struct span value)
{
	struct wg_peer *peer = open_peer(r);
	bool incremental = false;
	struct span rest = value, raw;
	struct field_value v;

	while (may_continue(r) && span_next(&raw, &rest, ',')) {
		raw = span_trim(raw);
		if (!read_value(r, peer, f, raw, &v))
			continue;
		incremental |= v.incremental;
		if (v.host_bits) {
			struct diag_at at = position(r, raw, true);
			struct span shown = span_sub(v.text, v.incremental ? 1 : 0, v.text.n);
			at.id = "host-bits";
			diag_f(r->d, DIAG_WARNING, &at, NULL,
			       "AllowedIP has nonzero host part: %.*s", (int)shown.n, shown.p);
		}
	}
	if (incremental)
		peer->flags &= ~(uint32_t)WG_PEER_REPLACE_ALLOWEDIPS;
	else
		peer->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
}

static bool add_endpoint(struct conf_reader *r, const struct field *f, struct span raw, struct text *list)
{
	struct wg_peer *peer = open_peer(r);
	struct field_value v;

	if (!read_value(r, peer, f, raw, &v))
		return false;
	text_f(list, "%s%.*s", list->n > 0 ? "," : "", (int)v.text.n, v.text.p);
	return true;
}

/* Each endpoint is read as if it were the only one, so that its errors are the same. */
static void read_endpoints(struct conf_reader *r, const struct field *f, struct span value)
{
	struct wg_peer *peer = open_peer(r);
	struct text list = text_heap();
	struct span rest = value, raw;
	size_t first = span_trim(span_sub(value, 0, span_find(value, ','))).n, n = 0;
	bool ok = true;

	while (ok && span_next(&raw, &rest, ',')) {
		ok = ++n <= ENDPOINTS_MAX;
		if (ok)
			ok = add_endpoint(r, f, span_trim(raw), &list);
		else
			fail(r, raw, "bad-endpoint", NULL, "a peer has at most 16 endpoints", (struct span){ NULL, 0 }, false);
	}
	if (ok && !list.failed) {
		free(peer->host);
		peer->host = span_dup(text_of(&list));
		peer->flags = (peer->flags & ~(uint32_t)WG_PEER_HAS_ENDPOINT) | WG_PEER_HAS_HOST;
		r->o->endpoint_list(r->o->ctx, span_sub(value, first, value.n));
	}
	if (ok && (list.failed || !peer->host))
		out_of_memory(r);
	text_heap_free(&list);
}

static void note_secret(struct conf_reader *r, struct span key, struct span value)
{
	const char *message = conf_secrets_note(&r->secrets, span_trim(key), value, conf_origin_line(r->o->origins, r->line_number));

	if (message)
		fail(r, span_trim(key), "key-given-twice", "remove one of the two lines", message, (struct span){ NULL, 0 }, false);
}

static void read_setting(struct conf_reader *r, const struct field *f, struct span code,
			 size_t equals)
{
	struct span value = span_trim(span_sub(code, equals + 1, code.n));
	struct field_value v;
	void *object = f->of_peer ? (void *)open_peer(r) : r->out;

	if (value.n == 0)
		unrecognized(r, code);
	else if (f == &fields[FIELD_ALLOWEDIP])
		read_allowedips(r, f, value);
	else if (f == &fields[FIELD_ENDPOINT] && r->o->endpoint_list && span_find(value, ',') < value.n)
		read_endpoints(r, f, value);
	else if (read_value(r, object, f, value, &v)) {
		if (f->kind->secret)
			note_secret(r, span_sub(code, 0, equals), value);
	} else if (f == &fields[FIELD_PUBLIC_KEY])
		open_peer(r)->flags |= WG_PEER_HAS_PUBLIC_KEY; /* one error is enough: it is not reported as missing as well */
}

/* PrivateKey = @NAME */
static bool names_other_place(const struct conf_reader *r, struct span code, size_t equals)
{
	return r->o->extra && span_starts(span_trim(span_sub(code, equals + 1, code.n)), "@");
}

/* True if the caller knows the key, or reported an error. */
static bool offer_extra(struct conf_reader *r, struct span code, size_t equals)
{
	struct conf_extra x = { .line_text = r->line, .line = r->line_number };
	unsigned int errors = r->d->errors;
	bool accepted;

	if (!r->o->extra || r->section == BEFORE_SECTIONS || equals == code.n)
		return false;
	x.key = span_trim(span_sub(code, 0, equals));
	if (conf_is_hook_key(x.key))
		code = span_sub(r->line, (size_t)(code.p - r->line.p), r->line.n);
	x.value = span_trim(span_sub(code, equals + 1, code.n));
	x.column = (unsigned int)(x.value.p - r->line.p) + 1;
	accepted = r->o->extra(r->o->ctx, &x,
			    in_peer(r, code) ? (int)r->out->n_peers - 1 : -1, r->d);
	r->errors += r->d->errors - errors;
	if (accepted && r->d->errors == errors)
		note_secret(r, x.key, x.value);
	return accepted || r->d->errors != errors;
}

/* ---- sections ---- */

static void close_section(struct conf_reader *r)
{
	struct wg_peer *peer = open_peer(r);

	if (!peer || (peer->flags & WG_PEER_HAS_PUBLIC_KEY))
		return;
	if (text_may_be_key(r->section_at.source))
		r->section_at.source = (struct span){ NULL, 0 };
	r->errors++;
	r->missing_keys++;
	r->section_at.id = "missing-public-key";
	diag_f(r->d, DIAG_ERROR, &r->section_at, NULL, "A peer is missing a public key");
}

/* Copies the line, whose chunk may be gone when an error of the section is reported. */
static void save_section_line(struct conf_reader *r, struct span code)
{
	r->section_at = position(r, code, false);
	if (r->line.n > sizeof r->section_text)
		return;
	memcpy(r->section_text, r->line.p, r->line.n);
	r->section_at.source = (struct span){ r->section_text, r->line.n };
}

/* A discarded peer leaves its memory to the next one. */
static struct wg_peer *next_peer(struct conf_reader *r)
{
	struct wg_peer *last, next = { 0 };

	if (!r->o->discard_peers || r->out->n_peers == 0)
		return device_add_peer(r->out);
	last = &r->out->peers[r->out->n_peers - 1];
	next.allowedips = last->allowedips;
	next.cap_allowedips = last->cap_allowedips;
	last->allowedips = NULL;
	peer_free(last);
	*last = next;
	return last;
}

static void open_section(struct conf_reader *r, struct span code, bool is_peer)
{
	struct wg_peer *peer = NULL;

	close_section(r);
	r->section = IN_INTERFACE;
	r->any_section = false;
	save_section_line(r, code);
	if (r->o->section)
		r->o->section(r->o->ctx, &r->section_at, is_peer);
	if (is_peer) {
		peer = next_peer(r);
		if (!peer) {
			out_of_memory(r);
			return;
		}
		r->secrets.psk.line = 0;
		peer->flags = WG_PEER_REPLACE_ALLOWEDIPS;
		peer->line = r->line_number;
		r->section = IN_PEER;
	}
	if (!r->o->no_names && !name_section(&r->names, peer))
		out_of_memory(r);
}

/* After an invalid section line, keys of either section are accepted, and none is missing. */
static void open_unknown_section(struct conf_reader *r, struct span code)
{
	open_section(r, code, true);
	if (r->section != IN_PEER)
		return;
	r->any_section = true;
	open_peer(r)->flags |= WG_PEER_HAS_PUBLIC_KEY;
}

/* ---- lines ---- */

/* The offset of the first c in the line, or the line's length. *next caches the position, so that a chunk without a c is
 * searched once. */
static size_t find_next(const char **next, const struct conf_reader *r, char c)
{
	struct span rest = { r->line.p, (size_t)(r->chunk.p + r->chunk.n - r->line.p) };

	if (!*next || *next < rest.p)
		*next = rest.p + span_find(rest, c);
	return (size_t)(*next - rest.p) < r->line.n ? (size_t)(*next - rest.p) : r->line.n;
}

/* Reports a byte order mark at the start of the file, and returns its length. */
static size_t report_bom(struct conf_reader *r)
{
	bool utf8 = span_starts(r->line, "\xef\xbb\xbf");

	if (!utf8 && !span_starts(r->line, "\xff\xfe") && !span_starts(r->line, "\xfe\xff"))
		return 0;
	fail(r, span_sub(r->line, 0, 1), "bom", "save the file as UTF-8 without a byte order mark",
	     "the file begins with a byte order mark", (struct span){ NULL, 0 }, false);
	r->is_binary = !utf8;
	return 3;
}

/* A misspelt section line begins a section nevertheless. */
static void after_invalid_line(struct conf_reader *r, struct span code)
{
	bool is_section = code.n > 0 && span_find(code, '=') == code.n &&
			  (code.p[0] == '[' || code.p[code.n - 1] == ']');

	if (is_section && may_continue(r))
		open_unknown_section(r, code);
}

static void report_nul(struct conf_reader *r, struct span code, size_t nul)
{
	struct conf_unrecognized w = { .text = code };
	char shown[COMPACT_MAX];

	explain(r, &w, shown, sizeof shown);
	mem_wipe(shown, sizeof shown);
	fail(r, span_sub(r->line, nul, 1), "nul-byte", "save the file as text in UTF-8",
	     "the line contains a NUL byte", (struct span){ NULL, 0 }, false);
	after_invalid_line(r, code);
}

/* True if the caller accepted the line. */
static bool read_code(struct conf_reader *r, struct span code)
{
	size_t equals = span_find(code, '=');
	const struct field *f = NULL;
	bool is_peer;

	if (code.p[0] == '[') {
		is_peer = span_is_spaced(code, "[Peer]");
		if (is_peer || span_is_spaced(code, "[Interface]")) {
			open_section(r, code, is_peer);
			return false;
		}
	}
	name_other_line(&r->names);
	if (equals < code.n && r->section != BEFORE_SECTIONS)
		f = find_field(r, span_sub(code, 0, equals));
	if (f && f->kind->secret && names_other_place(r, code, equals))
		f = NULL;
	if (f)
		read_setting(r, f, code, equals);
	else if (offer_extra(r, code, equals))
		return true;
	else {
		unrecognized(r, code);
		after_invalid_line(r, code);
	}
	return false;
}

static void read_line(struct conf_reader *r)
{
	size_t hash = find_next(&r->hash, r, '#'), nul = find_next(&r->nul, r, '\0');
	size_t bom = r->line_number == 1 ? report_bom(r) : 0;
	struct span code = span_trim(span_sub(r->line, bom, hash < bom ? 0 : hash - bom));
	bool accepted = false;

	if (!may_continue(r))
		return;
	if (nul < r->line.n) {
		report_nul(r, code, nul);
		return;
	}
	if (code.n > 0)
		accepted = read_code(r, code);
	else if (hash == r->line.n)
		name_other_line(&r->names);
	else if (!r->o->no_names && !name_comment(&r->names, open_peer(r), r->line))
		out_of_memory(r);
	if (!accepted && r->o->emit_line)
		r->o->emit_line(r->o->ctx, r->line);
}

static void read_lines(struct conf_reader *r, struct span chunk)
{
	r->chunk = chunk;
	r->hash = r->nul = NULL;
	while (may_continue(r) && span_next(&r->line, &chunk, '\n')) {
		if (r->line.n == 0 && !chunk.p)
			break; /* there is no line after the last newline */
		r->line_number++;
		r->line_checked = false;
		read_line(r);
	}
}

int conf_read_chunks(struct wg_device *out, const struct conf_source *source,
		     const struct conf_options *o, struct diag *d)
{
	struct conf_reader r = { .o = o, .d = d, .out = out };
	struct span chunk;
	int err = 0;

	memset(out, 0, sizeof *out);
	while (may_continue(&r) && source->next(source->ctx, &chunk))
		read_lines(&r, chunk);
	if (may_continue(&r))
		close_section(&r);
	if (r.no_memory)
		err = -ENOMEM;
	else if (r.errors > 0)
		err = r.errors == r.missing_keys ? -ENOKEY : -EINVAL;
	mem_wipe(r.compact, sizeof r.compact);
	if (err)
		device_free(out);
	return err;
}

/* The text as a single chunk. */
static bool next_chunk(void *ctx, struct span *chunk)
{
	struct span *text = ctx;

	*chunk = *text;
	*text = (struct span){ NULL, 0 };
	return chunk->p != NULL;
}

int conf_read(struct wg_device *out, struct span text, const struct conf_options *o, struct diag *d)
{
	struct conf_source source = { next_chunk, &text };

	return conf_read_chunks(out, &source, o, d);
}
