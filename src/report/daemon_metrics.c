/* A strict reader of the subset of OpenMetrics 1.0 that wireguardd(8) writes: counters, gauges and infos with labels. */
#include "daemon_metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vector.h"

static const char prefix[] = "wireguardd_", end_line[] = "# EOF\n";

enum { LABELS_MAX = 8 };

struct metrics_reader {
	struct daemon_metrics *out;
	const char *device; /* escaped */
	struct span label_names[LABELS_MAX]; /* of the sample of this family that has most */
	size_t n_label_names;
	enum { EXPECT_SAMPLE, EXPECT_UNIT, EXPECT_HELP } state; /* UNIT: or HELP */
	bool no_memory;
};

void daemon_metrics_free(struct daemon_metrics *m)
{
	free(m->text);
	free(m->families);
	free(m->samples);
	*m = (struct daemon_metrics){ 0 };
}

/* ---- characters ---- */

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);
		if (!(c >= 'a' && c <= 'z') && c != '_' && !(i > 0 && ascii_is_digit(c)))
			return false;
	}
	return s.n > 0;
}

/* Printable ASCII; help texts have other escapes in the two formats, so they may have none. */
static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '\\' || s.p[i] == '"')
			return false;
	return s.n > 0;
}

static bool ends_with(struct span s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n > n && span_is(span_sub(s, s.n - n, n), suffix);
}

/* Samples of two families would have the same name. */
static bool has_reserved_suffix(struct span name)
{
	static const char *const suffixes[] = { "_total", "_info", "_created", "_count", "_sum", "_bucket" };

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (ends_with(name, suffixes[i]))
			return true;
	return false;
}

/* Digits, and perhaps a fraction. */
static bool is_number(struct span s)
{
	size_t dot = span_find(s, '.');
	uint64_t v;

	for (size_t i = dot + 1; i < s.n; i++)
		if (!ascii_is_digit(s.p[i]))
			return false;
	return s.n < 64 && span_to_u64(&v, span_sub(s, 0, dot), UINT64_MAX) && dot + 1 != s.n;
}

/* ---- labels ---- */

/* Cuts NAME="VALUE" off *rest. False: malformed. */
static bool next_label(struct span *name, struct span *value, struct span *rest)
{
	size_t equals = span_find(*rest, '='), i = equals + 2;

	*name = span_sub(*rest, 0, equals);
	if (!is_name(*name) || equals + 1 >= rest->n || rest->p[equals + 1] != '"')
		return false;
	for (; i < rest->n && rest->p[i] != '"'; i++) {
		if (rest->p[i] < ' ' || rest->p[i] > '~')
			return false;
		if (rest->p[i] == '\\' && (++i == rest->n || !strchr("n\\\"", rest->p[i])))
			return false;
	}
	if (i >= rest->n)
		return false;
	*value = span_sub(*rest, equals + 2, i - equals - 2);
	*rest = span_sub(*rest, i + 1, rest->n);
	return true;
}

/* The device as the daemon writes it in a label. */
static void escape_device(struct text *t, const char *device)
{
	for (const char *c = device; *c; c++) {
		if (*c == '\n')
			text_add(t, "\\n");
		else if (*c == '"' || *c == '\\')
			text_f(t, "\\%c", *c);
		else
			text_char(t, *c < ' ' || *c > '~' ? '?' : *c);
	}
}

/* Reads the names. The first label must be the interface, so that no daemon has samples of another one, and no value may be
 * empty, which would mean that the label is absent. */
static bool read_labels(struct span names[LABELS_MAX], size_t *n, struct span labels, const char *device)
{
	struct span value, rest = labels;

	for (*n = 0; *n < LABELS_MAX;) {
		if (!next_label(&names[*n], &value, &rest) || value.n == 0)
			return false;
		if (*n == 0 && !(span_is(names[0], "interface") && span_is(value, device)))
			return false;
		for (size_t i = 0; i < *n; i++)
			if (span_equal(names[i], names[*n]))
				return false;
		++*n;
		if (rest.n == 0)
			return true;
		if (rest.p[0] != ',')
			return false;
		rest = span_sub(rest, 1, rest.n);
	}
	return false;
}

/* The names must be those of the family's other samples, in the same order, of which the last ones may be absent. Samples
 * with the same labels are then the same text. */
static bool labels_are_valid(struct metrics_reader *r, struct span labels)
{
	struct span names[LABELS_MAX];
	size_t n;

	if (!read_labels(names, &n, labels, r->device))
		return false;
	for (size_t i = 0; i < n && i < r->n_label_names; i++)
		if (!span_equal(names[i], r->label_names[i]))
			return false;
	if (n > r->n_label_names) {
		memcpy(r->label_names, names, n * sizeof *names);
		r->n_label_names = n;
	}
	return true;
}

/* ---- lines ---- */

