/* The contents of /etc/resolv.conf as the file back-end writes it:
 *
 *	# Made by wg-quick(8) for wg1; the original contents are restored by wg-quick down.
 *	nameserver 10.7.1.53
 *	#wg-quick: 3120…
 *
 * The last lines hold a text in hexadecimal digits, so that no program that searches the file finds its former contents:
 *
 *	1 CHECKSUM
 *	up wg0@1 7 3f2a91bc 4711 nameserver 10.7.0.53 search corp.example
 *	up wg1@1 8 3f2a91bc 4711 nameserver 10.7.1.53
 *	original file
 *	nameserver 192.0.2.1 */
#include "resolv_conf.h"

#include <stdlib.h>

/* Earlier versions wrote the first line with another text after the semicolon, the earliest ones nothing else of the mark. */
static const char first_line[] = "# Made by wg-quick(8) for ";
static const char state_line[] = "#wg-quick: ";
static const char version[] = "1";

enum { STATE_BYTES_PER_LINE = 40, EDITED_BYTES_MAX = 65536 };

void resolv_conf_free(struct resolv_conf *rc)
{
	for (size_t i = 0; i < rc->n; i++)
		dns_config_free(&rc->tunnels[i].dns);
	free(rc->tunnels);
	free(rc->target);
	free(rc->original.p);
	*rc = (struct resolv_conf){ 0 };
}

struct span resolv_conf_tunnel_name(const struct resolv_conf_tunnel *tunnel)
{
	struct span id = span_of(tunnel->id);

	return span_sub(id, 0, span_find_last(id, '@'));
}

static bool is_mark(struct span line)
{
	return span_starts(line, first_line) || span_starts(line, state_line);
}

/* FNV-1a */
static uint32_t checksum(struct span s)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < s.n; i++)
		sum = (sum ^ (uint8_t)s.p[i]) * 16777619u;
	return sum;
}

/* ---- printing ---- */

void resolv_conf_print_servers(struct text *t, const struct dns_config *d)
{
	for (size_t i = 0; i < d->servers.n; i++)
		text_f(t, "nameserver %s\n", d->servers.list[i]);
	if (d->domains.n == 0)
		return;
	text_add(t, "search");
	for (size_t i = 0; i < d->domains.n; i++)
		text_f(t, " %s", d->domains.list[i] + (d->domains.list[i][0] == '~'));
	text_char(t, '\n');
}

/* Of what was there before, the options stay, and the name servers where the tunnel sets only search domains. */
static void print_settings(struct text *t, const struct dns_config *d, struct span before)
{
	struct span line;

	resolv_conf_print_servers(t, d);
	while (span_next(&line, &before, '\n')) {
		struct span word = span_trim(line);
		bool server = span_starts(word, "nameserver");
		if ((server && d->servers.n == 0) || span_starts(word, "options")) {
			text_span(t, word);
			text_char(t, '\n');
		}
	}
}

static void print_words(struct text *t, const char *key, const struct string_list *words)
{
	for (size_t i = 0; i < words->n; i++)
		text_f(t, " %s %s", key, words->list[i]);
}

static void print_tunnel(struct text *t, const struct resolv_conf_tunnel *tunnel)
{
	text_f(t, "up %s %u %s %s", tunnel->id, tunnel->index, tunnel->boot, tunnel->init);
	print_words(t, "nameserver", &tunnel->dns.servers);
	print_words(t, "search", &tunnel->dns.domains);
	text_char(t, '\n');
}

static void print_original(struct text *t, const struct resolv_conf *rc)
{
	switch (rc->kind) {
	case RESOLV_CONF_FILE: text_add(t, "original file\n"); break;
	case RESOLV_CONF_NONE: text_add(t, "original none\n"); break;
	case RESOLV_CONF_LINK: text_f(t, "original link %s\n", rc->target); break;
	}
	text_span(t, text_of(&rc->original));
}

static void print_hexadecimal(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (i % STATE_BYTES_PER_LINE == 0)
			text_add(t, state_line);
		text_f(t, "%02x", (unsigned int)(uint8_t)s.p[i]);
		if (i % STATE_BYTES_PER_LINE == STATE_BYTES_PER_LINE - 1 || i == s.n - 1)
			text_char(t, '\n');
	}
}

/* The tunnel at this position: those of rc but one, then `top`. Null: there are no more. */
static const struct resolv_conf_tunnel *tunnel_at(const struct resolv_conf *rc, const char *without,
						  const struct resolv_conf_tunnel *top, size_t position)
{
	for (size_t i = 0; i < rc->n; i++)
		if (!(without && strcmp(rc->tunnels[i].id, without) == 0) && position-- == 0)
			return &rc->tunnels[i];
	return position == 0 ? top : NULL;
}

