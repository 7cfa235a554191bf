/* Reads drop-ins. One that cannot be read is an error, because its settings are unknown. */
#include "drop_ins_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "folder.h"

static int fail(struct diag *d, const char *path, int error, const char *why)
{
	const struct diag_at at = { .file = path };

	diag_f(d, DIAG_ERROR, &at, NULL, "%s", why);
	return error == -EACCES ? -EPERM : error; /* -EACCES stands for the tunnel file */
}

/* ---- which files ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_drop_in(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".conf") == 0;
}

static int add_path(struct string_list *paths, const char *folder, const char *name)
{
	struct text t = text_heap();
	bool ok;

	text_f(&t, "%s/%s", folder, name);
	ok = !t.failed && string_list_add(paths, text_of(&t));
	text_heap_free(&t);
	return ok ? 0 : -ENOMEM;
}

static void note_change(uint64_t *changed_ns, const struct stat *st)
{
	uint64_t ns = (uint64_t)st->st_ctim.tv_sec * 1000000000ull + (uint64_t)st->st_ctim.tv_nsec;

	*changed_ns = ns > *changed_ns ? ns : *changed_ns;
}

int drop_ins_list(struct string_list *paths, uint64_t *changed_ns, const char *folder, const char *name, struct diag *d)
{
	struct string_list names = { 0 };
	struct text path = text_heap();
	struct stat st;
	int r;

	text_f(&path, "%s/%s.conf.d", folder, name);
	if (!path.failed && stat(path.p, &st) == 0)
		note_change(changed_ns, &st);
	r = path.failed ? -ENOMEM : folder_list(&names, path.p);
	if (names.n > 0)
		qsort(names.list, names.n, sizeof *names.list, compare);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (!is_drop_in(names.list[i]))
			continue;
		r = paths->n < DROP_INS_MAX ? add_path(paths, path.p, names.list[i]) : -E2BIG;
	}
	if (r == -ENOTDIR)
		r = 0; /* a file of another program */
	else if (r == -E2BIG)
		r = fail(d, path.p, r, "there are more than 1000 drop-ins");
	else if (r < 0)
		r = fail(d, path.failed ? name : path.p, r, strerror(-r));
	string_list_free(&names);
	text_heap_free(&path);
	return r;
}

/* ---- reading ---- */

/* All texts, wiped when freed. */
struct reading {
	struct drop_in *files; /* the first is the tunnel file */
	struct text *texts;    /* of the others */
	size_t n, bytes;
	uint64_t changed_ns;
};

static int read_all(struct reading *r, int fd, struct text *out)
{
	char piece[16384];
	ssize_t n = 1;
	int error = 0;

	while (error == 0 && n != 0) {
		n = read(fd, piece, sizeof piece);
		if (n < 0 && errno != EINTR)
			error = -errno;
		r->bytes += n > 0 ? (size_t)n : 0;
		if (r->bytes > DROP_INS_BYTES_MAX)
			error = -EFBIG;
		else if (n > 0)
			text_span(out, (struct span){ piece, (size_t)n });
	}
	mem_wipe(piece, sizeof piece);
	return error < 0 ? error : out->failed ? -ENOMEM : 0;
}

static int read_file(struct reading *r, const char *path, struct text *out, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error;
	struct stat st;

	if (fd < 0)
		return fail(d, path, -errno, strerror(errno));
	error = fstat(fd, &st) < 0 ? -errno : 0;
	if (error == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) {
		close(fd);
		return 0; /* /dev/null */
	}
	if (error == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		return fail(d, path, -EINVAL, "it is not a regular file");
	}
	if (error == 0) {
		note_change(&r->changed_ns, &st);
		error = read_all(r, fd, out);
	}
	close(fd);
	if (error == -EFBIG)
		return fail(d, path, error, "the drop-ins of a tunnel have more than 64 MiB");
	return error < 0 ? fail(d, path, error, strerror(-error)) : 0;
}

static int read_files(struct reading *r, const struct string_list *paths, struct diag *d)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < paths->n; i++) {
		struct text *t = &r->texts[i];
		error = read_file(r, paths->list[i], t, d);
		if (error == 0 && t->n > 0)
			r->files[r->n++] = (struct drop_in){ paths->list[i], text_of(t) };
	}
	return error;
}

static int merge(struct drop_ins_text *text, struct conf_origins **origins, const struct reading *r)
{
	struct conf_origins *o = calloc(1, sizeof *o);
	struct text merged;

	if (!o || !drop_ins_merge(&merged, o, r->files, r->n)) {
		free(o);
		return -ENOMEM;
	}
	if (text->p)
		mem_wipe(text->p, text->n);
	free(text->p);
	*text = (struct drop_ins_text){ merged.p, merged.n };
	*origins = o;
	return 0;
}

int drop_ins_load(struct drop_ins_text *text, struct conf_origins **origins, const char *main,
		  const struct string_list *paths, uint64_t *changed_ns, struct diag *d)
{
	struct reading r = { .files = calloc(paths->n + 1, sizeof *r.files), .texts = calloc(paths->n + 1, sizeof *r.texts),
			     .n = 1, .changed_ns = *changed_ns };
	int error = r.files && r.texts ? 0 : -ENOMEM;

	for (size_t i = 0; error == 0 && i < paths->n; i++)
		r.texts[i] = text_heap();
	if (error == 0) {
		r.files[0] = (struct drop_in){ main, { text->p, text->n } };
		error = read_files(&r, paths, d);
	}
	if (error == 0 && r.n > 1) {
		error = merge(text, origins, &r);
		if (error < 0)
			error = fail(d, main, error, strerror(-error));
	}
	for (size_t i = 0; r.texts && i < paths->n; i++)
		if (r.texts[i].cap || r.texts[i].make_space)
			text_heap_free(&r.texts[i]);
	free(r.files);
	free(r.texts);
	*changed_ns = r.changed_ns;
	return error;
}
