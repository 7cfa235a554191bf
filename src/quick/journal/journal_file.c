/* Files of the journal folder. */
#include "journal_file.h"

#include <errno.h>
#include <limits.h>

#include "journal_text.h"
#include "paths.h"
#include "quick/host/fileio.h"
#include "quick/host/process.h"

void journal_path(const struct journal *j, const char *ending, char path[], size_t n)
{
	struct text t = text_fixed(path, n);

	text_f(&t, "%s/%s@%llu%s", JOURNAL_FOLDER, j->name, (unsigned long long)j->netns, ending);
}

/* There is no folder, or this user, who may be root of a user namespace only, can neither read nor write it. */
static bool is_no_journal(const struct journal *j, int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP ||
	       (error == -EACCES && (j->unavailable || !process_is_root()));
}

int journal_load(struct journal *j)
{
	char path[PATH_MAX];
	struct text t = text_heap();
	int r;

	journal_path(j, "", path, sizeof path);
	r = fileio_read(path, &t);
	if (r == 0)
		r = journal_parse(j, text_of(&t));
	j->exists = r == 0;
	text_heap_free(&t);
	return is_no_journal(j, r) ? 0 : r;
}