static bool read_kind(enum metric_kind *out, struct span word)
{
	static const char *const words[] = { "counter", "gauge", "info" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (span_is(word, words[i])) {
			*out = (enum metric_kind)i;
			return true;
		}
	return false;
}

static bool read_type(struct metrics_reader *r, struct span name, struct span word)
{
	struct daemon_metrics *m = r->out;
	struct metric_family f = { .name = name, .first = m->n_samples };

	if (r->state != EXPECT_SAMPLE || !is_name(name) || !span_starts(name, prefix) || has_reserved_suffix(name) ||
	    !read_kind(&f.kind, word))
		return false;
	if (!vector_reserve(&m->families, &m->cap_families, m->n_families + 1, sizeof *m->families)) {
		r->no_memory = true;
		return false;
	}
	m->families[m->n_families++] = f;
	r->n_label_names = 0;
	r->state = EXPECT_UNIT;
	return true;
}

/* A line "# WORD NAME TEXT". */
static bool read_metadata(struct metrics_reader *r, struct span rest)
{
	struct daemon_metrics *m = r->out;
	struct metric_family *f = m->n_families > 0 ? &m->families[m->n_families - 1] : NULL;
	struct span word, name;

	if (!span_next(&word, &rest, ' ') || !span_next(&name, &rest, ' ') || !is_plain(rest))
		return false;
	if (span_is(word, "TYPE"))
		return read_type(r, name, rest);
	if (!f || !span_equal(name, f->name))
		return false;
	if (span_is(word, "UNIT") && r->state == EXPECT_UNIT) {
		f->unit = rest;
		r->state = EXPECT_HELP;
		return is_name(rest) && f->kind != METRIC_KIND_INFO && f->name.n > rest.n + 1 &&
		       span_equal(span_sub(f->name, f->name.n - rest.n, rest.n), rest) &&
		       f->name.p[f->name.n - rest.n - 1] == '_';
	}
	if (span_is(word, "HELP") && r->state != EXPECT_SAMPLE) {
		f->help = rest;
		r->state = EXPECT_SAMPLE;
		return true;
	}
	return false;
}

static bool read_sample(struct metrics_reader *r, struct span line)
{
	static const char *const suffixes[] = { "_total", "", "_info" };
	struct daemon_metrics *m = r->out;
	struct metric_family *f = m->n_families > 0 ? &m->families[m->n_families - 1] : NULL;
	size_t open = span_find(line, '{'), close = span_find_last(line, '}');
	struct span name = span_sub(line, 0, open), tail = span_sub(line, close, line.n);
	struct metric_sample s;

	if (!f || r->state != EXPECT_SAMPLE || close == line.n || close < open || !span_starts(tail, "} "))
		return false;
	s.labels = span_sub(line, open + 1, close - open - 1);
	s.value = span_sub(tail, 2, tail.n);
	if (name.n < f->name.n || !span_equal(span_sub(name, 0, f->name.n), f->name) ||
	    !span_is(span_sub(name, f->name.n, name.n), suffixes[f->kind]) ||
	    !labels_are_valid(r, s.labels) || !is_number(s.value) ||
	    (f->kind == METRIC_KIND_INFO && !span_is(s.value, "1")))
		return false;
	if (!vector_reserve(&m->samples, &m->cap_samples, m->n_samples + 1, sizeof *m->samples)) {
		r->no_memory = true;
		return false;
	}
	m->samples[m->n_samples++] = s;
	f->n++;
	return true;
}

static bool read_lines(struct metrics_reader *r, struct span text)
{
	struct span line;

	while (text.n > 0 && span_next(&line, &text, '\n')) {
		bool is_metadata = span_starts(line, "# ");
		if (!(is_metadata ? read_metadata(r, span_sub(line, 2, line.n)) : read_sample(r, line)))
			return false;
	}
	return r->state == EXPECT_SAMPLE;
}

/* ---- repetitions ---- */

static int compare_spans(struct span a, struct span b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

int metric_family_compare(const struct metric_family *a, const struct metric_family *b)
{
	return compare_spans(a->name, b->name);
}

static int compare_families(const void *a, const void *b)
{
	return metric_family_compare(a, b);
}

static int compare_samples(const void *a, const void *b)
{
	return compare_spans(((const struct metric_sample *)a)->labels, ((const struct metric_sample *)b)->labels);
}

/* Sorts the families by name. Two of the same name, or two samples with the same labels, are refused. */
static bool are_distinct(struct daemon_metrics *m)
{
	for (size_t i = 0; i < m->n_families; i++) {
		size_t n = m->families[i].n;
		struct metric_sample *s = n > 0 ? &m->samples[m->families[i].first] : NULL;

		if (n > 1)
			qsort(s, n, sizeof *s, compare_samples);
		for (size_t k = 1; k < n; k++)
			if (span_equal(s[k - 1].labels, s[k].labels))
				return false;
	}
	if (m->n_families > 1)
		qsort(m->families, m->n_families, sizeof *m->families, compare_families);
	for (size_t i = 1; i < m->n_families; i++)
		if (span_equal(m->families[i - 1].name, m->families[i].name))
			return false;
	return true;
}

int daemon_metrics_read(struct daemon_metrics *out, const char *device, struct span text)
{
	char escaped[64];
	struct text device_label = text_fixed(escaped, sizeof escaped);
	struct metrics_reader r = { .out = out, .device = escaped };
	size_t n = text.n - (sizeof end_line - 1);
	bool ok;

	*out = (struct daemon_metrics){ 0 };
	escape_device(&device_label, device);
	if (text.n < sizeof end_line - 1 || !span_is(span_sub(text, n, text.n), end_line))
		return -EINVAL;
	out->text = span_dup(text);
	if (!out->text)
		return -ENOMEM;
	ok = read_lines(&r, (struct span){ out->text, n }) && are_distinct(out);
	if (!ok)
		daemon_metrics_free(out);
	return ok ? 0 : r.no_memory ? -ENOMEM : -EINVAL;
}
