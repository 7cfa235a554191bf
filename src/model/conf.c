#include "conf.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf_name.h"
#include "conf_words.h"
#include "fields.h"

enum { SQUEEZED_MAX = 512, SECTION_SHOWN = 128 };

struct conf_reader {
	const struct conf_options *o;
	struct diag *d;
	struct wg_device *out;
	enum { BEFORE_SECTIONS, IN_INTERFACE, IN_PEER } section;
	bool any_section; /* IN_PEER, but its line was wrong: keys of both are right in it */
	struct span piece, line;  /* the line is of the piece; whole, comment too */
	const char *hash, *nul;   /* the next in the piece, or its end; looked for when passed */
	bool line_judged, line_is_secret;
	unsigned int line_number;
	struct diag_at section_at; /* of the open section's line; its source lies in section_text */
	char section_text[SECTION_SHOWN];
	struct name_reader names;
	unsigned int errors, keyless; /* keyless: of them, peers without a key */
	bool no_memory, no_text;
	char squeezed[SQUEEZED_MAX]; /* a value that had blanks inside; may hold a secret */
};

static struct wg_peer *open_peer(const struct conf_reader *r)
{
	return r->section == IN_PEER ? &r->out->peers[r->out->n_peers - 1] : NULL;
}

/* ---- reporting ---- */

/* Looked at once, however much is said about the line. */
static bool line_may_be_key(struct conf_reader *r)
{
	if (!r->line_judged)
		r->line_is_secret = text_may_be_key(r->line);
	r->line_judged = true;
	return r->line_is_secret;
}

static struct diag_at place(struct conf_reader *r, struct span where, bool may_show)
{
	struct diag_at at = { .file = r->o->file, .line = r->line_number };

	at.column = (unsigned int)(where.p - r->line.p) + 1;
	at.width = where.n > 0 ? (unsigned int)where.n : 1;
	if (may_show && !line_may_be_key(r))
		at.source = r->line;
	return at;
}

/* Names `what` after the sentence, unless it is the null span or may be a secret. */
static void fail(struct conf_reader *r, struct span where, const char *hint, const char *why,
		 struct span what, bool may_show_line)
{
	struct diag_at at = place(r, where, may_show_line);

	r->errors++;
	if (what.p && !text_may_be_key(what))
		diag_f(r->d, DIAG_ERROR, &at, hint, "%s: `%.*s'", why, (int)what.n, what.p);
	else
		diag_f(r->d, DIAG_ERROR, &at, hint, "%s", why);
}

static void out_of_memory(struct conf_reader *r)
{
	r->no_memory = true;
}

static bool go_on(const struct conf_reader *r)
{
	unsigned int max_errors = r->o->max_errors > 0 ? r->o->max_errors : 1;

	return r->errors < max_errors && !r->no_memory && !r->no_text;
}

/* ---- blanks ---- */

/* The text without its blanks: itself when it has none inside, else a copy. False: too long. */
static bool squeeze(struct conf_reader *r, struct span *out, struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (ascii_is_blank(text.p[i]))
			continue;
		if (n < SQUEEZED_MAX)
			r->squeezed[n] = text.p[i];
		n++;
	}
	*out = n < text.n ? (struct span){ r->squeezed, n } : text;
	return n == text.n || n <= SQUEEZED_MAX;
}

/* The same place in the source: exact, or the start of what was squeezed. */
static struct span in_source(const struct conf_reader *r, struct span raw, struct span part)
{
	bool direct = part.p && part.p != r->squeezed && part.p >= raw.p && part.p <= raw.p + raw.n;

	return direct && part.n > 0 ? part : raw;
}

/* ---- lines that are not understood ---- */

static const struct field *find_field(const struct conf_reader *r, struct span key)
{
	const struct field *f = field_find(SYNTAX_CONF, key, r->section == IN_PEER);

	return f || !r->any_section ? f : field_find(SYNTAX_CONF, key, false);
}

