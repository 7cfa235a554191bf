/* Sections are collected from all files, and then printed. */
#include "drop_ins.h"

#include <stdlib.h>

#include "sections.h"

struct merged_line {
	struct span text;
	struct conf_origin from;
};

struct lines {
	struct merged_line *list;
	size_t n, cap;
};

struct part {
	struct lines lead; /* blank lines and comments before it */
	struct lines code; /* from the header to the last setting */
	enum { PART_START, PART_INTERFACE, PART_PEER, PART_OTHER } kind; /* PART_START: settings before the first section */
	struct wg_public key;
	bool has_key;
};

struct merger {
	struct part *parts; /* of all files; the first is PART_START */
	size_t n, cap;
	struct lines tail;  /* of the tunnel file */
	struct by_key {
		struct wg_public key;
		size_t part;
	} *index;           /* of those before, sorted */
	size_t n_index;
};

static bool add(struct lines *l, const struct merged_line *line)
{
	if (!vector_reserve(&l->list, &l->cap, l->n + 1, sizeof *l->list))
		return false;
	l->list[l->n++] = *line;
	return true;
}

static bool add_all(struct lines *to, const struct lines *from)
{
	bool ok = true;

	for (size_t i = 0; ok && i < from->n; i++)
		ok = add(to, &from->list[i]);
	return ok;
}

static struct part *add_part(struct merger *m)
{
	if (!vector_reserve(&m->parts, &m->cap, m->n + 1, sizeof *m->parts))
		return NULL;
	m->parts[m->n] = (struct part){ .kind = PART_START };
	return &m->parts[m->n++];
}

/* ---- lines ---- */

static struct span code_of(struct span line)
{
	return span_trim(conf_without_comment(line));
}

static bool split(struct span line, struct span *key, struct span *value)
{
	struct span code = code_of(line);
	size_t equals = span_find(code, '=');

	*key = span_trim(span_sub(code, 0, equals));
	*value = span_trim(span_sub(code, equals + 1, code.n));
	return equals < code.n;
}

static bool key_is(struct span line, const char *wanted)
{
	struct span key, value;

	return split(line, &key, &value) && span_is_spaced(key, wanted);
}

/* As the parser reads it: blanks inside have no meaning. */
static bool public_key_of(struct wg_public *out, struct span line)
{
	char compact[KEY_BASE64_CHARS + 1];
	struct text t = text_fixed(compact, sizeof compact);
	struct span key, value;

	if (!split(line, &key, &value) || !span_is_spaced(key, "PublicKey"))
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_is_blank(value.p[i]))
			text_char(&t, value.p[i]);
	return !t.failed && key_from_base64(out->b, text_of(&t));
}

static void find_key(struct part *p)
{
	for (size_t i = 0; p->kind == PART_PEER && i < p->code.n; i++)
		p->has_key |= public_key_of(&p->key, p->code.list[i].text);
}

/* ---- what a line of a drop-in discards ---- */

/* The other spelling of a secret key. */
static const char *alternative_of(struct span key)
{
	static const char *const pairs[][2] = { { "PrivateKey", "PrivateKeyFile" }, { "PresharedKey", "PresharedKeyFile" } };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		for (size_t k = 0; k < 2; k++)
			if (span_is_spaced(key, pairs[i][k]))
				return pairs[i][1 - k];
	return NULL;
}

static bool same_key(struct span a, struct span b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.n && ascii_is_blank(a.p[i]))
			i++;
		while (k < b.n && ascii_is_blank(b.p[k]))
			k++;
		if (i == a.n || k == b.n)
			return i == a.n && k == b.n;
		if (ascii_lower(a.p[i++]) != ascii_lower(b.p[k++]))
			return false;
	}
}

/* file: lines of this one stay where the key has a value. */
static void discard(struct part *p, struct span key, const char *alternative, bool is_empty, uint32_t file)
{
	size_t n = 0;

	for (size_t i = 0; i < p->code.n; i++) {
		struct span line_key, value;
		bool goes = i > 0 && split(p->code.list[i].text, &line_key, &value) &&
			    (same_key(line_key, key) || (alternative && span_is_spaced(line_key, alternative))) &&
			    (is_empty || p->code.list[i].from.file < file);
		if (!goes)
			p->code.list[n++] = p->code.list[i];
	}
	p->code.n = n;
}