void resolv_conf_print(struct text *t, const struct resolv_conf *rc, const char *without,
		       const struct resolv_conf_tunnel *top)
{
	struct text state = text_heap(), all = text_heap(), below = text_heap(), body = text_heap();
	const struct resolv_conf_tunnel *tunnel, *last = NULL;

	text_span(&body, text_of(&rc->original));
	for (size_t i = 0; (tunnel = tunnel_at(rc, without, top, i)); i++) {
		below.n = 0;
		text_span(&below, text_of(&body));
		body.n = 0;
		print_settings(&body, &tunnel->dns, text_of(&below));
		print_tunnel(&state, tunnel);
		last = tunnel;
	}
	if (last) {
		struct span name = resolv_conf_tunnel_name(last);
		text_f(t, "%s%.*s; the original contents are restored by wg-quick down.\n", first_line, (int)name.n, name.p);
		print_original(&state, rc);
		text_f(&all, "%s %u\n", version, checksum(text_of(&state)));
		text_span(&all, text_of(&state));
	}
	text_span(t, text_of(&body));
	print_hexadecimal(t, text_of(&all));
	t->failed |= state.failed || all.failed || below.failed || body.failed;
	text_heap_free(&state);
	text_heap_free(&all);
	text_heap_free(&below);
	text_heap_free(&body);
}

/* ---- parsing ---- */

static struct resolv_conf_tunnel *add_tunnel(struct resolv_conf *rc)
{
	struct resolv_conf_tunnel *tunnel;

	if (!vector_reserve(&rc->tunnels, &rc->cap, rc->n + 1, sizeof *rc->tunnels))
		return NULL;
	tunnel = &rc->tunnels[rc->n++];
	*tunnel = (struct resolv_conf_tunnel){ .boot = "-", .init = "-" };
	return tunnel;
}

static bool copy_word(char *out, size_t size, struct span *rest)
{
	struct text t = text_fixed(out, size);
	struct span word;

	if (!span_next(&word, rest, ' '))
		return false;
	text_span(&t, word);
	return t.n > 0 && !t.failed;
}

/* "ID INDEX BOOT INIT {nameserver ADDRESS | search DOMAIN}" */
static bool read_tunnel(struct resolv_conf *rc, struct span rest)
{
	struct resolv_conf_tunnel *tunnel = add_tunnel(rc);
	struct span key, value;
	uint64_t index;

	if (!tunnel || !copy_word(tunnel->id, sizeof tunnel->id, &rest) || !span_next(&value, &rest, ' ') ||
	    !span_to_u64(&index, value, UINT32_MAX) || !copy_word(tunnel->boot, sizeof tunnel->boot, &rest) ||
	    !copy_word(tunnel->init, sizeof tunnel->init, &rest))
		return false;
	tunnel->index = (uint32_t)index;
	while (span_next(&key, &rest, ' ')) {
		bool server = span_is(key, "nameserver");
		if ((!server && !span_is(key, "search")) || !span_next(&value, &rest, ' ') ||
		    !string_list_add(server ? &tunnel->dns.servers : &tunnel->dns.domains, value))
			return false;
	}
	return true;
}

static bool read_original(struct resolv_conf *rc, struct span kind, struct span contents)
{
	if (span_is(kind, "none"))
		rc->kind = RESOLV_CONF_NONE;
	else if (span_starts(kind, "link "))
		rc->kind = RESOLV_CONF_LINK;
	else if (!span_is(kind, "file"))
		return false;
	if (rc->kind == RESOLV_CONF_LINK) {
		rc->target = span_dup(span_sub(kind, 5, kind.n));
		if (!rc->target)
			return false;
	}
	text_span(&rc->original, contents);
	return !rc->original.failed;
}

static bool read_state(struct resolv_conf *rc, struct span rest)
{
	struct span line, word;
	uint64_t sum;

	if (!span_next(&line, &rest, '\n') || !span_next(&word, &line, ' ') || !span_is(word, version) ||
	    !span_to_u64(&sum, line, UINT32_MAX) || sum != checksum(rest))
		return false;
	while (span_next(&line, &rest, '\n') && span_next(&word, &line, ' ')) {
		if (span_is(word, "original"))
			return read_original(rc, line, rest);
		if (!span_is(word, "up") || !read_tunnel(rc, line))
			return false;
	}
	return false;
}

static bool add_bytes(struct text *t, struct span digits)
{
	for (size_t i = 0; i + 1 < digits.n; i += 2) {
		int high = ascii_hex_value(digits.p[i]), low = ascii_hex_value(digits.p[i + 1]);
		if (high < 0 || low < 0)
			return false;
		text_char(t, (char)(high * 16 + low));
	}
	return digits.n % 2 == 0;
}

