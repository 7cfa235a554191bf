/* Name servers by /etc/resolv.conf itself, for hosts that run nothing that keeps it. What it was is
 * kept in the runtime folder; tunnels that come and go in any order leave the first state behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dns.h"
#include "fileio.h"
#include "quick/plan/dns_text.h"
#include "report/report.h"

const char *dns_file_path = "/etc/resolv.conf";

/* The wish is the same function of the backup, so that what was written can be known again. */
static bool is_ours(struct span now, const struct plan *p, struct span before)
{
	struct text t = text_heap();
	bool same;

	dns_file_text(&t, &p->dns, before, p->name);
	same = !t.failed && span_equal(now, text_of(&t));
	text_heap_free(&t);
	return same;
}

/* The backup's first byte tells whether there was a file ('f') or none ('-'). */
static int keep_backup(const char *backup, struct span before, bool existed)
{
	struct text t = text_heap();
	int r;

	text_char(&t, existed ? 'f' : '-');
	text_span(&t, before);
	r = t.failed ? -ENOMEM : fileio_replace(backup, text_of(&t), 0600, NULL);
	text_heap_free(&t);
	return r;
}

/* True when it was set and never taken back: what there was before is kept already. */
static bool is_set(const struct plan *p, struct span now, const char *backup)
{
	struct text kept = text_heap();
	bool yes = fileio_read(backup, &kept) == 0 && kept.n > 0 &&
		   is_ours(now, p, span_sub(text_of(&kept), 1, kept.n));

	text_heap_free(&kept);
	return yes;
}

int dns_file_set(const struct plan *p, const char *backup)
{
	struct text before = text_heap(), after = text_heap();
	int r = fileio_read(dns_file_path, &before);
	bool existed = r == 0;

	if (existed && is_set(p, text_of(&before), backup)) {
		text_heap_free(&before);
		return 0;
	}
	if (r == -ENOENT)
		r = 0;
	if (r == 0)
		r = keep_backup(backup, text_of(&before), existed);
	dns_file_text(&after, &p->dns, text_of(&before), p->name);
	if (r == 0 && after.failed)
		r = -ENOMEM;
	if (r == 0)
		r = fileio_rewrite(dns_file_path, text_of(&after));
	if (r < 0)
		report_error("%s: %s", dns_file_path, strerror(-r));
	text_heap_free(&before);
	text_heap_free(&after);
	return r;
}

/* Another tunnel came after us and keeps what we wrote as what there was before: it gets what was
 * there before us instead. True when there is one. */
static bool hand_over(const struct plan *p, const char *backup, struct span kept,
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
		    is_ours(span_sub(text_of(&theirs), 1, theirs.n), p, before))
			done = fileio_replace(path, kept, 0600, NULL) == 0;
		text_heap_free(&theirs);
	}
	if (dir)
		closedir(dir);
	free(folder);
	return done;
}

/* Of a wg-quick that was killed while it wrote. */
static void sweep_temporary(const char *path)
{
	char temporary[PATH_MAX];
	struct text t = text_fixed(temporary, sizeof temporary);

	text_f(&t, "%s.tmp", path);
	if (!t.failed)
		(void)unlink(temporary);
}

/* The file, where the path was a link that led nowhere. */
static int remove_made(void)
{
	char *real = realpath(dns_file_path, NULL);
	int r = unlink(real ? real : dns_file_path) < 0 ? -errno : 0;

	free(real);
	return r;
}

int dns_file_restore(const struct plan *p, const char *backup)
{
	struct text kept = text_heap(), now = text_heap();
	int r = fileio_read(backup, &kept);
	struct span before = kept.n > 0 ? span_sub(text_of(&kept), 1, kept.n) : SPAN("");

	sweep_temporary(backup);
	sweep_temporary(dns_file_path);
	if (r == -ENOENT || (r == 0 && kept.n == 0)) {
		text_heap_free(&kept);
		return 0; /* nothing was ever replaced */
	}
	if (r == 0)
		r = fileio_read(dns_file_path, &now);
	if (r == 0 && is_ours(text_of(&now), p, before)) {
		if (kept.p[0] == 'f')
			r = fileio_rewrite(dns_file_path, before);
		else
			r = remove_made();
	} else if (r == 0 && !span_equal(text_of(&now), before) &&
		   !hand_over(p, backup, text_of(&kept), before)) {
		report_warning("%s was changed by others meanwhile and is left as it is",
			    dns_file_path);
	}
	if (r == -ENOENT)
		r = 0;
	if (r == 0)
		unlink(backup);
	else
		report_error("%s: %s", dns_file_path, strerror(-r));
	text_heap_free(&kept);
	text_heap_free(&now);
	return r;
}
