/* Parses and strips tunnel files. */
#include "tunnel_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"

static bool name_from_path(char name[WG_NAME_MAX], const char *path)
{
	const char *slash = strrchr(path, '/');
	struct span base = span_of(slash ? slash + 1 : path);
	struct span stem = span_sub(base, 0, base.n < 5 ? 0 : base.n - 5);

	if (base.n < 5 || !span_is(span_sub(base, stem.n, 5), ".conf") ||
	    !device_name_is_valid(stem))
		return false;
	memcpy(name, stem.p, stem.n);
	name[stem.n] = '\0';
	return true;
}

bool tunnel_file_name_of(char name[WG_NAME_MAX], const char *argument)
{
	struct span s = span_of(argument);

	if (!device_name_is_valid(s))
		return name_from_path(name, argument);
	memcpy(name, s.p, s.n);
	name[s.n] = '\0';
	return true;
}

bool tunnel_file_has_policy_routing(const struct tunnel_file *f)
{
	return f->interface.table_kind == TABLE_AUTO && !f->interface.netns[0];
}

uint32_t tunnel_file_table(const struct tunnel_file *f)
{
	switch (f->interface.table_kind) {
	case TABLE_AUTO: return TABLE_MAIN;
	case TABLE_OFF: return 0;
	case TABLE_GIVEN: return f->interface.table;
	}
	unreachable();
}

struct reader {
	struct tunnel_file *file;
	struct interface_keys_reader keys;
	struct peer_keys_reader peer;
	struct diag *d;
	unsigned int errors; /* before the section that is read */
	bool routes_outside; /* of the allowed IPs: reported */
	bool in_peer;
	/* the section that is read, for cuts: */
	size_t first_cut;
	const char *begin, *end; /* its header, and the end of its last setting; null: no header yet */
	struct span endpoints; /* of the line being read, those that `strip` leaves out; empty: none */
};

static bool add_cut(struct tunnel_file *f, struct span part, bool line)
{
	if (!vector_reserve(&f->cuts, &f->cap_cuts, f->n_cuts + 1, sizeof *f->cuts))
		return false;
	f->cuts[f->n_cuts++] = (struct tunnel_file_cut){ part, line };
	return true;
}

static bool read_peer_key(struct reader *r, const struct conf_extra *x, size_t peer, struct diag *d)
{
	static struct peer_keys none;

	r->peer.keys = &none;
	if (peer >= r->file->n_peers) /* memory ran out */
		return conf_is_quick_line(x->key, x->value, true);
	r->peer.keys = &r->file->peers[peer];
	return peer_keys_read(&r->peer, x, d);
}

/* For struct conf_options: keys that wg(8) does not know. */
static bool read_key(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	struct reader *r = ctx;

	if (peer < 0 ? !interface_keys_read(&r->keys, x, d) : !read_peer_key(r, x, (size_t)peer, d))
		return false;
	r->end = x->line_text.p + x->line_text.n;
	r->file->has_key_sources |= (peer < 0 ? r->file->interface.private_key.kind : r->peer.keys->psk.kind) != KEY_IN_FILE;
	if (!add_cut(r->file, x->line_text, true))
		r->keys.no_memory = true;
	return true;
}

/* `strip` leaves out a disabled peer from its header to its last setting: one cut in place of those inside it. */
static void cut_disabled(struct reader *r)
{
	struct tunnel_file *f = r->file;
	size_t to = r->first_cut, n = f->n_cuts;

	if (!r->in_peer || !r->begin || f->n_peers == 0 || !f->peers[f->n_peers - 1].disabled)
		return;
	while (to < n && f->cuts[to].part.p < r->end)
		to++;
	if (to == r->first_cut)
		return; /* memory ran out */
	f->cuts[r->first_cut] = (struct tunnel_file_cut){ { r->begin, (size_t)(r->end - r->begin) }, true };
	memmove(&f->cuts[r->first_cut + 1], &f->cuts[to], (n - to) * sizeof *f->cuts);
	f->n_cuts -= to - r->first_cut - 1;
}

