/* Remedies for unrecognized lines, and removal of everything that may be a secret. */
#include "conf_unrecognized.h"

#include "base/suggestion.h"
#include "base/text.h"
#include "conf_foreign.h"
#include "conf_keys.h"
#include "fields.h"
#include "secret.h"

/* Letters and digits, too few for a key. */
static bool is_plain_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);
		if (!(c >= 'a' && c <= 'z') && !(i > 0 && ascii_is_digit(c)))
			return false;
	}
	return s.n > 0 && s.n <= SUGGESTION_WORD_MAX;
}

static const char *known_key_at(size_t i)
{
	return i < FIELDS ? fields[i].spelling[SYNTAX_CONF].p : conf_quick_key_at(i - FIELDS);
}

static bool begins(struct span word, const char *key)
{
	for (size_t i = 0; i < word.n; i++)
		if (ascii_lower(word.p[i]) != ascii_lower(key[i])) /* or the end of the key */
			return false;
	return true;
}

/* The known key that an abbreviation stands for, unless it may be one of several; or null. */
static const char *abbreviated_key(struct span word)
{
	enum { LETTERS_MIN = 4 };
	const char *found = NULL;

	for (size_t i = 0; word.n >= LETTERS_MIN && known_key_at(i); i++) {
		const char *key = known_key_at(i);
		if (!begins(word, key) || (found && begins(span_of(found), key)))
			continue;
		if (found && !begins(span_of(key), found))
			return NULL;
		found = key;
	}
	return found;
}

/* The known key that is nearest; or null. */
static const char *nearest_key(struct span word)
{
	struct suggestion s;

	suggestion_init(&s, word);
	for (size_t i = 0; known_key_at(i); i++)
		suggestion_offer(&s, known_key_at(i));
	return s.best ? s.best : abbreviated_key(word);
}

static struct span remove_blanks(struct span text, char *buffer, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n && n < size; i++)
		if (!ascii_is_blank(text.p[i]))
			buffer[n++] = text.p[i];
	return (struct span){ buffer, n };
}

/* Values of secret keys and shell commands must not be printed. */
static bool value_is_public(const struct field *f, const char *quick_key)
{
	return f ? !f->kind->secret : quick_key && !conf_is_hook_key(span_of(quick_key));
}

static void suggest_quick_key(struct conf_unrecognized *w, struct text *t, const char *key)
{
	if (!conf_quick_key(span_of(key), w->in_peer)) {
		w->id = "key-in-wrong-section";
		text_f(t, "%s is a wg-quick(8) key of %s", key, w->in_peer ? "[Interface]" : "[Peer]");
	} else if (w->accepts_quick_keys) {
		w->id = "missing-value";
		text_f(t, "write %s = VALUE", key);
	} else {
		w->id = "wgquick-key-in-wg-file";
		text_f(t, "%s is a wg-quick(8) key; use: wg setconf wg0 <(wg-quick strip wg0)", key);
	}
}

static void suggest(struct conf_unrecognized *w, struct span key, const struct field *f,
		    const char *quick_key, bool has_value)
{
	struct text t = text_fixed(w->help_text, sizeof w->help_text);
	const char *guess = NULL;

	w->id = !w->in_section ? "key-outside-section" : "unknown-key";
	if (!f && !quick_key && conf_foreign_explain(&t, key)) {
		w->id = "provider-key";
		w->help = w->help_text;
		return;
	}
	if (!f && !quick_key && is_plain_word(key))
		guess = nearest_key(key);
	if (!w->in_section)
		text_add(&t, "settings must follow a line [Interface] or [Peer]");
	else if (f && f->of_peer != w->in_peer)
		text_f(&t, "%s belongs in %s", f->spelling[SYNTAX_CONF].p,
		       f->of_peer ? "[Peer]" : "[Interface]");
	else if (f && !has_value)
		text_f(&t, "%s needs a value; to leave it unset, remove the line",
		       f->spelling[SYNTAX_CONF].p);
	else if (quick_key)
		suggest_quick_key(w, &t, quick_key);
	else if (guess)
		text_f(&t, "did you mean %s?", guess);
	if (w->in_section && f)
		w->id = f->of_peer != w->in_peer ? "key-in-wrong-section" : "missing-value";
	w->may_be_public_key |= guess == fields[FIELD_PUBLIC_KEY].spelling[SYNTAX_CONF].p;
	if (t.n > 0)
		w->help = w->help_text;
}

static const struct field *field_of_any_section(struct span key, bool in_peer)
{
	const struct field *f = field_find(SYNTAX_CONF, key, in_peer);

	return f ? f : field_find(SYNTAX_CONF, key, !in_peer);
}

static const char *quick_key_of_any_section(struct span key, bool in_peer)
{
	const char *name = conf_quick_key(key, in_peer);

	return name ? name : conf_quick_key(key, !in_peer);
}

void conf_unrecognized_explain(struct conf_unrecognized *w, char *buffer, size_t size)
{
	struct span all = remove_blanks(w->text, buffer, size);
	size_t equals = span_find(all, '=');
	struct span key = span_sub(all, 0, equals), section;
	const struct field *f = field_of_any_section(key, w->in_peer);
	const char *quick_key = quick_key_of_any_section(key, w->in_peer);
	bool fits = all.n < size;

	w->help = NULL;
	w->id = "bad-section";
	w->shown = (struct span){ NULL, 0 };
	w->shows_all = false;
	w->may_be_public_key = f == &fields[FIELD_PUBLIC_KEY] || (!quick_key && text_may_be_key(all));
	if (all.n > 0 && all.p[0] == '[') {
		section = span_sub(all, 1, all.n > 2 ? all.n - 2 : 0);
		w->shows_all = fits && all.p[all.n - 1] == ']' && is_plain_word(section);
		if (w->shows_all)
			w->shown = all;
		w->help = "the sections are [Interface] and [Peer]";
		return;
	}
	w->shows_all =
		fits && equals < all.n && value_is_public(f, quick_key) && !text_may_be_key(all);
	if (w->shows_all)
		w->shown = all;
	else if (f || quick_key || is_plain_word(key))
		w->shown = key;
	suggest(w, key, f, quick_key, equals + 1 < all.n);
}
