/* Finds and reads tunnel files. */
#include "tunnel_file_load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/suggestion.h"
#include "drop_ins_load.h"
#include "fileio.h"
#include "folder.h"
#include "ipc/ipc.h"
#include "report/report.h"
#include "route_tables.h"
#include "signals.h"

enum { TUNNEL_FILE_BYTES_MAX = 1 << 28 };

bool file_is_world_accessible(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat file, folder;
	bool is = false;
	char *dir;

	if (!slash || stat(path, &file) < 0)
		return false;
	dir = span_dup((struct span){ path, slash > path ? (size_t)(slash - path) : 1 });
	if (dir && stat(dir, &folder) == 0)
		is = (file.st_mode & folder.st_mode & 0007) != 0;
	free(dir);
	return is;
}

static void warn_world_accessible(const char *path)
{
	if (file_is_world_accessible(path))
		report_verbatim("Warning: `%s' is world accessible", path);
}

/* That of drop-ins; errors are reported when they are read. */
static void warn_of_drop_ins(const struct tunnel_file *f)
{
	struct string_list paths = { 0 };
	struct diag silent = { 0 };
	uint64_t changed_ns = 0;
	char *folder = tunnel_file_folder(f);

	if (folder && drop_ins_list(&paths, &changed_ns, folder, f->name, &silent) == 0)
		for (size_t i = 0; i < paths.n; i++)
			warn_world_accessible(paths.list[i]);
	string_list_free(&paths);
	free(folder);
}

static bool in_default_folder(char path[PATH_MAX], struct span name, const char *suffix)
{
	struct text t = text_fixed(path, PATH_MAX);

	text_f(&t, "%s/wireguard/%.*s%s", SYSCONFDIR, (int)name.n, name.p, suffix);
	return !t.failed && access(path, F_OK) == 0;
}

/* The name before ".conf", if the argument is both a valid interface name and that of a file. */
static bool is_file_name(struct span *name, const char *argument)
{
	static const char suffix[] = ".conf";
	struct span s = span_of(argument);

	if (!device_name_is_valid(s) || s.n < sizeof suffix || strcmp(argument + s.n - 5, suffix) != 0)
		return false;
	*name = span_sub(s, 0, s.n - 5);
	return true;
}

const char *tunnel_argument(char name[WG_NAME_MAX], const char *argument)
{
	char path[PATH_MAX];
	struct span stem;

	if (!is_file_name(&stem, argument) || in_default_folder(path, span_of(argument), ".conf") ||
	    !in_default_folder(path, stem, ".conf") || if_nametoindex(argument) != 0 ||
	    access(argument, F_OK) == 0)
		return argument;
	memcpy(name, stem.p, stem.n);
	name[stem.n] = '\0';
	return name;
}

bool tunnel_file_path(char *path, size_t size, const char *argument)
{
	struct text t = text_fixed(path, size);
	char name[WG_NAME_MAX];
	struct span stem;

	if (device_name_is_valid(span_of(argument)) && !(is_file_name(&stem, argument) && access(argument, F_OK) == 0))
		text_f(&t, "%s/wireguard/%s.conf", SYSCONFDIR, tunnel_argument(name, argument));
	else
		text_add(&t, argument);
	return !t.failed;
}

static void suggest_tunnel(const char *argument)
{
	struct string_list files = { 0 };
	struct suggestion s;
	struct span stem;
	bool listed = folder_list(&files, SYSCONFDIR "/wireguard") == 0;

	suggestion_init(&s, span_of(argument));
	for (size_t i = 0; listed && i < files.n; i++)
		if (is_file_name(&stem, files.list[i]) && !span_is(stem, argument)) {
			files.list[i][stem.n] = '\0';
			suggestion_offer(&s, files.list[i]);
		}
	if (s.best)
		report_help("did you mean %s?", s.best);
	string_list_free(&files);
}

/* `wg0.conf` is the interface wg0.conf to upstream, hardly ever to the user. */
static void suggest_argument(const char *argument)
{
	char path[PATH_MAX];
	struct span stem;

	if (!device_name_is_valid(span_of(argument)))
		return;
	if (!is_file_name(&stem, argument) || access(argument, F_OK) < 0)
		suggest_tunnel(argument);
	else if (in_default_folder(path, stem, ".conf"))
		report_help("use ./%s for the file in this directory, or %.*s for %s", argument, (int)stem.n,
			    stem.p, path);
	else
		report_help("use ./%s for the file in this directory", argument);
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
		suggest_argument(argument);
		return false;
	}
	if (!tunnel_file_name_of(f->name, argument)) {
		report_upstream("The config file must be a valid interface name, followed by .conf");
		return false;
	}
	f->path = realpath(path, NULL);
	if (!f->path) {
		report_error("`%s': %s", path, strerror(errno));
		return false;
	}
	warn_world_accessible(f->path);
	warn_of_drop_ins(f);
	return true;
}