static bool in_peer(const struct conf_reader *r, struct span code)
{
	const struct field *f;

	if (!r->any_section)
		return r->section == IN_PEER;
	f = find_field(r, span_sub(code, 0, span_find(code, '=')));
	return f && f->of_peer;
}

static void explain(struct conf_reader *r, struct conf_wrong *w, char *buffer, size_t size)
{
	struct wg_peer *peer = open_peer(r);

	conf_explain(w, buffer, size);
	if (peer && w->may_be_public_key)
		peer->flags |= WG_PEER_HAS_PUBLIC_KEY; /* reported, so not missing, too */
}

static void unrecognized(struct conf_reader *r, struct span code)
{
	struct conf_wrong w = { .text = code, .in_peer = in_peer(r, code),
				.in_section = r->section != BEFORE_SECTIONS,
				.takes_quick_keys = r->o->extra != NULL };
	char shown[SQUEEZED_MAX];

	explain(r, &w, shown, sizeof shown);
	fail(r, span_trim(code), w.hint, "Line unrecognized", w.shown, w.shows_all);
	mem_wipe(shown, sizeof shown);
}

/* ---- settings ---- */

static void refused_value(struct conf_reader *r, const struct field *f, struct span raw,
			  const struct field_value *v)
{
	static const struct span nothing;
	bool secret = f->kind->secret;
	const char *hint = NULL;

	if (!v->why) {
		out_of_memory(r);
		return;
	}
	if (f == &fields[FIELD_PUBLIC_KEY] || secret)
		hint = "a key is 44 characters of base64, of which the last is '='";
	fail(r, in_source(r, raw, v->culprit), hint, v->why, secret ? nothing : v->culprit,
	     !secret);
}

/* Few values have blanks inside, so they are taken out of those only that are refused. */
static bool read_value(struct conf_reader *r, void *object, const struct field *f, struct span raw,
		       struct field_value *v)
{
	*v = (struct field_value){ .text = raw, .syntax = SYNTAX_CONF, .scopes = r->o->scopes,
				   .service = r->o->service };
	if (field_read(object, f, v))
		return true;
	if (!squeeze(r, &v->text, raw)) {
		fail(r, raw, NULL, "Value is too long", (struct span){ NULL, 0 }, false);
		return false;
	}
	if (v->text.p != raw.p && field_read(object, f, v))
		return true;
	refused_value(r, f, raw, v);
	return false;
}

/* The last line decides whether the list replaces what the device has. */
static void read_allowedips(struct conf_reader *r, const struct field *f, struct span value)
{
	struct wg_peer *peer = open_peer(r);
	bool incremental = false;
	struct span rest = value, raw;
	struct field_value v;

	while (go_on(r) && span_next(&raw, &rest, ',')) {
		raw = span_trim(raw);
		if (!read_value(r, peer, f, raw, &v))
			continue;
		incremental |= v.incremental;
		if (v.host_bits) {
			struct diag_at at = place(r, raw, true);
			struct span shown = span_sub(v.text, v.incremental ? 1 : 0, v.text.n);
			diag_f(r->d, DIAG_WARNING, &at, NULL,
			       "AllowedIP has nonzero host part: %.*s", (int)shown.n, shown.p);
		}
	}
	if (incremental)
		peer->flags &= ~(uint32_t)WG_PEER_REPLACE_ALLOWEDIPS;
	else
		peer->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
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
	else if (!read_value(r, object, f, value, &v) && f == &fields[FIELD_PUBLIC_KEY])
		open_peer(r)->flags |= WG_PEER_HAS_PUBLIC_KEY; /* reported, so not missing, too */
}

