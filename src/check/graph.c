/* Prints meshes as DOT. */
#include "graph.h"

#include <stdlib.h>

#include "base/vector.h"
#include "finding.h"

enum { LABEL_PREFIXES = 4, KEY_CHARS = 8 };

/* A peer section, with the file that it means. Sorted by public key. */
struct end {
	const struct check_file *file;
	const struct check_peer *peer;
	const struct check_file *other; /* null: there is no file with this key */
	size_t group;                   /* the first end with the same key: an external node */
};

/* A file by its public key. */
struct host {
	const struct wg_public *key;
	const struct check_file *file;
};

struct graph {
	struct check *c;
	struct text *t;
	struct end *ends;
	size_t n_ends;
	struct host *hosts;
	size_t n_hosts;
	bool *red_file;                /* of c->files */
	const struct check_found **of_peer; /* per end before sorting: its first error or warning */
};

/* ---- texts ---- */

/* In a quoted string of DOT, '"' and '\' are escaped; findings and names have no control characters. */
static void print_escaped(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			text_char(t, '\\');
		text_char(t, (unsigned char)s.p[i] < ' ' || s.p[i] == 127 ? '?' : s.p[i]);
	}
}

static struct span name_of(const struct check_file *f)
{
	const char *slash = strrchr(f->in.path, '/');
	struct span s = span_of(slash ? slash + 1 : f->in.path);

	return s.n > 5 && span_is(span_sub(s, s.n - 5, s.n), ".conf") ? span_sub(s, 0, s.n - 5) : s;
}

static void print_allowed_ips(struct text *t, const char *arrow, const struct check_file *f, const struct check_peer *p)
{
	char buffer[IP_PREFIX_TEXT_MAX];

	text_add(t, arrow);
	for (size_t i = 0; i < p->n_ips && i < LABEL_PREFIXES; i++)
		text_f(t, "%s%s", i > 0 ? ", " : " ", prefix_text(buffer, &f->ips[p->first_ip + i].prefix));
	if (p->n_ips > LABEL_PREFIXES)
		text_f(t, " and %zu more", p->n_ips - LABEL_PREFIXES);
}

/* ---- what is red ---- */

/* The peer whose section has the line, or -1: another section. Sections are in the order of lines. */
static long peer_at(const struct check_file *f, uint32_t line)
{
	size_t low = 0, high = f->n_peers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (f->peers[middle].section.line <= line)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && f->peers[low - 1].end > 0 && line >= f->peers[low - 1].end ? -1 : (long)low - 1;
}

static void mark(struct graph *g, const struct check_found *found, const struct check_file *f, uint32_t line,
		 const size_t first_end[])
{
	long peer = peer_at(f, line);

	if (peer < 0)
		g->red_file[f->number] = true;
	else if (!g->of_peer[first_end[f->number] + (size_t)peer])
		g->of_peer[first_end[f->number] + (size_t)peer] = found;
}

static void mark_all(struct graph *g, const size_t first_end[])
{
	for (size_t i = 0; i < g->c->n_found; i++) {
		const struct check_found *found = &g->c->found[i];
		if (found->level == DIAG_NOTE)
			continue;
		mark(g, found, found->file, found->at.line, first_end);
		if (found->note)
			mark(g, found, found->note_file, found->note_at.line, first_end);
	}
}

/* ---- nodes and edges ---- */

static int compare_hosts(const void *a, const void *b)
{
	return memcmp(((const struct host *)a)->key, ((const struct host *)b)->key, sizeof(struct wg_public));
}

static const struct check_file *file_of(const struct graph *g, const struct wg_public *key)
{
	const struct host wanted = { key, NULL }, *h = g->n_hosts == 0 ? NULL :
		bsearch(&wanted, g->hosts, g->n_hosts, sizeof wanted, compare_hosts);

	return h ? h->file : NULL;
}

/* Ends by key, then file, then place. */
static int compare_ends(const void *a, const void *b)
{
	const struct end *x = a, *y = b;
	int order = memcmp(&x->peer->public_key, &y->peer->public_key, sizeof x->peer->public_key);

	if (order != 0)
		return order;
	if (x->file != y->file)
		return x->file->number < y->file->number ? -1 : 1;
	return x->peer < y->peer ? -1 : x->peer > y->peer;
}

/* The peer of `f` that is `other`; null: it has none. */
static const struct check_peer *back_of(const struct graph *g, const struct check_file *f, const struct check_file *other)
{
	const struct check_peer wanted_peer = { .public_key = other->public_key };
	size_t low = 0, high = g->n_ends;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct end *e = &g->ends[middle];
		int order = memcmp(&e->peer->public_key, &wanted_peer.public_key, sizeof wanted_peer.public_key);
		if (order < 0 || (order == 0 && e->file->number < f->number))
			low = middle + 1;
		else
			high = middle;
	}
	return low < g->n_ends && g->ends[low].file == f &&
	       memcmp(&g->ends[low].peer->public_key, &other->public_key, sizeof other->public_key) == 0 ?
	       g->ends[low].peer : NULL;
}

static void print_file(struct graph *g, const struct check_file *f)
{
	char buffer[IP_PREFIX_TEXT_MAX];

	text_f(g->t, "  f%u [label=\"", f->number);
	print_escaped(g->t, name_of(f));
	for (size_t i = 0; i < f->n_addresses && i < LABEL_PREFIXES; i++)
		text_f(g->t, "\\n%s", address_text(buffer, &f->addresses[i].addr));
	text_f(g->t, "\"%s];\n", g->red_file[f->number] ? ", color=red" : "");
}

