#include "keys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_separator(char c)
{
	return c == ',' || ascii_is_blank(c);
}

/* The next word of a list that commas and blanks separate; false at its end. */
static bool word_next(struct span *word, struct span *rest)
{
	size_t n = 0;

	while (rest->n > 0 && is_separator(rest->p[0])) {
		rest->p++;
		rest->n--;
	}
	while (n < rest->n && !is_separator(rest->p[n]))
		n++;
	*word = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n, rest->n - n);
	return word->n > 0;
}

bool address_equal(const struct quick_address *a, const struct quick_address *b)
{
	return ip_equal(&a->local, &b->local) && ip_equal(&a->peer, &b->peer) && a->bits == b->bits;
}

void address_print(struct text *t, const struct quick_address *a)
{
	ip_print(t, &a->local);
	if (a->peer.family != IP_NONE) {
		text_add(t, " peer ");
		ip_print(t, &a->peer);
	}
	if (!a->bare)
		text_f(t, "/%u", (unsigned int)a->bits);
}

struct ip_prefix address_prefix(const struct quick_address *a)
{
	struct ip_prefix p = { 0 };
	const struct ip_addr *of = a->peer.family != IP_NONE ? &a->peer : &a->local;

	return prefix_make(&p, of, a->bits) ? p : (struct ip_prefix){ 0 };
}

bool addresses_have(const struct addresses *a, const struct quick_address *one)
{
	for (size_t i = 0; i < a->n; i++)
		if (address_equal(&a->list[i], one))
			return true;
	return false;
}

bool addresses_add(struct addresses *a, const struct quick_address *one)
{
	if (!vector_reserve(&a->list, &a->cap, a->n + 1, sizeof *a->list))
		return false;
	a->list[a->n++] = *one;
	return true;
}

void addresses_free(struct addresses *a)
{
	free(a->list);
	*a = (struct addresses){ 0 };
}

static bool parse_address(struct ip_addr *a, uint8_t *bits, bool *bare, struct span word)
{
	size_t slash = span_find(word, '/');
	uint64_t n;

	if (!ip_parse(a, span_sub(word, 0, slash)))
		return false;
	*bare = slash == word.n;
	*bits = (uint8_t)ip_bits(a);
	if (*bare)
		return true;
	if (!span_to_u64(&n, span_sub(word, slash + 1, word.n), ip_bits(a)))
		return false;
	*bits = (uint8_t)n;
	return true;
}

int address_next(struct quick_address *out, struct span *rest, struct span *bad)
{
	struct span word, peer, after;

	*out = (struct quick_address){ 0 };
	if (!word_next(&word, rest))
		return 0;
	*bad = word;
	if (!parse_address(&out->local, &out->bits, &out->bare, word))
		return -1;
	after = *rest;
	if (!word_next(&peer, &after) || !span_is_nocase(peer, "peer"))
		return 1;
	*bad = peer;
	*rest = after;
	if (!out->bare || !word_next(&peer, rest))
		return -1;
	*bad = peer;
	if (!parse_address(&out->peer, &out->bits, &out->bare, peer) ||
	    out->peer.family != out->local.family)
		return -1;
	return 1;
}

void dns_config_free(struct dns_config *d)
{
	string_list_free(&d->servers);
	string_list_free(&d->domains);
}

static bool string_list_equal(const struct string_list *a, const struct string_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->list[i], b->list[i]) != 0)
			return false;
	return true;
}

bool dns_config_copy(struct dns_config *to, const struct dns_config *from)
{
	for (size_t i = 0; i < from->servers.n; i++)
		if (!string_list_add(&to->servers, span_of(from->servers.list[i])))
			return false;
	for (size_t i = 0; i < from->domains.n; i++)
		if (!string_list_add(&to->domains, span_of(from->domains.list[i])))
			return false;
	return true;
}

bool dns_config_equal(const struct dns_config *a, const struct dns_config *b)
{
	return string_list_equal(&a->servers, &b->servers) && string_list_equal(&a->domains, &b->domains);
}

/* ---- one function per kind of key; false: the value was wrong and is reported ---- */

