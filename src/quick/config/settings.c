#include "settings.h"

#include <errno.h>
#include <iniparser/iniparser.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "quick/host/fileio.h"

struct setting {
	const char *section, *key;
	const char *choices; /* words separated by '|'; null: any text; "#": a number up to 64 */
	size_t offset, size;
};

#define SETTING(section, key, choices, member)                                                     \
	{                                                                                          \
		section, key, choices, offsetof(struct settings, member),                          \
			sizeof(((struct settings *)0)->member)                                     \
	}

static const struct setting rows[] = {
	SETTING("backend", "implementation", "auto|kernel|userspace", implementation),
	SETTING("backend", "program", NULL, program),
	SETTING("dns", "backend", "auto|resolved|resolvconf|file|none", dns),
	SETTING("firewall", "backend", "auto|nft|iptables|none", firewall),
	SETTING("wireguardd", "log-level", "silent|error|verbose|debug", log_level),
	SETTING("wireguardd", "cpu", "auto|generic", cpu),
	SETTING("wireguardd", "threads", "#", threads),
	SETTING("show", "colour", "auto|always|never", colour),
	SETTING("show", "hide-keys", "always|never", hide_keys),
};

static bool is_number(const struct setting *s)
{
	return s->choices && s->choices[0] == '#';
}

static bool choice_allowed(const char *choices, struct span value)
{
	struct span rest, word;
	uint64_t n;

	if (!choices)
		return value.n > 0;
	if (choices[0] == '#')
		return span_to_u64(&n, value, 64);
	rest = span_of(choices);
	while (span_next(&word, &rest, '|'))
		if (span_equal(word, value))
			return true;
	return false;
}

/* iniparser says "iniparser: … in FILE (LINE):" through one function with no context. */
static struct {
	unsigned int line;
	char text[160];
} complaint;

static printf_like(1, 2) int note_complaint(const char *fmt, ...)
{
	va_list ap;
	const char *place;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(complaint.text, sizeof complaint.text, fmt, ap);
	va_end(ap);
	complaint.line = 0;
	place = strrchr(complaint.text, '(');
	for (place = place ? place + 1 : ""; ascii_is_digit(*place); place++)
		complaint.line = complaint.line * 10 + (unsigned int)(*place - '0');
	return n;
}

/* iniparser keeps no line numbers and lets the last of two equal keys win, so the text is walked
 * once more: sections, keys and repetitions are checked against the table, with their places. */
struct walk {
	const char *path;
	struct span section;
	unsigned int line;
	unsigned int seen[ARRAY_LEN(rows)];
	bool known_section;
	struct diag *d;
};

static void complain(struct walk *w, struct span line, struct span at, const char *hint,
		     const char *what)
{
	struct diag_at place = { .file = w->path, .line = w->line, .source = line,
				 .column = (unsigned int)(at.p - line.p) + 1,
				 .width = at.n > 0 ? (unsigned int)at.n : 1 };

	diag_f(w->d, DIAG_ERROR, &place, hint, "%s: `%.*s'", what, (int)at.n, at.p);
}

static void walk_section(struct walk *w, struct span line, struct span words)
{
	size_t end = span_find(words, ']');

	w->section = span_trim(span_sub(words, 1, end - 1));
	w->known_section = false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (span_is_nocase(w->section, rows[i].section))
			w->known_section = true;
	if (end == words.n)
		complain(w, line, words, NULL, "the section has no closing bracket");
	else if (!w->known_section)
		complain(w, line, w->section,
			 "sections are [backend] [dns] [firewall] [wireguardd] [show]",
			 "unknown section");
}

static struct span value_of(struct span s)
{
	size_t cut;

	s = span_trim(s);
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'')) {
		struct span inner = span_sub(s, 1, s.n);
		return span_sub(inner, 0, span_find(inner, s.p[0]));
	}
	cut = span_find(s, ';') < span_find(s, '#') ? span_find(s, ';') : span_find(s, '#');
	return span_trim(span_sub(s, 0, cut));
}

static void walk_key(struct walk *w, struct span line, struct span words)
{
	size_t equals = span_find(words, '=');
	struct span key = span_trim(span_sub(words, 0, equals));
	struct span value = value_of(span_sub(words, equals + 1, words.n));

	if (equals == words.n) {
		complain(w, line, words, NULL, "neither a section nor \"key = value\"");
		return;
	}
	if (!w->section.p) {
		complain(w, line, key, NULL, "a key before any section");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!span_is_nocase(w->section, rows[i].section) ||
		    !span_is_nocase(key, rows[i].key))
			continue;
		if (w->seen[i])
			complain(w, line, key, NULL, "given twice");
		else if (!choice_allowed(rows[i].choices, value) || value.n >= rows[i].size)
			complain(w, line, value.n > 0 ? value : key,
				 is_number(&rows[i]) ? "a number up to 64" : rows[i].choices,
				 "not a value of this key");
		w->seen[i] = w->line;
		return;
	}
	if (w->known_section)
		complain(w, line, key, NULL, "unknown key");
}

static void walk_text(struct walk *w, struct span text)
{
	struct span line;

	while (span_next(&line, &text, '\n')) {
		struct span words = span_trim(line);
		w->line++;
		if (words.n == 0 || words.p[0] == '#' || words.p[0] == ';')
			continue;
		if (words.p[0] == '[')
			walk_section(w, line, words);
		else
			walk_key(w, line, words);
	}
}

static int take_values(struct settings *out, const char *path, struct diag *d)
{
	struct diag_at at = { .file = path };
	dictionary *ini;

	complaint.text[0] = '\0';
	iniparser_set_error_callback(note_complaint);
	ini = iniparser_load(path);
	iniparser_set_error_callback(NULL);
	if (!ini) {
		struct span said = span_of(complaint.text);
		at.line = complaint.line;
		at.column = at.line ? 1 : 0;
		diag_f(d, DIAG_ERROR, &at, NULL, "%.*s", (int)span_find(said, '\n'), said.p);
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[64];
		struct text t = text_fixed(name, sizeof name);
		const char *value;
		text_f(&t, "%s:%s", rows[i].section, rows[i].key);
		value = iniparser_getstring(ini, name, "");
		t = text_fixed((char *)out + rows[i].offset, rows[i].size);
		text_add(&t, value);
	}
	iniparser_freedict(ini);
	return 0;
}

int settings_read(struct settings *out, const char *path, struct diag *d)
{
	struct text text = text_heap();
	struct walk w = { .path = path, .d = d };
	struct diag_at at = { .file = path };
	unsigned int errors = d->errors;
	int r;

	*out = (struct settings){ 0 };
	r = fileio_read(path, &text);
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES) {
		text_heap_free(&text);
		return 0; /* nothing was set, or it is not ours to know */
	}
	if (r < 0) {
		diag_f(d, DIAG_ERROR, &at, NULL, "%s", strerror(-r));
		text_heap_free(&text);
		return r;
	}
	walk_text(&w, text_of(&text));
	text_heap_free(&text);
	if (d->errors != errors)
		return -EINVAL;
	return take_values(out, path, d);
}