/* The name in our first line becomes the only tunnel. */
static bool read_damaged(struct resolv_conf *rc, struct span text)
{
	struct span line;

	rc->damaged = true;
	while (span_next(&line, &text, '\n')) {
		struct resolv_conf_tunnel *tunnel;
		struct span name = span_sub(line, sizeof first_line - 1, line.n);
		if (!span_starts(line, first_line))
			continue;
		name = span_sub(name, 0, span_find(name, ';'));
		tunnel = add_tunnel(rc);
		if (tunnel && !copy_word(tunnel->id, sizeof tunnel->id, &name))
			rc->n--;
		return tunnel;
	}
	return true;
}

static bool has_line(struct span text, struct span wanted)
{
	struct span line;

	while (span_next(&line, &text, '\n'))
		if (span_equal(span_trim(line), wanted))
			return true;
	return false;
}

/* Lines that neither the text that we wrote nor the original has were added by another program or user. */
static void keep_foreign_lines(struct resolv_conf *rc, struct span text, struct span written)
{
	struct span line, before = text_of(&rc->original);
	struct text added = text_heap();

	while (text.n <= EDITED_BYTES_MAX && span_next(&line, &text, '\n')) {
		struct span trimmed = span_trim(line);
		if (trimmed.n == 0 || is_mark(line) || has_line(written, trimmed) || has_line(before, trimmed))
			continue;
		text_span(&added, line);
		text_char(&added, '\n');
	}
	rc->foreign = added.n > 0;
	if (rc->foreign) {
		if (before.n > 0 && before.p[before.n - 1] != '\n')
			text_char(&rc->original, '\n');
		text_span(&rc->original, text_of(&added));
		if (rc->kind == RESOLV_CONF_NONE)
			rc->kind = RESOLV_CONF_FILE;
	}
	rc->original.failed |= added.failed;
	text_heap_free(&added);
}

/* The texts are equal, apart from what follows the semicolon of the first line. */
static bool is_same(struct span text, struct span written)
{
	struct span first = { NULL, 0 }, first_written = { NULL, 0 };

	if (!span_starts(text, first_line) || !span_starts(written, first_line))
		return span_equal(text, written);
	return span_next(&first, &text, '\n') && span_next(&first_written, &written, '\n') &&
	       span_equal(span_sub(first, 0, span_find(first, ';')), span_sub(first_written, 0, span_find(first_written, ';'))) &&
	       span_equal(text, written);
}

bool resolv_conf_parse(struct resolv_conf *rc, struct span text)
{
	struct text state = text_heap(), written = text_heap();
	struct span line, rest = text;
	bool complete = true, ok = true;

	*rc = (struct resolv_conf){ .original = text_heap() };
	while (span_next(&line, &rest, '\n')) {
		rc->ours |= is_mark(line);
		if (span_starts(line, state_line))
			complete &= add_bytes(&state, span_trim(span_sub(line, sizeof state_line - 1, line.n)));
	}
	if (!rc->ours) {
		text_span(&rc->original, text);
	} else if (complete && read_state(rc, text_of(&state))) {
		resolv_conf_print(&written, rc, NULL, NULL);
		rc->intact = is_same(text, text_of(&written));
		if (!rc->intact)
			keep_foreign_lines(rc, text, text_of(&written));
	} else {
		resolv_conf_free(rc);
		*rc = (struct resolv_conf){ .ours = true, .original = text_heap() };
		ok = read_damaged(rc, text);
	}
	ok &= !rc->original.failed && !state.failed && !written.failed;
	text_heap_free(&state);
	text_heap_free(&written);
	return ok;
}

void resolv_conf_salvage(struct resolv_conf *rc, struct span text)
{
	struct span line;

	while (text.n > 0 && span_next(&line, &text, '\n')) {
		if (is_mark(line))
			continue;
		text_span(&rc->original, line);
		text_char(&rc->original, '\n');
	}
}

/* ---- tunnels ---- */

static size_t find_tunnel(const struct resolv_conf *rc, const char *id)
{
	size_t i = 0;

	while (i < rc->n && strcmp(rc->tunnels[i].id, id) != 0)
		i++;
	return i;
}

bool resolv_conf_lists(const struct resolv_conf *rc, const char *id)
{
	return find_tunnel(rc, id) < rc->n;
}

bool resolv_conf_drop(struct resolv_conf *rc, const char *id)
{
	size_t i = find_tunnel(rc, id);

	if (i == rc->n)
		return false;
	dns_config_free(&rc->tunnels[i].dns);
	memmove(&rc->tunnels[i], &rc->tunnels[i + 1], (rc->n - i - 1) * sizeof *rc->tunnels);
	rc->n--;
	return true;
}

bool resolv_conf_has(const struct resolv_conf *rc, const char *id, const struct dns_config *dns)
{
	size_t i = find_tunnel(rc, id);

	return rc->intact && i < rc->n && dns_config_equal(&rc->tunnels[i].dns, dns);
}