static void report(struct diag *d, const struct conf_extra *x, const char *file, struct span bad,
		   const char *what, const char *hint)
{
	struct diag_at at = { .file = file, .line = x->line, .column = x->column };

	if (bad.p >= x->value.p && bad.p <= x->value.p + x->value.n)
		at.column += (unsigned int)(bad.p - x->value.p);
	at.width = bad.n > 0 ? (unsigned int)bad.n : 1;
	if (text_may_be_key(bad)) {
		diag_f(d, DIAG_ERROR, &at, hint, "%.*s: %s", (int)x->key.n, x->key.p, what);
		return;
	}
	if (!text_may_be_key(x->line_text))
		at.source = x->line_text;
	diag_f(d, DIAG_ERROR, &at, hint, "%.*s: %s: `%.*s'", (int)x->key.n, x->key.p, what,
	       (int)bad.n, bad.p);
}

static bool take_address(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	struct span rest = x->value, bad = x->value;
	struct quick_address a;
	int got;

	while ((got = address_next(&a, &rest, &bad)) > 0) {
		if (addresses_have(&r->file->addresses, &a)) {
			struct diag_at at = { .file = r->file->path,
					      .line = x->line,
					      .column = x->column };
			diag_f(d, DIAG_WARNING, &at, NULL, "the address `%.*s' is given twice",
			       (int)bad.n, bad.p);
			continue;
		}
		if (!addresses_add(&r->file->addresses, &a))
			r->failed = true;
	}
	if (got < 0)
		report(d, x, r->file->path, bad, "not an address", NULL);
	return got == 0;
}

static bool domain_is_plain(struct span word)
{
	for (size_t i = 0; i < word.n; i++) {
		char c = word.p[i];
		if (!ascii_is_digit(c) && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') &&
		    c != '.' && c != '-' && c != '_' && !(c == '~' && i == 0) && (uint8_t)c < 0x80)
			return false;
	}
	return true;
}

/* Servers are what could only be an address, as bash's wg-quick tells them from domains. */
static bool looks_like_address(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] == ':')
			return true;
	for (size_t i = 0; i < word.n; i++)
		if (!ascii_is_digit(word.p[i]) && word.p[i] != '.')
			return false;
	return true;
}

static bool string_list_has(const struct string_list *w, struct span word)
{
	for (size_t i = 0; i < w->n; i++)
		if (span_is(word, w->list[i]))
			return true;
	return false;
}

/* An address as inet_ntop(3) prints it, or of IPv6 with the zone as it was written. */
static bool print_server(struct text *t, struct span word)
{
	size_t percent = span_find(word, '%');
	struct span zone = span_sub(word, percent, word.n);
	struct ip_addr a;

	if (!ip_parse(&a, span_sub(word, 0, percent)) ||
	    (zone.n > 0 && (a.family != IP_V6 || !device_name_is_valid(span_sub(zone, 1, zone.n)))))
		return false;
	ip_print(t, &a);
	text_span(t, zone);
	return true;
}

static bool take_dns(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	struct dns_config *dns = &r->file->dns;
	struct span rest = x->value, word;

	while (word_next(&word, &rest)) {
		char text[IP_TEXT_MAX + WG_NAME_MAX];
		struct text t = text_fixed(text, sizeof text);
		struct string_list *list = &dns->domains;
		if (looks_like_address(word)) {
			if (!print_server(&t, word)) {
				report(d, x, r->file->path, word, "not an address", NULL);
				return false;
			}
			word = text_of(&t);
			list = &dns->servers;
		} else if (!domain_is_plain(word)) {
			report(d, x, r->file->path, word, "not a domain", NULL);
			return false;
		}
		if (!string_list_has(list, word) && !string_list_add(list, word))
			r->failed = true;
	}
	return true;
}

static bool take_mtu(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	uint64_t n;

	r->file->mtu = 0;
	if (x->value.n == 0)
		return true;
	if (!span_to_u64(&n, x->value, 65535) || n < 68) {
		report(d, x, r->file->path, x->value, "not a number from 68 to 65535", NULL);
		return false;
	}
	r->file->mtu = (unsigned int)n;
	return true;
}