/* `KEY =` of a key that can be left out; the value of a hook may begin with '#'. */
static bool is_reset(struct span line, struct span key, struct span value)
{
	if (conf_is_hook_key(key))
		return span_trim(span_sub(line, span_find(line, '=') + 1, line.n)).n == 0;
	return value.n == 0 && !span_is_spaced(key, "PublicKey") && conf_is_key(key);
}

/* Adds a setting of a drop-in to a section. */
static bool add_setting(struct merger *m, struct part *to, const struct merged_line *line)
{
	struct span key, value;
	bool is_setting = to->kind != PART_OTHER && split(line->text, &key, &value);
	bool in_peer = to->kind == PART_PEER, is_empty = is_setting && is_reset(line->text, key, value);
	const char *alternative = is_setting ? alternative_of(key) : NULL;

	if (is_empty || alternative) {
		for (size_t i = 0; !in_peer && i < m->n; i++)
			if (m->parts[i].kind == PART_INTERFACE)
				discard(&m->parts[i], key, alternative, is_empty, line->from.file);
		if (in_peer)
			discard(to, key, alternative, is_empty, line->from.file);
	}
	return is_empty || add(&to->code, line);
}

/* ---- files ---- */

static enum line_kind simple_kind(struct span line)
{
	return code_of(line).n > 0 ? LINE_CODE : LINE_COMMENT;
}

static bool begins_section(struct span line)
{
	struct span code = code_of(line);

	return code.n > 0 && code.p[0] == '[';
}

/* The sections of one file, the last of which may be only a lead: what follows the last setting. */
static bool split_file(struct merger *out, struct span text, uint32_t file)
{
	struct lines pending = { 0 };
	struct part *p = add_part(out);
	struct merged_line line = { .from = { file, 0 } };
	bool ok = p != NULL;

	while (ok && span_next(&line.text, &text, '\n')) {
		if (!text.p && line.text.n == 0)
			break;
		line.from.line++;
		if (simple_kind(line.text) != LINE_CODE) {
			ok = add(&pending, &line);
			continue;
		}
		if (begins_section(line.text)) {
			struct span code = code_of(line.text);
			p = add_part(out);
			if (!p)
				break;
			p->kind = span_is_spaced(code, "[Interface]") ? PART_INTERFACE : span_is_spaced(code, "[Peer]") ? PART_PEER : PART_OTHER;
			p->lead = pending;
			pending = (struct lines){ 0 };
		}
		ok = add_all(&p->code, &pending) && add(&p->code, &line);
		pending.n = 0;
	}
	for (size_t i = 0; i < out->n; i++)
		find_key(&out->parts[i]);
	ok = ok && p && add_all(&out->tail, &pending);
	free(pending.list);
	return ok;
}

static int compare_keys(const void *a, const void *b)
{
	const struct by_key *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof x->key);

	return order ? order : x->part < y->part ? -1 : x->part > y->part;
}

static bool index_peers(struct merger *m)
{
	free(m->index);
	m->n_index = 0;
	m->index = calloc(m->n + 1, sizeof *m->index);
	for (size_t i = 0; m->index && i < m->n; i++)
		if (m->parts[i].has_key)
			m->index[m->n_index++] = (struct by_key){ m->parts[i].key, i };
	if (m->n_index > 0)
		qsort(m->index, m->n_index, sizeof *m->index, compare_keys);
	return m->index != NULL;
}

