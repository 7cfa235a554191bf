/* The lines of a tunnel file that cannot be derived from the host. */
#include "kept_lines.h"

#include <stdlib.h>

#include "sections.h"

struct lines {
	struct span *list;
	size_t n, cap;
};

static bool split(struct lines *l, struct span text)
{
	struct span line;

	while (text.n > 0 && span_next(&line, &text, '\n')) {
		if (!vector_reserve(&l->list, &l->cap, l->n + 1, sizeof *l->list))
			return false;
		l->list[l->n++] = span_trim(line);
	}
	return true;
}

static bool key_is(struct span line, const char *const words[], size_t n)
{
	struct span key = span_sub(line, 0, span_find(line, '='));

	for (size_t i = 0; i < n; i++)
		if (span_is_spaced(key, words[i]))
			return true;
	return false;
}

/* The device has these, or what they lead to. */
static bool is_of_device(struct span line)
{
	static const char *const words[] = { "PrivateKey", "ListenPort", "FwMark", "PresharedKey", "AllowedIPs", "Endpoint",
					     "PersistentKeepalive",
					     "PrivateKeyFile", "PresharedKeyFile" };

	return key_is(line, words, ARRAY_LEN(words));
}

static bool is_public_key(struct span line)
{
	static const char *const words[] = { "PublicKey" };

	return key_is(line, words, ARRAY_LEN(words));
}

static bool is_kept(struct span line)
{
	return line_kind(line) == LINE_CODE && !is_of_device(line);
}

static bool is_wanted(const struct section *s, const struct span lines[])
{
	bool wanted = !s->is_peer;

	for (size_t i = s->header + 1; !wanted && i <= s->last; i++)
		wanted = is_kept(lines[i]) && !is_public_key(lines[i]);
	return wanted;
}

static bool add_section(struct string_list *out, const struct section *s, const struct span lines[])
{
	bool ok = true;

	for (size_t i = s->header; ok && i <= s->last; i++)
		if (is_kept(lines[i]))
			ok = string_list_add(out, lines[i]);
	return ok;
}

bool kept_lines(struct string_list *out, struct span text)
{
	struct lines l = { 0 };
	struct sections sections = { 0 };
	bool ok = split(&l, text) && sections_find(&sections, l.list, l.n);

	for (size_t i = 0; ok && i < sections.n; i++)
		if (is_wanted(&sections.list[i], l.list))
			ok = add_section(out, &sections.list[i], l.list);
	sections_free(&sections);
	free(l.list);
	return ok;
}
