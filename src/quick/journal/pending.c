/* The file of a change that awaits confirmation. */
#include "pending.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "journal_file.h"
#include "paths.h"
#include "pending_text.h"
#include "quick/host/boot.h"
#include "quick/host/fileio.h"
#include "quick/host/folder.h"
#include "quick/host/netns.h"
#include "quick/host/watched_file.h"

static const char ending[] = ".confirm", ending_confirmed[] = ".confirmed";

void pending_free(struct pending *p)
{
	watched_file_close(p->fd);
	free(p->config);
	string_list_free(&p->texts);
	string_list_free(&p->endpoints);
	text_heap_free(&p->file);
	*p = PENDING_NONE;
}

static void make_path(const char *name, const char *end, char path[], size_t n)
{
	struct journal j = { .netns = netns_id() };
	struct text t = text_fixed(j.name, sizeof j.name);

	text_add(&t, name);
	journal_path(&j, end, path, n);
}

void pending_path(const char *name, char path[], size_t n)
{
	make_path(name, ending, path, n);
}

static void print_boot(struct text *t)
{
	boot_print_kernel(t);
	text_char(t, '/');
	boot_print_init(t);
}

static int parse(struct pending *p, struct span text)
{
	char boot[PENDING_BOOT_MAX];
	struct text now = text_fixed(boot, sizeof boot);
	int fd = p->fd, r;

	p->fd = -1;
	pending_free(p);
	p->fd = fd;
	r = text.p ? pending_parse(p, text) : -EINVAL;
	p->exists = r == 0;
	print_boot(&now);
	p->of_this_boot = strcmp(p->boot, boot) == 0;
	return r;
}

int pending_load(struct pending *p, const char *name)
{
	char path[PATH_MAX];
	struct text t = text_heap();
	int r;

	pending_path(name, path, sizeof path);
	r = fileio_read(path, &t);
	if (r == 0)
		r = parse(p, text_of(&t));
	else
		p->exists = false;
	text_heap_free(&t);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

int pending_load_locked(struct pending *p)
{
	struct text t = text_heap();
	int r = watched_file_read(p->fd, &t);

	if (r == 0)
		r = parse(p, text_of(&t));
	text_heap_free(&t);
	return r;
}

bool pending_is_current(const struct pending *p, const char *name)
{
	char path[PATH_MAX];

	pending_path(name, path, sizeof path);
	return file_is_at(p->fd, path);
}

int pending_prepare(struct pending *p, struct temporary_file *f, const char *name)
{
	char path[PATH_MAX];
	struct text t = text_heap(), boot = text_fixed(p->boot, sizeof p->boot);
	int r;

	print_boot(&boot);
	pending_path(name, path, sizeof path);
	pending_print(p, &t);
	r = t.failed ? -ENOMEM : watched_file_create(f, path, text_of(&t));
	text_heap_free(&t);
	return r;
}

int pending_commit(struct pending *p, const struct temporary_file *f, const char *name)
{
	char path[PATH_MAX];
	int r;

	pending_path(name, path, sizeof path);
	r = temporary_file_rename(f, path);
	if (r < 0)
		return r;
	watched_file_close(p->fd);
	p->fd = f->fd;
	p->exists = true;
	make_path(name, ending_confirmed, path, sizeof path); /* of an earlier change */
	fileio_remove(path);
	return 0;
}

int pending_write_times(const struct pending *p)
{
	char times[PENDING_TIMES_MAX];
	struct text t = text_fixed(times, sizeof times);

	pending_print_times(p, &t);
	return watched_file_write(p->fd, PENDING_TIMES_AT, text_of(&t));
}

int pending_remove(const char *name)
{
	char path[PATH_MAX];

	make_path(name, ending_confirmed, path, sizeof path);
	fileio_remove_temporary(path);
	fileio_remove(path);
	pending_path(name, path, sizeof path);
	fileio_remove_temporary(path);
	return fileio_remove(path);
}

int pending_set_confirmed(const char *name, struct span by)
{
	char path[PATH_MAX];

	make_path(name, ending_confirmed, path, sizeof path);
	return fileio_replace(path, by);
}

int pending_take_confirmed(const char *name, struct text *by)
{
	char path[PATH_MAX];
	int r;

	make_path(name, ending_confirmed, path, sizeof path);
	r = fileio_read(path, by);
	fileio_remove(path);
	return r;
}

int pending_lock(struct pending *p, const char *name)
{
	char path[PATH_MAX];
	int fd;

	pending_path(name, path, sizeof path);
	fd = watched_file_lock(path);
	if (fd < 0)
		return fd;
	watched_file_close(p->fd);
	p->fd = fd;
	return 0;
}

bool pending_is_watched(const char *name)
{
	char path[PATH_MAX];

	pending_path(name, path, sizeof path);
	return watched_file_is_locked(path);
}

/* "NAME@NETNS.confirm" of this namespace. */
static bool name_of(char name[WG_NAME_MAX], struct span file, struct span end)
{
	struct text t = text_fixed(name, WG_NAME_MAX);
	size_t at = span_find_last(file, '@');
	uint64_t netns;

	if (file.n <= end.n || !span_equal(span_sub(file, file.n - end.n, end.n), end) || at >= file.n - end.n ||
	    !span_to_u64(&netns, span_sub(file, at + 1, file.n - end.n - at - 1), UINT64_MAX) || netns != netns_id())
		return false;
	text_span(&t, span_sub(file, 0, at));
	return !t.failed;
}

static int list_names(struct string_list *out, const char *end)
{
	struct string_list files = { 0 };
	int r = folder_list(&files, JOURNAL_FOLDER);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		char name[WG_NAME_MAX];
		if (name_of(name, span_of(files.list[i]), span_of(end)))
			r = string_list_add(out, span_of(name)) ? 0 : -ENOMEM;
	}
	string_list_free(&files);
	return r == -EACCES || r == -ENOTDIR || r == -ELOOP ? 0 : r;
}

int pending_names(struct string_list *out)
{
	return list_names(out, ending);
}

int pending_names_confirmed(struct string_list *out)
{
	return list_names(out, ending_confirmed);
}
