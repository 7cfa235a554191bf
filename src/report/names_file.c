/* Candidates in the order of names.h. Everything that fails costs names only. */
#include "names_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/conf_names.h"

enum {
	PATH_BYTES = 4096,
	FILE_MAX = 1 << 28,
	FOLDER_FILES_MAX = 4096, /* files of a folder that are looked at */
};

struct search {
	const struct wg_device *d;
	const char *files, *journals;
	uint64_t netns;
	uint32_t ifindex; /* of the device's link; 0: unknown */
	struct peer_names *out;
};

/* ---- files ---- */

static int read_all(int fd, size_t size, struct text *out)
{
	ssize_t n = 1;

	if (!out->make_space(out, size + 1))
		return -ENOMEM;
	while (n != 0 && out->n + 1 < out->cap) {
		n = read(fd, out->p + out->n, out->cap - out->n - 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		out->n += n > 0 ? (size_t)n : 0;
	}
	out->p[out->n] = '\0';
	return 0;
}

/* Regular files only, without waiting for the other end of a pipe. 0 or -errno. */
static int read_file(const char *path, struct text *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	else if (st.st_size > FILE_MAX)
		rc = -EFBIG;
	else
		rc = read_all(fd, (size_t)st.st_size, out);
	close(fd);
	return rc;
}

static bool is_drop_in(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".conf") == 0;
}

/* Appends the files PATH.d/X.conf, which add to the file. */
static void append_drop_ins(struct text *t, const char *path)
{
	char one[PATH_BYTES];
	struct text folder = text_fixed(one, sizeof one);
	const struct dirent *entry;
	DIR *d;

	text_f(&folder, "%s.d", path);
	d = folder.failed ? NULL : opendir(one);
	for (int i = 0; d && i < FOLDER_FILES_MAX && (entry = readdir(d)); i++) {
		struct text p = text_fixed(one, sizeof one);
		text_f(&p, "%s.d/%s", path, entry->d_name);
		text_char(t, '\n');
		if (is_drop_in(entry->d_name) && !p.failed)
			(void)!read_file(one, t);
	}
	if (d)
		closedir(d);
}

static int read_names(struct wg_device *out, const char *path)
{
	struct text t = text_heap();
	int rc = read_file(path, &t);

	if (rc == 0)
		append_drop_ins(&t, path);
	*out = (struct wg_device){ 0 };
	if (rc == 0 && !conf_read_names(out, text_of(&t)))
		rc = -ENOMEM;
	text_heap_free(&t);
	return rc;
}

/* ---- one candidate ---- */

enum key_rule { ANY_KEY, NO_OTHER_KEY, SAME_KEY };

static bool key_fits(const struct search *s, const struct wg_device *file, enum key_rule rule)
{
	bool both = file->flags & s->d->flags & WG_DEVICE_HAS_PRIVATE_KEY;

	switch (rule) {
	case ANY_KEY: return true;
	case NO_OTHER_KEY: return !both || private_key_equal(&file->private_key, &s->d->private_key);
	case SAME_KEY: return both && private_key_equal(&file->private_key, &s->d->private_key);
	}
	unreachable();
}

/* True: this is the device's file, and out has its names. */
static bool try_file(const struct search *s, const char *path, enum key_rule rule)
{
	struct wg_device file;
	int rc = read_names(&file, path);

	if (rc == 0 && key_fits(s, &file, rule)) {
		free(s->out->path);
		s->out->path = span_dup(span_of(path));
		s->out->file = file;
		s->out->error = 0;
		mem_wipe(&file, sizeof file);
		return true;
	}
	device_free(&file);
	if (rule != SAME_KEY && !s->out->path) { /* the file that should have the names */
		s->out->path = span_dup(span_of(path));
		s->out->error = rc ? rc : -ESTALE;
	}
	return false;
}

/* ---- journals ---- */

struct journal_entry {
	char config[PATH_BYTES]; /* "": none */
	uint32_t ifindex;        /* 0: none yet */
	bool is_leftover;        /* of a tunnel that is down */
};

