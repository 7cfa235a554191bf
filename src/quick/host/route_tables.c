/* Reads the names of routing tables. */
#include "route_tables.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

#include "fileio.h"
#include "quick/config/table_name.h"

/* The folders of ip(8) depend on its version and the distribution. */
static const char etc[] = "/etc/iproute2";
static const char *const vendor[] = { "/usr/share/iproute2", "/usr/lib/iproute2", "/usr/etc/iproute2" };

static bool search_file(struct table_search *s, const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct text p = text_fixed(path, sizeof path), contents = text_heap();
	bool ok;

	text_f(&p, "%s%s/%s", root, folder, name);
	ok = !p.failed && fileio_read_settings(path, &contents) == 0;
	if (ok)
		table_search_text(s, text_of(&contents));
	text_heap_free(&contents);
	return ok;
}

static int is_configuration(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

static bool exists(const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct text p = text_fixed(path, sizeof path);

	text_f(&p, "%s%s/%s", root, folder, name);
	return !p.failed && fileio_exists(path);
}

/* Those of rt_tables.d; a file of the administrator replaces the vendor's of the same name, unless `all` is wanted. */
static void search_folder(struct table_search *s, const char *root, const char *folder, bool all)
{
	char path[PATH_MAX];
	struct text p = text_fixed(path, sizeof path);
	struct dirent **entries;
	int n;

	text_f(&p, "%s%s/rt_tables.d", root, folder);
	n = p.failed ? -1 : scandir(path, &entries, is_configuration, alphasort);
	for (int i = 0; i < n; i++) {
		char name[sizeof entries[i]->d_name + 16];
		p = text_fixed(name, sizeof name);
		text_f(&p, "rt_tables.d/%s", entries[i]->d_name);
		if (all || folder == etc || !exists(root, etc, name))
			search_file(s, root, folder, name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* all: files that ip(8) does not read because there is one of the same name in /etc as well. */
static bool search(uint32_t *number, struct span name, const char *root, bool all)
{
	struct table_search s;
	bool found;

	table_search_begin(&s, name);
	found = search_file(&s, root, etc, "rt_tables");
	for (size_t i = 0; i < ARRAY_LEN(vendor) && (all || !found); i++)
		found |= search_file(&s, root, vendor[i], "rt_tables");
	for (size_t i = 0; i < ARRAY_LEN(vendor); i++)
		search_folder(&s, root, vendor[i], all);
	search_folder(&s, root, etc, all);
	*number = s.found ? s.number : *number;
	return s.found;
}

bool route_table_find(uint32_t *number, struct span name, const char *root)
{
	return search(number, name, root, false) || search(number, name, root, true);
}

bool route_table_by_name(uint32_t *number, struct span name)
{
	return route_table_find(number, name, "");
}
