#include "tunnel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "ipc/ipc.h"
#include "model/conf.h"
#include "keys.h"
#include "report/report.h"

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

static void warn_world_accessible(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat file, folder;
	char *dir;

	if (!slash || stat(path, &file) < 0)
		return;
	dir = span_dup((struct span){ path, slash > path ? (size_t)(slash - path) : 1 });
	if (dir && stat(dir, &folder) == 0 && (file.st_mode & folder.st_mode & 0007) != 0)
		report_verbatim("Warning: `%s' is world accessible", path);
	free(dir);
}

bool tunnel_file_find(struct tunnel_file *f, const char *argument)
{
	char path[PATH_MAX];
	struct text t = text_fixed(path, sizeof path);

	if (device_name_is_valid(span_of(argument)))
		text_f(&t, "%s/wireguard/%s.conf", SYSCONFDIR, argument);
	else
		text_add(&t, argument);
	if (t.failed || access(path, F_OK) < 0) {
		if (!t.failed && errno == EACCES)
			report_error("`%s': %s", path, strerror(errno));
		else
			report_upstream("`%s' does not exist", path);
		return false;
	}
	if (!name_from_path(f->name, path)) {
		report_upstream("The config file must be a valid interface name, followed by .conf");
		return false;
	}
	f->path = realpath(path, NULL);
	if (!f->path) {
		report_error("`%s': %s", path, strerror(errno));
		return false;
	}
	warn_world_accessible(f->path);
	return true;
}

uint32_t tunnel_file_table(const struct tunnel_file *f)
{
	switch (f->table_kind) {
	case TABLE_AUTO: return TABLE_MAIN;
	case TABLE_OFF: return 0;
	case TABLE_GIVEN: return f->table;
	}
	unreachable();
}

/* Of the one who called sudo. */
static bool is_of_caller(uint32_t id, const char *variable)
{
	const char *value = getenv(variable);
	uint64_t n;

	return value && span_to_u64(&n, span_of(value), UINT32_MAX) && n == id;
}

bool tunnel_file_hooks_are_safe(const struct tunnel_file *f)
{
	struct stat st;
	size_t hooks = 0;

	for (int i = 0; i < HOOK_PHASES; i++)
		hooks += f->hooks[i].n;
	if (hooks == 0)
		return true;
	if (stat(f->path, &st) < 0)
		return false;
	if ((st.st_mode & S_IWOTH) != 0) {
		report_error("`%s' has hooks and may be written by everybody; not run (chmod o-w)",
			  f->path);
		return false;
	}
	/* A group of one's own is oneself. */
	if ((st.st_mode & S_IWGRP) != 0 && (getuid() == 0 || st.st_gid != getgid()) &&
	    !is_of_caller(st.st_gid, "SUDO_GID")) {
		report_error("`%s' has hooks and may be written by group %u; not run (chmod g-w)", f->path,
			  (unsigned int)st.st_gid);
		return false;
	}
	if (st.st_uid == 0 || st.st_uid == getuid() || is_of_caller(st.st_uid, "SUDO_UID"))
		return true;
	report_error("`%s' has hooks and belongs to user %u; not run (chown root)", f->path,
		  (unsigned int)st.st_uid);
	return false;
}

/* The whole file, whatever it is a file of. */
static int read_all(int fd, char **out, size_t *n)
{
	size_t cap = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	for (;;) {
		size_t room = st.st_size > 0 ? (size_t)st.st_size + 1 : 4096;
		ssize_t got;
		if (cap - *n < 2) {
			char *p = malloc(cap + room + 1);
			if (!p)
				return -ENOMEM;
			if (*n > 0)
				memcpy(p, *out, *n);
			if (*out)
				mem_wipe(*out, *n);
			free(*out);
			*out = p;
			cap += room + 1;
		}
		got = read(fd, *out + *n, cap - *n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		*n += (size_t)got;
	}
}

static int file_load(struct tunnel_file *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = read_all(fd, &f->text, &f->n_text);
	close(fd);
	return r;
}

/* As bash's read takes a line: without blanks at its ends. */
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

bool tunnel_file_cut(struct tunnel_file *f, struct span part, bool line)
{
	if (!vector_reserve(&f->cuts, &f->cap_cuts, f->n_cuts + 1, sizeof *f->cuts))
		return false;
	f->cuts[f->n_cuts++] = (struct tunnel_file_cut){ part, line };
	return true;
}

static void cut_blanks(void *reader, struct span line)
{
	struct keys_reader *r = reader;
	struct span kept = without_blanks(line);
	struct span before = span_sub(line, 0, (size_t)(kept.p - line.p));
	struct span after = span_sub(line, before.n + kept.n, line.n);

	if ((before.n > 0 && !tunnel_file_cut(r->file, before, false)) ||
	    (after.n > 0 && !tunnel_file_cut(r->file, after, false)))
		r->failed = true;
}

/* Of several sections with one key, the last decides on the device, and so which routes there are. */
static bool forget_replaced(struct wg_device *d)
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

int tunnel_file_read(struct tunnel_file *f, struct diag *d)
{
	struct keys_reader reader = { .file = f };
	struct conf_options o = { .file = f->path, .extra = keys_take, .ctx = &reader,
				  .scopes = &ipc_scopes, .service = ipc_service,
				  .pass = f->lines_only ? cut_blanks : NULL,
				  .no_names = f->lines_only, .forget_peers = f->lines_only,
				  .max_errors = UINT_MAX };
	struct diag_at at = { .file = f->path };
	struct span text;
	int r = file_load(f);

	if (r == -EACCES)
		return r;
	if (r < 0) {
		diag_f(d, DIAG_ERROR, &at, NULL, "%s", strerror(-r));
		return r;
	}
	text = (struct span){ f->text, f->n_text };
	if (span_trim(text).n == 0) {
		at.line = at.column = 1;
		diag_f(d, DIAG_ERROR, &at, NULL, "the file is empty");
		return -EINVAL;
	}
	r = conf_read(&f->device, text, &o, d);
	if (r == 0 && (reader.failed || !forget_replaced(&f->device)))
		r = -ENOMEM;
	if (r == -ENOMEM)
		diag_f(d, DIAG_ERROR, &at, NULL, "%s", strerror(ENOMEM));
	memcpy(f->device.name, f->name, sizeof f->name);
	return r;
}

int tunnel_file_read_again(struct tunnel_file *f, struct diag *d)
{
	struct tunnel_file whole = { .path = f->path };

	memcpy(whole.name, f->name, sizeof whole.name);
	f->path = NULL;
	tunnel_file_free(f);
	*f = whole;
	return tunnel_file_read(f, d);
}

void tunnel_file_free(struct tunnel_file *f)
{
	device_free(&f->device);
	addresses_free(&f->addresses);
	dns_config_free(&f->dns);
	for (int i = 0; i < HOOK_PHASES; i++)
		string_list_free(&f->hooks[i]);
	if (f->text)
		mem_wipe(f->text, f->n_text);
	free(f->text);
	free(f->path);
	free(f->table_word);
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
