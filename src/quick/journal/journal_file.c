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
	return r == -ENOENT || (r == -EACCES && !process_is_root()) ? 0 : r;
}
