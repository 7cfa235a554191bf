/* The keys of wgsuite.ini(5), and the check of its text. */
#include "settings.h"

struct setting {
	const char *section, *key;
	const char *values; /* separated by '|'; null: any text; "#N": a number up to N */
	size_t offset, size;
};

#define SETTING(section, key, values, member)                                                      \
	{                                                                                          \
		section, key, values, offsetof(struct settings, member),                           \
			sizeof(((struct settings *)0)->member)                                     \
	}

static const struct setting table[] = {
	SETTING("backend", "implementation", "auto|kernel|userspace", implementation),
	SETTING("backend", "program", NULL, program),
	SETTING("dns", "backend", "auto|resolved|resolvconf|file|none", dns),
	SETTING("dns", "timeout", "#600", dns_timeout),
	SETTING("firewall", "backend", "auto|nft|iptables|none", firewall),
	SETTING("hooks", "owner", "any|caller|root|unchecked", hook_owner),
	SETTING("lock", "timeout", "#3600", lock_timeout),
	SETTING("monitor", "pause", "#1440", monitor_pause),
	SETTING("wireguardd", "log-level", "silent|error|verbose|debug", log_level),
	SETTING("wireguardd", "log", NULL, log_file),
	SETTING("wireguardd", "cpu", "auto|generic", cpu),
	SETTING("wireguardd", "threads", "#64", threads),
	SETTING("wireguardd", "affinity", "none|cpu", affinity),
	SETTING("show", "colour", "auto|always|never", colour),
	SETTING("show", "color", "auto|always|never", colour),
	SETTING("show", "hide-keys", "always|never", hide_keys),
	SETTING("show", "names", "auto|always|never", names),
};

static const char known_sections[] = "use one of [backend] [dns] [firewall] [hooks] [lock] [monitor] [wireguardd] [show]";

enum { DNS_TIMEOUT_DEFAULT_S = 30, LOCK_TIMEOUT_DEFAULT_S = 60, MONITOR_PAUSE_DEFAULT_MIN = 5 };

/* The N of "#N". */
static uint64_t number_max(const struct setting *s)
{
	uint64_t max = 0;

	return span_to_u64(&max, span_of(s->values + 1), UINT64_MAX) ? max : 0;
}

static bool value_is_valid(const struct setting *s, struct span value)
{
	struct span rest, word;
	uint64_t n;

	if (!s->values)
		return value.n > 0 && value.n < s->size;
	if (s->values[0] == '#')
		return value.n < s->size && span_to_u64(&n, value, number_max(s));
	rest = span_of(s->values);
	while (span_next(&word, &rest, '|'))
		if (span_equal(word, value))
			return true;
	return false;
}

/* iniparser keeps no line numbers and lets the last of two equal keys win, so this checks sections, keys,
 * values and repetitions itself, before iniparser reads the file. */
struct checker {
	const char *path;
	struct span section; /* the null span before the first one */
	unsigned int line;
	bool seen[ARRAY_LEN(table)];
	bool known_section;
	struct diag *d;
};

static void fail(struct checker *c, struct span line, struct span at, const char *help, const char *why)
{
	struct diag_at position = { .file = c->path, .line = c->line, .source = line,
				    .column = (unsigned int)(at.p - line.p) + 1,
				    .width = at.n > 0 ? (unsigned int)at.n : 1 };

	diag_f(c->d, DIAG_ERROR, &position, help, "%s: `%.*s'", why, (int)at.n, at.p);
}

static void fail_value(struct checker *c, struct span line, const struct setting *s, struct span key,
		       struct span value)
{
	char help[96];
	struct text t = text_fixed(help, sizeof help);
	struct span rest = span_of(s->values ? s->values : ""), word;

	if (!s->values)
		text_f(&t, "use a path of at most %u bytes", (unsigned int)s->size - 1);
	else if (s->values[0] == '#')
		text_f(&t, "use a number from 0 to %llu", (unsigned long long)number_max(s));
	else
		while (span_next(&word, &rest, '|'))
			text_f(&t, "%s%.*s", t.n == 0 ? "use " : rest.p ? ", " : " or ", (int)word.n, word.p);
	if (value.n > 0)
		fail(c, line, value, help, "invalid value");
	else
		fail(c, line, key, help, "key without a value");
}

static void check_section(struct checker *c, struct span line, struct span text)
{
	size_t end = span_find(text, ']');

	c->section = span_trim(span_sub(text, 1, end - 1));
	c->known_section = false;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (span_is_nocase(c->section, table[i].section))
			c->known_section = true;
	if (end == text.n)
		fail(c, line, text, NULL, "section without a closing bracket");
	else if (!c->known_section)
		fail(c, line, c->section, known_sections, "unknown section");
}

/* The value as iniparser reads it: quotes removed, a comment cut off. */
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

/* Two spellings of a key are one key. */
static bool was_seen(const struct checker *c, const struct setting *s)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (c->seen[i] && table[i].offset == s->offset)
			return true;
	return false;
}

static void check_key(struct checker *c, struct span line, struct span text)
{
	size_t equals = span_find(text, '=');
	struct span key = span_trim(span_sub(text, 0, equals));
	struct span value = value_of(span_sub(text, equals + 1, text.n));

	if (equals == text.n) {
		fail(c, line, text, NULL, "expected [section] or key = value, found");
		return;
	}
	if (!c->section.p) {
		fail(c, line, key, known_sections, "key before the first section");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!span_is_nocase(c->section, table[i].section) || !span_is_nocase(key, table[i].key))
			continue;
		if (was_seen(c, &table[i]))
			fail(c, line, key, NULL, "duplicate key");
		else if (!value_is_valid(&table[i], value))
			fail_value(c, line, &table[i], key, value);
		c->seen[i] = true;
		return;
	}
	if (c->known_section)
		fail(c, line, key, NULL, "unknown key");
}

bool settings_check(struct span text, const char *path, struct diag *d)
{
	struct checker c = { .path = path, .d = d };
	unsigned int errors = d->errors;
	struct span line;

	while (span_next(&line, &text, '\n')) {
		struct span trimmed = span_trim(line);
		c.line++;
		if (trimmed.n == 0 || trimmed.p[0] == '#' || trimmed.p[0] == ';')
			continue;
		if (trimmed.p[0] == '[')
			check_section(&c, line, trimmed);
		else
			check_key(&c, line, trimmed);
	}
	return d->errors == errors;
}

void settings_fill(struct settings *out, const char *(*value)(void *ctx, const char *name), void *ctx)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char name[64];
		struct text t = text_fixed(name, sizeof name);
		text_f(&t, "%s:%s", table[i].section, table[i].key);
		t = text_fixed((char *)out + table[i].offset, table[i].size);
		if (value(ctx, name)[0])
			text_add(&t, value(ctx, name));
	}
}

unsigned int settings_lock_timeout_s(const struct settings *s)
{
	uint64_t n;

	return s->lock_timeout[0] && span_to_u64(&n, span_of(s->lock_timeout), 3600) ? (unsigned int)n
										      : LOCK_TIMEOUT_DEFAULT_S;
}

unsigned int settings_dns_timeout_s(const struct settings *s)
{
	uint64_t n;

	return s->dns_timeout[0] && span_to_u64(&n, span_of(s->dns_timeout), 600) ? (unsigned int)n : DNS_TIMEOUT_DEFAULT_S;
}

unsigned int settings_monitor_pause_min(const struct settings *s)
{
	uint64_t n;

	return s->monitor_pause[0] && span_to_u64(&n, span_of(s->monitor_pause), 1440) ? (unsigned int)n
										       : MONITOR_PAUSE_DEFAULT_MIN;
}
