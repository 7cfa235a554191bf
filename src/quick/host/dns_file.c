/* DNS by replacing /etc/resolv.conf. */
#include "dns_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "fileio.h"
#include "quick/plan/dns_text.h"
#include "report/report.h"

static const char resolv_conf[] = "/etc/resolv.conf";

/* What the tunnel writes depends only on its settings and the saved file, so a file that it wrote is recognised by
 * generating it again. */
static bool is_written_by(const char *name, const struct dns_config *d, struct span text, struct span before)
{
	struct text t = text_heap();
	bool same;

	dns_file_text(&t, d, before, name);
	same = !t.failed && span_equal(text, text_of(&t));
	text_heap_free(&t);
	return same;
}

/* The first byte of a backup says whether there was a file: 'f', or '-' for none. */
static int write_backup(const char *backup, struct span before, bool existed)
{
	struct text t = text_heap();
	int r;

	text_char(&t, existed ? 'f' : '-');
	text_span(&t, before);
	r = t.failed ? -ENOMEM : fileio_replace(backup, text_of(&t));
	text_heap_free(&t);
	return r;
}

/* True when resolv.conf is still the one that an earlier, killed `up` of this tunnel wrote: the backup is good. */
static bool is_set(const char *name, const struct dns_config *d, struct span now, const char *backup)
{
	struct text saved = text_heap();
	bool yes = fileio_read(backup, &saved) == 0 && saved.n > 0 &&
		   is_written_by(name, d, now, span_sub(text_of(&saved), 1, saved.n));

	text_heap_free(&saved);
	return yes;
}

int dns_file_set(const char *name, const struct dns_config *d, const char *backup)
{
	struct text before = text_heap(), after = text_heap();
	int r = fileio_read(resolv_conf, &before);
	bool existed = r == 0;

	if (existed && is_set(name, d, text_of(&before), backup)) {
		text_heap_free(&before);
		return 0;
	}
	if (r == -ENOENT)
		r = 0;
	if (r == 0)
		r = write_backup(backup, text_of(&before), existed);
	dns_file_text(&after, d, text_of(&before), name);
	if (r == 0 && after.failed)
		r = -ENOMEM;
	if (r == 0)
		r = fileio_rewrite(resolv_conf, text_of(&after));
	if (r < 0)
		report_error("cannot replace %s: %s", resolv_conf, strerror(-r));
	text_heap_free(&before);
	text_heap_free(&after);
	return r;
}

/* Another tunnel that was brought up later saved this tunnel's file as the one to restore: replaces its backup by what
 * was there before this tunnel. True when there is such a tunnel. */
static bool pass_on(const char *name, const struct dns_config *d, const char *backup, struct span saved,
		    struct span before)
{
	const char *slash = strrchr(backup, '/');
	char *folder = slash ? span_dup((struct span){ backup, (size_t)(slash - backup) }) : NULL;
	DIR *dir = folder ? opendir(folder) : NULL;
	bool done = false;
	struct dirent *e;

	while (dir && !done && (e = readdir(dir))) {
		char path[PATH_MAX];
		struct text t = text_fixed(path, sizeof path), theirs = text_heap();
		if (!strstr(e->d_name, ".resolv"))
			continue;
		text_f(&t, "%s/%s", folder, e->d_name);
		if (strcmp(path, backup) != 0 && fileio_read(path, &theirs) == 0 && theirs.n > 0 &&
		    is_written_by(name, d, span_sub(text_of(&theirs), 1, theirs.n), before))
			done = fileio_replace(path, saved) == 0;
		text_heap_free(&theirs);
	}
	if (dir)
		closedir(dir);
	free(folder);
	return done;
}

/* Removes what a killed process left next to a file that it was replacing. */
static void sweep_temporary(const char *path)
{
	char temporary[PATH_MAX];
	struct text t = text_fixed(temporary, sizeof temporary);

	text_f(&t, "%s.tmp", path);
	if (!t.failed)
		(void)unlink(temporary);
}

/* A dangling link that `up` wrote through stays; the file behind it is removed. */
static int remove_created(void)
{
	char *real = realpath(resolv_conf, NULL);
	int r = unlink(real ? real : resolv_conf) < 0 ? -errno : 0;

	free(real);
	return r;
}

static int restore(const char *name, const struct dns_config *d, const char *backup, struct text *saved,
		   struct text *now)
{
	struct span before = span_sub(text_of(saved), 1, saved->n);
	int r = fileio_read(resolv_conf, now);

	if (r < 0)
		return r;
	if (is_written_by(name, d, text_of(now), before))
		return saved->p[0] == 'f' ? fileio_rewrite(resolv_conf, before) : remove_created();
	if (!span_equal(text_of(now), before) && !pass_on(name, d, backup, text_of(saved), before))
		report_warning("%s is not restored: another program changed it", resolv_conf);
	return 0;
}

int dns_file_restore(const char *name, const struct dns_config *d, const char *backup)
{
	struct text saved = text_heap(), now = text_heap();
	int r = fileio_read(backup, &saved);

	sweep_temporary(backup);
	sweep_temporary(resolv_conf);
	if (r == -ENOENT || (r == 0 && saved.n == 0)) {
		text_heap_free(&saved);
		return 0; /* nothing was replaced */
	}
	if (r == 0)
		r = restore(name, d, backup, &saved, &now);
	if (r == -ENOENT)
		r = 0; /* resolv.conf was deleted meanwhile */
	if (r == 0)
		(void)unlink(backup);
	else
		report_error("cannot restore %s: %s", resolv_conf, strerror(-r));
	text_heap_free(&saved);
	text_heap_free(&now);
	return r;
}