/* The entries that matter here; their format is that of wg-quick's journals. */
static void read_entry(struct journal_entry *e, struct span line)
{
	struct span word;
	uint64_t n;

	if (!span_next(&word, &line, ' '))
		return;
	if (span_is(word, "config") && line.n < sizeof e->config && line.n > 0) {
		memcpy(e->config, line.p, line.n);
		e->config[line.n] = '\0';
	} else if (span_is(word, "index") && span_to_u64(&n, line, UINT32_MAX)) {
		e->ifindex = (uint32_t)n;
	} else if (span_is(word, "rest")) {
		e->is_leftover = true;
	}
}

static bool read_journal(struct journal_entry *e, const char *path)
{
	struct text t = text_heap();
	bool ok = read_file(path, &t) == 0;
	struct span rest = text_of(&t), line;

	*e = (struct journal_entry){ .config = "" };
	ok = ok && span_next(&line, &rest, '\n') && span_is(line, "wgsuite-record 1");
	while (ok && span_next(&line, &rest, '\n'))
		read_entry(e, line);
	text_heap_free(&t);
	return ok && e->config[0] == '/' && !e->is_leftover;
}

/* ---- folders ---- */

typedef bool visit_file(const struct search *s, const char *folder, const char *file);

/* True as soon as visit() is. */
static bool visit_folder(const struct search *s, const char *folder, visit_file *visit)
{
	DIR *d = opendir(folder);
	const struct dirent *entry;
	bool found = false;

	for (int i = 0; d && !found && i < FOLDER_FILES_MAX && (entry = readdir(d)); i++)
		found = entry->d_name[0] != '.' && visit(s, folder, entry->d_name);
	if (d)
		closedir(d);
	return found;
}

/* Reads a journal of this namespace, whose name is "TUNNEL@NUMBER". */
static bool open_journal(struct journal_entry *e, const struct search *s, const char *folder, const char *file)
{
	char path[PATH_BYTES];
	struct text t = text_fixed(path, sizeof path);
	size_t at = span_find_last(span_of(file), '@');
	uint64_t netns;

	text_f(&t, "%s/%s", folder, file);
	return at < strlen(file) && span_to_u64(&netns, span_of(file + at + 1), UINT64_MAX) && netns == s->netns &&
	       device_name_is_valid((struct span){ file, at }) && !t.failed && read_journal(e, path);
}

/* A userspace device of the same name may be in another namespace, so its key must not differ. */
static bool visit_journal_of_link(const struct search *s, const char *folder, const char *file)
{
	struct journal_entry e;

	return open_journal(&e, s, folder, file) && e.ifindex == s->ifindex &&
	       try_file(s, e.config, s->d->ifindex ? ANY_KEY : NO_OTHER_KEY);
}

static bool visit_any_journal(const struct search *s, const char *folder, const char *file)
{
	struct journal_entry e;

	return open_journal(&e, s, folder, file) && try_file(s, e.config, SAME_KEY);
}

static bool visit_tunnel_file(const struct search *s, const char *folder, const char *file)
{
	static const char suffix[] = ".conf";
	size_t n = strlen(file);
	char path[PATH_BYTES];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "%s/%s", folder, file);
	return n > sizeof suffix && strcmp(file + n - (sizeof suffix - 1), suffix) == 0 && !t.failed &&
	       try_file(s, path, SAME_KEY);
}

static bool try_by_name(const struct search *s)
{
	char path[PATH_BYTES];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "%s/%s.conf", s->files, s->d->name);
	return device_name_is_valid(span_of(s->d->name)) && !t.failed && try_file(s, path, NO_OTHER_KEY);
}

void names_read_file(struct peer_names *out, const struct wg_device *d, const struct names_folders *folders)
{
	struct search s = {
		.d = d, .out = out, .netns = folders->netns,
		.files = folders->files ? folders->files : SYSCONFDIR "/wireguard",
		.journals = folders->journals ? folders->journals : RUNSTATEDIR "/wgsuite",
		.ifindex = d->ifindex ? d->ifindex : if_nametoindex(d->name),
	};

	if (s.netns && s.ifindex && visit_folder(&s, s.journals, visit_journal_of_link))
		return;
	if (try_by_name(&s) || !(d->flags & WG_DEVICE_HAS_PRIVATE_KEY))
		return;
	if (s.netns && visit_folder(&s, s.journals, visit_any_journal))
		return;
	(void)visit_folder(&s, s.files, visit_tunnel_file);
}