/* True when the caller's extra took the line, or refused it. */
static bool offer_extra(struct conf_reader *r, struct span code, size_t equals)
{
	struct conf_extra x = { .line_text = r->line, .line = r->line_number };
	unsigned int errors = r->d->errors;
	bool taken;

	if (!r->o->extra || r->section == BEFORE_SECTIONS || equals == code.n)
		return false;
	x.key = span_trim(span_sub(code, 0, equals));
	if (conf_is_hook_key(x.key))
		code = span_sub(r->line, (size_t)(code.p - r->line.p), r->line.n);
	x.value = span_trim(span_sub(code, equals + 1, code.n));
	x.column = (unsigned int)(x.value.p - r->line.p) + 1;
	taken = r->o->extra(r->o->ctx, &x,
			    in_peer(r, code) ? (int)r->out->n_peers - 1 : -1, r->d);
	r->errors += r->d->errors - errors;
	return taken || r->d->errors != errors;
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
	r->keyless++;
	diag_f(r->d, DIAG_ERROR, &r->section_at, NULL, "A peer is missing a public key");
}

/* The line may be gone when something is to be said about its section. */
static void remember_section(struct conf_reader *r, struct span code)
{
	r->section_at = place(r, code, false);
	if (r->line.n > sizeof r->section_text)
		return;
	memcpy(r->section_text, r->line.p, r->line.n);
	r->section_at.source = (struct span){ r->section_text, r->line.n };
}

/* One that is forgotten leaves its room to the next. */
static struct wg_peer *next_peer(struct conf_reader *r)
{
	struct wg_peer *last, room = { 0 };

	if (!r->o->discard_peers || r->out->n_peers == 0)
		return device_add_peer(r->out);
	last = &r->out->peers[r->out->n_peers - 1];
	room.allowedips = last->allowedips;
	room.cap_allowedips = last->cap_allowedips;
	last->allowedips = NULL;
	peer_free(last);
	*last = room;
	return last;
}

static void open_section(struct conf_reader *r, struct span code, bool is_peer)
{
	struct wg_peer *peer = NULL;

	close_section(r);
	r->section = IN_INTERFACE;
	r->any_section = false;
	remember_section(r, code);
	if (is_peer) {
		peer = next_peer(r);
		if (!peer) {
			out_of_memory(r);
			return;
		}
		peer->flags = WG_PEER_REPLACE_ALLOWEDIPS;
		peer->line = r->line_number;
		r->section = IN_PEER;
	}
	if (!r->o->no_names && !name_section(&r->names, peer))
		out_of_memory(r);
}

/* Of one whose line is wrong no key is out of place, and none is missing. */
static void open_section_of_any(struct conf_reader *r, struct span code)
{
	open_section(r, code, true);
	if (r->section != IN_PEER)
		return;
	r->any_section = true;
	open_peer(r)->flags |= WG_PEER_HAS_PUBLIC_KEY;
}

/* ---- lines ---- */

/* Where in the line the first c is, or its length. One look for a piece that has none. */
static size_t find_mark(const char **mark, const struct conf_reader *r, char c)
{
	struct span rest = { r->line.p, (size_t)(r->piece.p + r->piece.n - r->line.p) };

	if (!*mark || *mark < rest.p)
		*mark = rest.p + span_find(rest, c);
	return (size_t)(*mark - rest.p) < r->line.n ? (size_t)(*mark - rest.p) : r->line.n;
}

/* The length of the byte order mark that the file begins with and should not. */
static size_t refuse_mark(struct conf_reader *r)
{
	bool utf8 = span_starts(r->line, "\xef\xbb\xbf");

	if (!utf8 && !span_starts(r->line, "\xff\xfe") && !span_starts(r->line, "\xfe\xff"))
		return 0;
	fail(r, span_sub(r->line, 0, 1), "save the file as plain UTF-8 without BOM",
	     "The file begins with a byte order mark", (struct span){ NULL, 0 }, false);
	r->no_text = !utf8;
	return 3;
}

/* A section that is misspelt begins one all the same. */
static void after_wrong_line(struct conf_reader *r, struct span code)
{
	bool is_section = code.n > 0 && span_find(code, '=') == code.n &&
			  (code.p[0] == '[' || code.p[code.n - 1] == ']');

	if (is_section && go_on(r))
		open_section_of_any(r, code);
}