static void print_external(struct graph *g, const struct end *e, size_t number)
{
	char key[KEY_BASE64_CHARS + 1];

	text_f(g->t, "  p%zu [label=\"", number);
	key_to_base64(key, e->peer->public_key.b);
	if (e->peer->name)
		print_escaped(g->t, span_of(e->peer->name));
	else
		text_f(g->t, "%.*s...", KEY_CHARS, key);
	text_add(g->t, "\", color=gray, fontcolor=gray];\n");
}

static void print_edge(struct graph *g, const struct end *e, const struct check_peer *back, const struct check_found *found)
{
	/* The endpoints of an external node are unknown. */
	bool has_endpoint = !e->other || e->peer->endpoint_at.line || (back && back->endpoint_at.line);

	if (e->other)
		text_f(g->t, "  f%u -- f%u [label=\"", e->file->number, e->other->number);
	else
		text_f(g->t, "  f%u -- p%zu [label=\"", e->file->number, e->group);
	print_allowed_ips(g->t, "\u2192", e->file, e->peer);
	if (back) {
		text_add(g->t, "\\n");
		print_allowed_ips(g->t, "\u2190", e->other, back);
	}
	text_char(g->t, '"');
	if (e->other && !back)
		text_add(g->t, ", dir=forward");
	if (!has_endpoint)
		text_add(g->t, ", style=dashed");
	if (found) {
		text_add(g->t, ", color=red, fontcolor=red, tooltip=\"");
		print_escaped(g->t, span_of(g->c->texts.p + found->text));
		text_char(g->t, '"');
	}
	text_add(g->t, "];\n");
}

/* ---- the graph ---- */

static const struct check_found *found_of(const struct graph *g, const size_t first_end[], const struct check_file *f,
					  const struct check_peer *p)
{
	return p ? g->of_peer[first_end[f->number] + (size_t)(p - f->peers)] : NULL;
}

static void collect(struct graph *g)
{
	for (size_t i = 0; i < g->c->n_files; i++)
		if (g->c->files[i]->has_private)
			g->hosts[g->n_hosts++] = (struct host){ &g->c->files[i]->public_key, g->c->files[i] };
	if (g->n_hosts > 0)
		qsort(g->hosts, g->n_hosts, sizeof *g->hosts, compare_hosts);
	for (size_t i = 0; i < g->c->n_files; i++) {
		const struct check_file *f = g->c->files[i];
		for (size_t j = 0; j < f->n_peers; j++)
			if (f->peers[j].has_key)
				g->ends[g->n_ends++] = (struct end){ .file = f, .peer = &f->peers[j],
								     .other = file_of(g, &f->peers[j].public_key) };
	}
	if (g->n_ends > 0)
		qsort(g->ends, g->n_ends, sizeof *g->ends, compare_ends);
	for (size_t i = 0; i < g->n_ends; i++) {
		bool same = i > 0 && memcmp(&g->ends[i].peer->public_key, &g->ends[i - 1].peer->public_key, KEY_BYTES) == 0;
		g->ends[i].group = same ? g->ends[i - 1].group : i;
	}
}

static void print(struct graph *g, const size_t first_end[])
{
	text_add(g->t, "graph wireguard {\n  node [shape=box, style=rounded];\n");
	for (size_t i = 0; i < g->c->n_files; i++)
		print_file(g, g->c->files[i]);
	for (size_t i = 0; i < g->n_ends; i++)
		if (!g->ends[i].other && g->ends[i].group == i)
			print_external(g, &g->ends[i], i);
	for (size_t i = 0; i < g->n_ends; i++) {
		const struct end *e = &g->ends[i];
		const struct check_peer *back = e->other && e->file->has_private ? back_of(g, e->other, e->file) : NULL;
		const struct check_found *found = found_of(g, first_end, e->file, e->peer);
		bool repeated = i > 0 && g->ends[i - 1].group == e->group && g->ends[i - 1].file == e->file;
		/* The end of the file with the lower number prints the pair. */
		if (repeated || (back && e->file->number > e->other->number))
			continue;
		print_edge(g, e, back, found ? found : found_of(g, first_end, e->other, back));
	}
	text_add(g->t, "}\n");
}

bool check_graph(struct text *t, struct check *c)
{
	struct graph g = { .c = c, .t = t };
	size_t n = 0, *first_end = calloc(c->n_files + 1, sizeof *first_end);

	for (size_t i = 0; first_end && i < c->n_files; i++) {
		first_end[i] = n;
		n += c->files[i]->n_peers;
	}
	g.ends = calloc(n + 1, sizeof *g.ends);
	g.of_peer = calloc(n + 1, sizeof *g.of_peer);
	g.hosts = calloc(c->n_files + 1, sizeof *g.hosts);
	g.red_file = calloc(c->n_files + 1, sizeof *g.red_file);
	if (first_end && g.ends && g.of_peer && g.hosts && g.red_file) {
		collect(&g);
		mark_all(&g, first_end);
		print(&g, first_end);
	} else {
		c->no_memory = true;
	}
	free(g.ends);
	free(g.of_peer);
	free(g.hosts);
	free(g.red_file);
	free(first_end);
	return !c->no_memory && !t->failed;
}