/* At the end of a section, because AllowedIPs may follow Routes. A section with an error may lack what was refused. */
static void check_routes(struct reader *r)
{
	struct tunnel_file *f = r->file;
	const struct wg_device *d = &f->device;
	unsigned int errors = r->d->errors;

	if (r->in_peer && f->n_peers > 0 && d->n_peers > 0 && errors == r->errors &&
	    !peer_routes_check(&f->peers[f->n_peers - 1].routes, &d->peers[d->n_peers - 1], r->peer.file, r->d))
		r->peer.no_memory = true;
	r->routes_outside |= r->d->errors > errors;
	r->errors = r->d->errors;
}

/* For struct conf_options. */
static void begin_section(void *ctx, const struct diag_at *at, bool is_peer)
{
	struct reader *r = ctx;
	struct tunnel_file *f = r->file;

	(void)at;
	check_routes(r);
	cut_disabled(r);
	r->in_peer = is_peer;
	r->begin = r->end = NULL;
	r->first_cut = f->n_cuts;
	if (!is_peer)
		return;
	if (f->lines_only && f->n_peers > 0)
		peer_keys_free(&f->peers[--f->n_peers]);
	if (vector_reserve(&f->peers, &f->cap_peers, f->n_peers + 1, sizeof *f->peers))
		f->peers[f->n_peers++] = (struct peer_keys){ 0 };
	else
		r->keys.no_memory = true;
}

/* wireguard-tools strips lines with bash's read, which drops blanks at both ends. */
static struct span without_blanks(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static void cut_blanks(void *ctx, struct span line)
{
	struct reader *r = ctx;
	struct span kept = without_blanks(line);
	struct span before = span_sub(line, 0, (size_t)(kept.p - line.p));
	struct span after = span_sub(line, before.n + kept.n, line.n);

	r->begin = r->begin ? r->begin : line.p; /* the header follows the call of begin_section() */
	if (kept.n > 0 && kept.p[0] != '#')
		r->end = line.p + line.n;
	if ((before.n > 0 && !add_cut(r->file, before, false)) ||
	    (r->endpoints.n > 0 && !add_cut(r->file, r->endpoints, false)) ||
	    (after.n > 0 && !add_cut(r->file, after, false)))
		r->keys.no_memory = true;
	r->endpoints = (struct span){ NULL, 0 };
}

/* wg(8) reads one endpoint. */
static void cut_endpoints(void *ctx, struct span rest)
{
	struct reader *r = ctx;

	r->endpoints = rest;
}

/* Of several sections with the same public key, the device keeps the allowed IPs of the last; the routes
 * must follow. */
static bool drop_replaced_allowedips(struct tunnel_file *f)
{
	struct wg_device *d = &f->device;
	struct peer_index x = { 0 };
	bool ok = peer_index_build(&x, d);

	for (uint32_t i = 0; ok && i < d->n_peers; i++) {
		const struct wg_peer *last = peer_index_find(&x, d, &d->peers[i].public_key);
		if (last == &d->peers[i] || !(last->flags & WG_PEER_REPLACE_ALLOWEDIPS))
			continue;
		d->peers[i].n_allowedips = 0;
		if (i < f->n_peers)
			peer_routes_free(&f->peers[i].routes);
	}
	peer_index_free(&x);
	return ok;
}

/* Moves the disabled peers out of the device. */
static bool separate_disabled(struct tunnel_file *f)
{
	struct wg_device *d = &f->device;
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->n_peers && i < f->n_peers; i++) {
		struct wg_peer *to = f->peers[i].disabled ? device_add_peer(&f->disabled) : &d->peers[n];
		if (!to)
			return false;
		if (to != &d->peers[i]) {
			*to = d->peers[i];
			mem_wipe(&d->peers[i], sizeof d->peers[i]);
		}
		if (f->peers[i].disabled)
			peer_keys_free(&f->peers[i]);
		else
			f->peers[n++] = f->peers[i];
	}
	d->n_peers = n;
	f->n_peers = n;
	return true;
}

static void free_peer_keys(struct tunnel_file *f)
{
	for (size_t i = 0; i < f->n_peers; i++)
		peer_keys_free(&f->peers[i]);
	free(f->peers);
	f->peers = NULL;
	f->n_peers = f->cap_peers = 0;
}

