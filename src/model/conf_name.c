/* Recognizes the comment forms in conf_name.h. */
#include "conf_name.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "secret.h"

enum { PLAIN_BEFORE, PLAIN_AFTER, CLIENT_BEFORE, FRIENDLY, NAME }; /* ranks */

static struct span trim_hashes(struct span s)
{
	s = span_trim(s);
	while (s.n > 0 && s.p[0] == '#')
		s = span_sub(s, 1, s.n);
	while (s.n > 0 && s.p[s.n - 1] == '#')
		s.n--;
	return span_trim(s);
}

static bool is_name(struct span s)
{
	return s.n > 0 && s.n <= NAME_BYTES_MAX && utf8_all_printable(s) && !text_may_be_key(s);
}

/* The text after a word and its separator, or the null span. */
static struct span after_word(struct span s, const char *word, const char *separators)
{
	size_t n = strlen(word);
	struct span rest = span_sub(s, n, s.n);

	if (!span_is_nocase(span_sub(s, 0, n), word) || rest.n == 0 ||
	    !strchr(separators, rest.p[0]))
		return (struct span){ NULL, 0 };
	return trim_hashes(span_sub(rest, 1, rest.n));
}

/* "laptop (17)" becomes "laptop". */
static struct span without_id(struct span s)
{
	size_t open = span_find_last(s, '(');

	if (open < s.n && open > 0 && s.p[s.n - 1] == ')')
		return span_trim(span_sub(s, 0, open));
	return s;
}

static bool set_name(struct name_reader *r, struct wg_peer *peer, struct span name, int rank)
{
	char *copy;

	if (!peer || !name.p || !is_name(name) || rank < r->rank)
		return true;
	copy = malloc(name.n + 1);
	if (!copy)
		return false;
	memcpy(copy, name.p, name.n);
	copy[name.n] = '\0';
	free(peer->name);
	peer->name = copy;
	r->rank = rank;
	return true;
}

/* X of "KEY = X", with or without blanks; or the null span. */
static struct span value_of(struct span text, const char *key)
{
	size_t equals = span_find(text, '=');

	if (equals == text.n || !span_is_nocase(span_trim(span_sub(text, 0, equals)), key))
		return (struct span){ NULL, 0 };
	return trim_hashes(span_sub(text, equals + 1, text.n));
}

static void save_candidate(struct name_reader *r, struct span name, int rank)
{
	memcpy(r->before, name.p, name.n);
	r->before_bytes = name.n;
	r->before_rank = rank;
}

static void name_before_section(struct name_reader *r, struct span text, bool is_plain)
{
	struct span client = after_word(text, "Client:", " \t");

	if (client.p)
		client = without_id(client);
	else
		client = after_word(text, "Client", " \t");
	if (!client.p)
		client = after_word(text, "begin", " \t");
	if (client.p && is_name(client))
		save_candidate(r, client, CLIENT_BEFORE);
	else if (is_plain && is_name(text))
		save_candidate(r, text, PLAIN_BEFORE);
}

bool name_comment(struct name_reader *r, struct wg_peer *peer, struct span line)
{
	struct span comment = span_trim(line), text = trim_hashes(comment);
	bool is_plain = span_find(text, '=') == text.n && !span_starts(comment, "###") &&
			!span_starts(text, "[");
	bool just_opened = r->just_opened;

	name_other_line(r);
	if (peer && value_of(text, "Name").p)
		return set_name(r, peer, value_of(text, "Name"), NAME);
	if (peer && value_of(text, "friendly_name").p)
		return set_name(r, peer, value_of(text, "friendly_name"), FRIENDLY);
	name_before_section(r, text, is_plain);
	return !just_opened || !is_plain || set_name(r, peer, text, PLAIN_AFTER);
}

bool name_section(struct name_reader *r, struct wg_peer *peer)
{
	struct span before = { r->before, r->before_bytes };
	int rank = r->before_rank;

	name_other_line(r);
	r->rank = -1;
	r->just_opened = peer != NULL;
	return set_name(r, peer, before, rank);
}

void name_other_line(struct name_reader *r)
{
	r->before_bytes = 0;
	r->just_opened = false;
}