int tunnel_file_locate(struct tunnel_file *f, const char *argument)
{
	char path[PATH_MAX];
	struct text t = text_fixed(path, sizeof path);

	if (!tunnel_file_name_of(f->name, argument))
		return -EINVAL;
	if (device_name_is_valid(span_of(argument)))
		text_f(&t, "%s/wireguard/%s.conf", SYSCONFDIR, argument);
	else
		text_add(&t, argument);
	f->path = realpath(path, NULL);
	if (f->path)
		return 0;
	f->path = span_dup(text_of(&t));
	return f->path ? -errno : -ENOMEM;
}

/* Reads to the end; the size that fstat(2) reports is only a hint, the path may be a pipe. */
static int read_all(int fd, const struct stat *st, char **out, size_t *n)
{
	size_t cap = 0;

	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (st->st_size > TUNNEL_FILE_BYTES_MAX)
		return -EFBIG;
	for (;;) {
		size_t more = st->st_size > 0 ? (size_t)st->st_size + 1 : 4096;
		ssize_t got;
		if (*n > TUNNEL_FILE_BYTES_MAX)
			return -EFBIG;
		if (cap - *n < 2) {
			char *p = malloc(cap + more + 1);
			if (!p)
				return -ENOMEM;
			if (*n > 0)
				memcpy(p, *out, *n);
			if (*out)
				mem_wipe(*out, *n);
			free(*out);
			*out = p;
			cap += more + 1;
		}
		got = read(fd, *out + *n, cap - *n - 1);
		if (got < 0 && errno == EINTR && !stop_signal) /* a pipe may never end */
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		*n += (size_t)got;
	}
}

static int read_text(struct tunnel_file *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | (f->regular_only ? O_NONBLOCK | O_NOCTTY : 0)), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : f->regular_only && !S_ISREG(st.st_mode) ? -EINVAL : 0;
	if (r == 0) {
		f->changed_ns = (uint64_t)st.st_ctim.tv_sec * NS_PER_S + (uint64_t)st.st_ctim.tv_nsec;
		r = read_all(fd, &st, &f->text, &f->n_text);
	}
	close(fd);
	return r;
}

static const struct tunnel_file_lookups lookups = { .scopes = &ipc_scopes, .service = ipc_service,
						    .table = route_table_by_name };

char *tunnel_file_folder(const struct tunnel_file *f)
{
	char path[PATH_MAX], *resolved;
	const char *slash = strrchr(f->path, '/');
	bool is_default = in_default_folder(path, span_of(f->name), ".conf") && (resolved = realpath(path, NULL));

	if (is_default) {
		is_default = strcmp(resolved, f->path) == 0;
		free(resolved);
	}
	if (is_default)
		return span_dup(SPAN(SYSCONFDIR "/wireguard"));
	return span_dup(slash ? (struct span){ f->path, slash > f->path ? (size_t)(slash - f->path) : 1 } : SPAN("."));
}

static int read_drop_ins(struct tunnel_file *f, struct diag *d)
{
	struct drop_ins_text text = { f->text, f->n_text };
	int r = drop_ins_list(&f->drop_ins, &f->changed_ns, f->folder, f->name, d);

	if (r < 0 || f->drop_ins.n == 0)
		return r;
	r = drop_ins_load(&text, &f->origins, f->path, &f->drop_ins, &f->changed_ns, d);
	f->text = text.p;
	f->n_text = text.n;
	return r;
}

int tunnel_file_load_text(struct tunnel_file *f, struct diag *d)
{
	return tunnel_file_parse(f, &lookups, d);
}

int tunnel_file_load(struct tunnel_file *f, struct diag *d)
{
	struct diag_at at = { .file = f->path };
	int r = read_text(f);

	f->folder = r == 0 ? tunnel_file_folder(f) : NULL;
	if (r == 0 && !f->folder)
		r = -ENOMEM;
	if (r == 0 && !f->without_drop_ins) {
		r = read_drop_ins(f, d);
		if (r < 0)
			return r;
	}
	if (r == 0)
		return tunnel_file_load_text(f, d);
	if (r != -EACCES)
		diag_f(d, DIAG_ERROR, &at, NULL, "%s", fileio_reason(r));
	return r;
}

int tunnel_file_parse_again(struct tunnel_file *f, struct diag *d)
{
	tunnel_file_discard(f);
	f->lines_only = false;
	return tunnel_file_parse(f, &lookups, d);
}

int tunnel_file_load_again(struct tunnel_file *f, struct diag *d)
{
	struct tunnel_file whole = { .path = f->path, .regular_only = f->regular_only };

	memcpy(whole.name, f->name, sizeof whole.name);
	f->path = NULL;
	tunnel_file_free(f);
	*f = whole;
	return tunnel_file_load(f, d);
}