int tunnel_file_parse(struct tunnel_file *f, const struct tunnel_file_lookups *lookups, struct diag *d)
{
	struct reader r = { .file = f, .keys = { .keys = &f->interface, .file = f->path,
						 .find_table = lookups->table, .folder = f->folder, .interface = f->name },
			    .peer = { .file = f->path, .folder = f->folder, .interface = f->name } };
	struct conf_options o = { .file = f->path, .origins = f->origins, .extra = read_key, .section = begin_section, .ctx = &r,
				  .scopes = lookups->scopes, .service = lookups->service,
				  .endpoint_list = cut_endpoints,
				  .emit_line = f->lines_only ? cut_blanks : NULL,
				  .no_names = f->lines_only, .discard_peers = f->lines_only,
				  .max_errors = UINT_MAX };
	struct diag_at at = { .file = f->path };
	struct span text = { f->text, f->n_text };
	struct conf_origin_diag translated;
	int error;

	conf_origin_diag_init(&translated, f->origins, d);
	r.d = d = &translated.d;
	if (span_trim(text).n == 0) {
		struct diag_at begin = { .file = f->path, .line = 1, .column = 1 };
		diag_f(d, DIAG_WARNING, &begin, NULL, "the file is empty");
	}
	error = conf_read(&f->device, text, &o, d);
	check_routes(&r);
	if (error != -ENOMEM && (r.routes_outside || !bind_keys_check(&f->interface.bind, f->path, d)))
		error = -EINVAL;
	prefix_set_normalize(&f->interface.excluded);
	cut_disabled(&r);
	if (error == 0 && (r.keys.no_memory || r.peer.no_memory || !separate_disabled(f) ||
			   !drop_replaced_allowedips(f)))
		error = -ENOMEM;
	if (error < 0) {
		free_peer_keys(f);
		device_free(&f->device);
	}
	if (error == -ENOMEM)
		diag_f(d, DIAG_ERROR, &at, NULL, "out of memory");
	memcpy(f->device.name, f->name, sizeof f->name);
	return error;
}

struct diag_at tunnel_file_line_at(const struct tunnel_file *f, unsigned int line)
{
	struct diag_at at = { .line = line };

	conf_origin_translate(f->origins, &at);
	if (f->origins && at.file == f->origins->files[0])
		at.file = NULL;
	return at;
}

struct diag_at tunnel_file_hook_at(const struct tunnel_file *f, enum hook_phase phase, size_t i)
{
	return tunnel_file_line_at(f, f->interface.positions[phase].lines[i]);
}

void tunnel_file_discard(struct tunnel_file *f)
{
	device_free(&f->device);
	device_free(&f->disabled);
	free_peer_keys(f);
	interface_keys_free(&f->interface);
	free(f->cuts);
	f->cuts = NULL;
	f->n_cuts = f->cap_cuts = 0;
	f->has_key_sources = false;
}

void tunnel_file_free(struct tunnel_file *f)
{
	tunnel_file_discard(f);
	if (f->text)
		mem_wipe(f->text, f->n_text);
	free(f->text);
	free(f->path);
	free(f->folder);
	string_list_free(&f->drop_ins);
	if (f->origins) {
		free(f->origins->lines);
		free(f->origins->files);
	}
	free(f->origins);
	*f = (struct tunnel_file){ 0 };
}

static char *move_to(char *to, const char *from, const char *end)
{
	memmove(to, from, (size_t)(end - from));
	return to + (end - from);
}

void tunnel_file_strip(struct tunnel_file *f)
{
	const char *from = f->text, *end = f->text + f->n_text;
	char *to = f->text;

	for (size_t i = 0; i < f->n_cuts; i++) {
		const struct tunnel_file_cut *cut = &f->cuts[i];
		to = move_to(to, from, cut->part.p);
		from = cut->part.p + cut->part.n;
		from += cut->line && from < end;
	}
	to = move_to(to, from, end);
	mem_wipe(to, (size_t)(end - to));
	f->n_text = (size_t)(to - f->text);
}