/* The index after the last section with the key. */
static size_t end_of_key(const struct merger *m, const struct wg_public *key)
{
	size_t low = 0, high = m->n_index;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(&m->index[middle].key, key, sizeof *key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of_key(const struct merger *m, size_t i, const struct wg_public *key)
{
	return i > 0 && memcmp(&m->index[i - 1].key, key, sizeof *key) == 0;
}

/* Several sections have the key: what is to be done with all of them is said in each. */
static bool is_for_all(struct span line)
{
	return key_is(line, "Disabled");
}

static bool add_to_peer(struct merger *m, const struct part *from, size_t end)
{
	bool ok = true;

	for (size_t i = end; ok && is_of_key(m, i, &from->key); i--)
		for (size_t k = 1; ok && k < from->code.n; k++) {
			struct span line = from->code.list[k].text;
			if (!key_is(line, "PublicKey") && (i == end || is_for_all(line)))
				ok = add_setting(m, &m->parts[m->index[i - 1].part], &from->code.list[k]);
		}
	return ok;
}

static bool add_section(struct merger *m, const struct part *from)
{
	struct part *to = add_part(m);
	bool ok = to && add_all(&to->lead, &from->lead);

	if (!ok)
		return false;
	to->kind = from->kind;
	for (size_t i = 0; ok && i < from->code.n; i++)
		ok = i == 0 ? add(&to->code, &from->code.list[i]) : add_setting(m, &m->parts[m->n - 1], &from->code.list[i]);
	find_key(&m->parts[m->n - 1]);
	return ok;
}

static void free_parts(struct merger *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->parts[i].lead.list);
		free(m->parts[i].code.list);
	}
	free(m->parts);
	free(m->tail.list);
	free(m->index);
	*m = (struct merger){ 0 };
}

/* Settings before the first section stay before all sections, where the parser refuses them. */
static bool add_file(struct merger *m, const struct drop_in *file, uint32_t number)
{
	struct merger one = { 0 };
	bool ok = index_peers(m) && split_file(&one, file->text, number) && add_all(&m->parts[0].code, &one.parts[0].code);

	for (size_t i = 1; ok && i < one.n; i++) {
		const struct part *p = &one.parts[i];
		size_t end = p->has_key ? end_of_key(m, &p->key) : 0;
		ok = is_of_key(m, end, &p->key) ? add_to_peer(m, p, end) : add_section(m, p);
	}
	free_parts(&one);
	return ok;
}

/* ---- the result ---- */

struct printer {
	struct text *text;
	struct conf_origins *origins;
	size_t cap;
};

static bool print(struct printer *p, const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!vector_reserve(&p->origins->lines, &p->cap, p->origins->n + 1, sizeof *p->origins->lines))
			return false;
		p->origins->lines[p->origins->n++] = l->list[i].from;
		text_span(p->text, l->list[i].text);
		text_char(p->text, '\n');
	}
	return !p->text->failed;
}

static bool print_all(struct printer *p, const struct merger *m, size_t n_main)
{
	bool ok = true;

	for (size_t i = 0; ok && i < m->n; i++) {
		if (i == n_main)
			ok = print(p, &m->tail);
		ok = ok && print(p, &m->parts[i].lead) && print(p, &m->parts[i].code);
	}
	return ok && (m->n > n_main || print(p, &m->tail));
}

static bool list_files(struct conf_origins *o, const struct drop_in files[], size_t n)
{
	o->files = calloc(n + 1, sizeof *o->files);
	for (size_t i = 0; o->files && i < n; i++)
		o->files[i] = files[i].path;
	return o->files != NULL;
}

bool drop_ins_merge(struct text *text, struct conf_origins *origins, const struct drop_in files[], size_t n)
{
	struct merger m = { 0 };
	struct printer p = { .text = text, .origins = origins };
	size_t n_main;
	bool ok;

	*text = text_heap();
	*origins = (struct conf_origins){ .files = NULL };
	ok = list_files(origins, files, n) && split_file(&m, files[0].text, 0);
	n_main = m.n;
	for (size_t i = 1; ok && i < n; i++)
		ok = add_file(&m, &files[i], (uint32_t)i);
	ok = ok && print_all(&p, &m, n_main);
	free_parts(&m);
	if (ok)
		return true;
	text_heap_free(text);
	free(origins->lines);
	free(origins->files);
	*origins = (struct conf_origins){ .files = NULL };
	return false;
}
