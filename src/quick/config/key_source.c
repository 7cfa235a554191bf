/* Parses the places of keys. */
#include "key_source.h"

#include <stdlib.h>

#include "bad_value.h"
#include "base/vector.h"

void key_source_free(struct key_source *s)
{
	free(s->name);
	*s = (struct key_source){ 0 };
}

static const char *spelling(struct span key)
{
	static const char *const all[] = { "PrivateKey", "PresharedKey", "PrivateKeyFile", "PresharedKeyFile" };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (span_is_spaced(key, all[i]))
			return all[i];
	unreachable();
}

/* systemd's rule: a file name, here of printable ASCII characters. */
static bool is_credential_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '/')
			return false;
	return s.n > 0 && s.n <= 255 && !span_is(s, ".") && !span_is(s, "..");
}

/* The key itself, by mistake: it must not become part of a message. */
static bool is_key(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_digit(s.p[i]) && !(ascii_lower(s.p[i]) >= 'a' && ascii_lower(s.p[i]) <= 'z') &&
		    s.p[i] != '+' && s.p[i] != '/' && s.p[i] != '=')
			return false;
	return s.n >= KEY_BASE64_CHARS - 4 && s.n <= KEY_BASE64_CHARS + 4 && s.p[0] != '/' && text_may_be_key(s);
}

static void expand(struct text *t, struct span value, const char *interface)
{
	for (size_t i = 0; i < value.n; i++)
		if (span_starts(span_sub(value, i, value.n), "%i")) {
			text_add(t, interface);
			i++;
		} else {
			text_char(t, value.p[i]);
		}
}

/* The place without "@" or "create:". False: the value is wrong. */
static bool parse(struct key_source *s, struct span *name, const struct conf_extra *x, const struct key_place *place, struct diag *d)
{
	struct span value = x->value;

	if (span_starts(value, "@") && (span_is_spaced(x->key, "PrivateKey") || span_is_spaced(x->key, "PresharedKey"))) {
		s->kind = KEY_CREDENTIAL;
		*name = span_sub(value, 1, value.n);
		if (is_credential_name(*name) && !is_key(*name))
			return true;
		bad_value_report(d, place->file, x, "bad-value", value, "@ and the name of a systemd credential");
		return false;
	}
	s->kind = span_starts(value, "create:") ? KEY_NEW_FILE : KEY_FILE;
	*name = span_trim(span_sub(value, s->kind == KEY_NEW_FILE ? 7 : 0, value.n));
	if (s->kind == KEY_NEW_FILE && span_is_spaced(x->key, "PresharedKeyFile")) {
		bad_value_report(d, place->file, x, "bad-value", value, "a path: a preshared key is made once for both ends");
		return false;
	}
	if (name->n == 0 || name->p[name->n - 1] == '/' || is_key(*name)) {
		bad_value_report(d, place->file, x, "bad-value", value, "the path of a file");
		return false;
	}
	return true;
}

bool key_source_read(struct key_source *s, const struct key_place *place, const struct conf_extra *x, struct diag *d)
{
	struct text path = text_heap();
	struct span name;

	key_source_free(s);
	s->key = spelling(x->key);
	s->at = (struct diag_at){ .file = place->file, .line = x->line, .column = x->column,
				  .width = x->value.n > 0 ? (unsigned int)x->value.n : 1, .id = "key-file" };
	if (!parse(s, &name, x, place, d)) {
		s->kind = KEY_IN_FILE;
		return true;
	}
	if (s->kind != KEY_CREDENTIAL && name.p[0] != '/' && place->folder)
		text_f(&path, "%s/", place->folder);
	expand(&path, name, place->interface);
	if (path.failed) {
		text_heap_free(&path);
		s->kind = KEY_IN_FILE;
		return false;
	}
	s->name = path.p;
	return true;
}
