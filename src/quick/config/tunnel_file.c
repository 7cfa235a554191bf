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
};

static bool add_cut(struct tunnel_file *f, struct span part, bool line)
{
	if (!vector_reserve(&f->cuts, &f->cap_cuts, f->n_cuts + 1, sizeof *f->cuts))
		return false;
	f->cuts[f->n_cuts++] = (struct tunnel_file_cut){ part, line };
	return true;
}

/* For struct conf_options: keys that wg(8) does not know. */
static bool read_key(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	struct reader *r = ctx;

	if (peer >= 0 || !interface_keys_read(&r->keys, x, d))
		return false;
	if (!add_cut(r->file, x->line_text, true))
		r->keys.no_memory = true;
	return true;
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

	if ((before.n > 0 && !add_cut(r->file, before, false)) ||
	    (after.n > 0 && !add_cut(r->file, after, false)))
		r->keys.no_memory = true;
}

/* Of several sections with the same public key, the device keeps the allowed IPs of the last; the routes
 * must follow. */
static bool drop_replaced_allowedips(struct wg_device *d)
{
	struct peer_index x = { 0 };
	bool ok = peer_index_build(&x, d);

	for (uint32_t i = 0; ok && i < d->n_peers; i++) {
		const struct wg_peer *last = peer_index_find(&x, d, &d->peers[i].public_key);
		if (last != &d->peers[i] && (last->flags & WG_PEER_REPLACE_ALLOWEDIPS))
			d->peers[i].n_allowedips = 0;
	}
	peer_index_free(&x);
	return ok;
}

int tunnel_file_parse(struct tunnel_file *f, const struct tunnel_file_lookups *lookups, struct diag *d)
{
	struct reader r = { .file = f, .keys = { .keys = &f->interface, .file = f->path,
						 .find_table = lookups->table } };
	struct conf_options o = { .file = f->path, .extra = read_key, .ctx = &r,
				  .scopes = lookups->scopes, .service = lookups->service,
				  .emit_line = f->lines_only ? cut_blanks : NULL,
				  .no_names = f->lines_only, .discard_peers = f->lines_only,
				  .max_errors = UINT_MAX };
	struct diag_at at = { .file = f->path };
	struct span text = { f->text, f->n_text };
	int error;

	if (span_trim(text).n == 0) {
		struct diag_at begin = { .file = f->path, .line = 1, .column = 1 };
		diag_f(d, DIAG_WARNING, &begin, NULL, "the file is empty");
	}
	error = conf_read(&f->device, text, &o, d);
	if (error == 0 && (r.keys.no_memory || !drop_replaced_allowedips(&f->device)))
		error = -ENOMEM;
	if (error == -ENOMEM)
		diag_f(d, DIAG_ERROR, &at, NULL, "out of memory");
	memcpy(f->device.name, f->name, sizeof f->name);
	return error;
}

void tunnel_file_free(struct tunnel_file *f)
{
	device_free(&f->device);
	interface_keys_free(&f->interface);
	if (f->text)
		mem_wipe(f->text, f->n_text);
	free(f->text);
	free(f->path);
	free(f->cuts);
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
