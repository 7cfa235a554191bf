/* A note is a line "SETTING VALUE [SUBJECT]", where the value is that of file_value_print(). It holds for a file that
 * yields the same line. */
#include "hook_changes.h"

#include <errno.h>
#include <stdlib.h>

enum { NOTE_MAX = 32 + FINGERPRINT_CHARS + TUNNEL_SETTING_TEXT_MAX };

static void print_note(struct text *t, const struct file_values *v, const struct tunnel_setting *s)
{
	text_f(t, "%s ", tunnel_setting_names[s->kind]);
	file_value_print(t, v, s);
	tunnel_setting_print_subject(t, s);
}

/* False: a later version wrote it. */
static bool parse_note(struct tunnel_setting *out, const char *note)
{
	struct span rest = span_of(note), word, value;

	if (!span_next(&word, &rest, ' ') || !span_next(&value, &rest, ' '))
		return false;
	for (size_t i = 0; i < SETTING_KINDS; i++)
		if (span_is(word, tunnel_setting_names[i])) {
			*out = (struct tunnel_setting){ .kind = (enum tunnel_setting_kind)i };
			return tunnel_setting_parse_subject(out, rest);
		}
	return false;
}

int hook_changes_init(struct hook_changes *c, const struct string_list *noted, const struct tunnel_file *f)
{
	*c = (struct hook_changes){ .noted = noted };
	for (size_t i = 0; i < noted->n; i++) {
		struct tunnel_setting s;
		if (parse_note(&s, noted->list[i]))
			c->kinds |= 1u << s.kind;
	}
	return file_values_init(&c->values, f);
}

void hook_changes_free(struct hook_changes *c)
{
	file_values_free(&c->values);
}

/* ---- the list ---- */

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int hook_changes_add(struct string_list *noted, const struct file_values *v, const struct tunnel_setting *s)
{
	char note[NOTE_MAX];
	struct text t = text_fixed(note, sizeof note);

	print_note(&t, v, s);
	return string_list_add(noted, text_of(&t)) ? 0 : -ENOMEM;
}

void hook_changes_sort(struct string_list *noted)
{
	size_t kept = 0;

	if (noted->n > 0)
		qsort(noted->list, noted->n, sizeof *noted->list, compare_strings);
	for (size_t i = 0; i < noted->n; i++)
		if (kept > 0 && strcmp(noted->list[kept - 1], noted->list[i]) == 0)
			free(noted->list[i]);
		else
			noted->list[kept++] = noted->list[i];
	noted->n = kept;
}

bool hook_changed(const struct hook_changes *c, const struct tunnel_setting *s)
{
	char note[NOTE_MAX], *key = note;
	struct text t = text_fixed(note, sizeof note);

	if (!c || !(c->kinds & 1u << s->kind))
		return false;
	print_note(&t, &c->values, s);
	return bsearch(&key, c->noted->list, c->noted->n, sizeof key, compare_strings) != NULL;
}

bool hook_changed_tunnel(const struct hook_changes *c, enum tunnel_setting_kind kind)
{
	return hook_changed(c, &(struct tunnel_setting){ .kind = kind });
}

bool hook_changed_family(const struct hook_changes *c, enum tunnel_setting_kind kind, uint8_t family)
{
	return hook_changed(c, &(struct tunnel_setting){ .kind = kind, .family = family });
}

bool hook_changed_address(const struct hook_changes *c, const struct interface_address *a)
{
	return hook_changed(c, &(struct tunnel_setting){ .kind = SETTING_ADDRESS, .address = *a });
}

bool hook_changed_route(const struct hook_changes *c, const struct ip_prefix *prefix, uint32_t table)
{
	return hook_changed(c, &(struct tunnel_setting){ .kind = SETTING_ROUTE, .route = { *prefix, table } });
}

bool hook_changed_peer(const struct hook_changes *c, enum tunnel_setting_kind kind, const struct wg_public *key)
{
	return hook_changed(c, &(struct tunnel_setting){ .kind = kind, .peer = *key });
}

/* New addresses are protected by new rules. */
static bool sets_firewall(const struct plan *p, const struct tunnel_setting *s)
{
	for (size_t i = 0; s->kind == SETTING_FIREWALL && i < p->n; i++)
		if (p->steps[i].kind == STEP_FIREWALL && p->steps[i].firewall.family == s->family)
			return true;
	return false;
}

int hook_changes_remaining(struct string_list *out, const struct string_list *noted, const struct tunnel_file *f,
			   const struct plan *p)
{
	struct hook_changes c;
	int r = hook_changes_init(&c, noted, f);

	for (size_t i = 0; r == 0 && i < noted->n; i++) {
		struct tunnel_setting s;
		if (parse_note(&s, noted->list[i]) && hook_changed(&c, &s) && !sets_firewall(p, &s) &&
		    !string_list_add(out, span_of(noted->list[i])))
			r = -ENOMEM;
	}
	hook_changes_free(&c);
	return r;
}