/* Looks the word up in a file of lines "number name". */
static bool table_in_file(uint32_t *out, struct span word, const char *path)
{
	char buffer[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
	struct span rest = { buffer, got > 0 ? (size_t)got : 0 }, line, number, name;
	uint64_t n;

	if (fd >= 0)
		close(fd);
	while (span_next(&line, &rest, '\n')) {
		line = conf_without_comment(line);
		if (word_next(&number, &line) && word_next(&name, &line) &&
		    span_equal(name, word) && span_to_u64(&n, number, UINT32_MAX)) {
			*out = (uint32_t)n;
			return true;
		}
	}
	return false;
}

static bool table_by_name(uint32_t *out, struct span word)
{
	static const struct { const char *name; uint32_t number; } known[] = {
		{ "main", TABLE_MAIN }, { "default", 253 }, { "local", 255 },
	};
	static const char *const files[] = { "/etc/iproute2/rt_tables",
					     "/usr/share/iproute2/rt_tables",
					     "/usr/lib/iproute2/rt_tables" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_is(word, known[i].name)) {
			*out = known[i].number;
			return true;
		}
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (table_in_file(out, word, files[i]))
			return true;
	return false;
}

static bool take_table(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	struct tunnel_file *f = r->file;
	uint64_t n = 0;

	f->table_kind = TABLE_GIVEN;
	free(f->table_word);
	f->table_word = span_dup(x->value);
	if (!f->table_word)
		r->failed = true;
	if (x->value.n == 0 || span_is_nocase(x->value, "auto"))
		f->table_kind = TABLE_AUTO;
	else if (span_is_nocase(x->value, "off"))
		f->table_kind = TABLE_OFF;
	else if (span_to_u64(&n, x->value, UINT32_MAX) ||
		 (span_starts(x->value, "0x") &&
		  span_hex_to_u64(&n, span_sub(x->value, 2, x->value.n), UINT32_MAX)))
		f->table = (uint32_t)n;
	else if (!table_by_name(&f->table, x->value)) {
		report(d, x, f->path, x->value,
		       "neither off, auto, a number nor a name in rt_tables", NULL);
		return false;
	}
	if (f->table_kind == TABLE_GIVEN && f->table == 0)
		f->table = TABLE_MAIN; /* as the kernel takes it */
	return true;
}

static bool take_save(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	if (span_is_nocase(x->value, "true"))
		r->file->save_config = true;
	else if (span_is_nocase(x->value, "false"))
		r->file->save_config = false;
	else {
		report(d, x, r->file->path, x->value, "neither true nor false", NULL);
		return false;
	}
	return true;
}

static bool take_hook(struct keys_reader *r, const struct conf_extra *x, enum hook_phase phase)
{
	if (!string_list_add(&r->file->hooks[phase], x->value))
		r->failed = true;
	return true;
}

static bool take_pre_up(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	(void)d;
	return take_hook(r, x, HOOK_PRE_UP);
}

static bool take_post_up(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	(void)d;
	return take_hook(r, x, HOOK_POST_UP);
}

static bool take_pre_down(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	(void)d;
	return take_hook(r, x, HOOK_PRE_DOWN);
}

static bool take_post_down(struct keys_reader *r, const struct conf_extra *x, struct diag *d)
{
	(void)d;
	return take_hook(r, x, HOOK_POST_DOWN);
}

static const struct key {
	const char *name;
	bool (*take)(struct keys_reader *r, const struct conf_extra *x, struct diag *d);
} keys[] = {
	{ "Address", take_address },   { "MTU", take_mtu },
	{ "DNS", take_dns },           { "Table", take_table },
	{ "PreUp", take_pre_up },      { "PostUp", take_post_up },
	{ "PreDown", take_pre_down },  { "PostDown", take_post_down },
	{ "SaveConfig", take_save },
};

bool keys_take(void *reader, const struct conf_extra *x, int peer, struct diag *d)
{
	struct keys_reader *r = reader;
	struct tunnel_file *f = r->file;

	for (size_t i = 0; peer < 0 && i < ARRAY_LEN(keys); i++) {
		if (!span_is_nocase(x->key, keys[i].name))
			continue;
		if (!tunnel_file_cut(f, x->line_text, true)) {
			r->failed = true;
			return true;
		}
		/* A wrong value was reported, which refuses the file. */
		(void)keys[i].take(r, x, d);
		return true;
	}
	return false;
}