static void refuse_nul(struct conf_reader *r, struct span code, size_t nul)
{
	struct conf_wrong w = { .text = code };
	char shown[SQUEEZED_MAX];

	explain(r, &w, shown, sizeof shown);
	mem_wipe(shown, sizeof shown);
	fail(r, span_sub(r->line, nul, 1), "save the file as plain text",
	     "The line holds a NUL byte", (struct span){ NULL, 0 }, false);
	after_wrong_line(r, code);
}

/* True when the line is for wg-quick(8) only. */
static bool read_code(struct conf_reader *r, struct span code)
{
	size_t equals = span_find(code, '=');
	const struct field *f = NULL;
	bool is_peer;

	if (code.p[0] == '[') {
		is_peer = conf_is_section(code, "[Peer]");
		if (is_peer || conf_is_section(code, "[Interface]")) {
			open_section(r, code, is_peer);
			return false;
		}
	}
	name_other_line(&r->names);
	if (equals < code.n && r->section != BEFORE_SECTIONS)
		f = find_field(r, span_sub(code, 0, equals));
	if (f)
		read_setting(r, f, code, equals);
	else if (offer_extra(r, code, equals))
		return true;
	else {
		unrecognized(r, code);
		after_wrong_line(r, code);
	}
	return false;
}

static void read_line(struct conf_reader *r)
{
	size_t hash = find_mark(&r->hash, r, '#'), nul = find_mark(&r->nul, r, '\0');
	size_t mark = r->line_number == 1 ? refuse_mark(r) : 0;
	struct span code = span_trim(span_sub(r->line, mark, hash < mark ? 0 : hash - mark));
	bool taken = false;

	if (!go_on(r))
		return;
	if (nul < r->line.n) {
		refuse_nul(r, code, nul);
		return;
	}
	if (code.n > 0)
		taken = read_code(r, code);
	else if (hash == r->line.n)
		name_other_line(&r->names);
	else if (!r->o->no_names && !name_comment(&r->names, open_peer(r), r->line))
		out_of_memory(r);
	if (!taken && r->o->emit_line)
		r->o->emit_line(r->o->ctx, r->line);
}

static void read_lines(struct conf_reader *r, struct span piece)
{
	r->piece = piece;
	r->hash = r->nul = NULL;
	while (go_on(r) && span_next(&r->line, &piece, '\n')) {
		if (r->line.n == 0 && !piece.p)
			break; /* what follows the last newline is no line */
		r->line_number++;
		r->line_judged = false;
		read_line(r);
	}
}

int conf_read_chunks(struct wg_device *out, const struct conf_source *source,
		     const struct conf_options *o, struct diag *d)
{
	struct conf_reader r = { .o = o, .d = d, .out = out };
	struct span piece;
	int err = 0;

	memset(out, 0, sizeof *out);
	while (go_on(&r) && source->next(source->ctx, &piece))
		read_lines(&r, piece);
	if (go_on(&r))
		close_section(&r);
	if (r.no_memory)
		err = -ENOMEM;
	else if (r.errors > 0)
		err = r.errors == r.keyless ? -ENOKEY : -EINVAL;
	mem_wipe(r.squeezed, sizeof r.squeezed);
	if (err)
		device_free(out);
	return err;
}

/* The whole text is one piece. */
static bool next_of_whole(void *ctx, struct span *piece)
{
	struct span *whole = ctx;

	*piece = *whole;
	*whole = (struct span){ NULL, 0 };
	return piece->p != NULL;
}

int conf_read(struct wg_device *out, struct span text, const struct conf_options *o, struct diag *d)
{
	struct conf_source source = { next_of_whole, &text };

	return conf_read_chunks(out, &source, o, d);
}

struct span conf_without_comment(struct span line)
{
	return span_sub(line, 0, span_find(line, '#'));
}

bool conf_is_empty(struct span text)
{
	struct span rest = text, line;

	while (span_next(&line, &rest, '\n'))
		if (span_trim(conf_without_comment(line)).n > 0)
			return false;
	return true;
}
