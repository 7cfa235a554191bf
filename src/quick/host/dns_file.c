/* DNS by replacing /etc/resolv.conf. */
#include "dns_file.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "dns_backup.h"
#include "fileio.h"
#include "lock_file.h"
#include "quick/plan/dns_text.h"
#include "report/report.h"

enum { LOCK_TIMEOUT_S = 10 }; /* it is held for a moment only */
enum { ORIGINAL_BYTES_MAX = 1 << 20 }; /* what wg-quick writes is less than four times as large */

/* The file between reading and writing it. */
struct edit {
	const struct dns_file *f;
	const char *id;
	char folder[PATH_MAX]; /* of the journals */
	char lock_path[PATH_MAX];
	int lock;
	struct text now; /* the contents of the file */
	struct resolv_conf rc;
	struct text dropped; /* names of tunnels that are no longer up */
	bool lost; /* the original is not known */
	int unusable; /* 0, or -errno: the path leads to something that wg-quick neither wrote nor writes */
};

/* Of the network namespace in which this process is. */
static char path_inside[RESOLV_CONF_PATH_MAX];

static const char *path_now(void)
{
	return path_inside[0] ? path_inside : RESOLV_CONF;
}

void dns_file_set_netns(const char *netns)
{
	struct text t = text_fixed(path_inside, sizeof path_inside);

	path_inside[0] = '\0';
	if (netns[0])
		resolv_conf_print_path(&t, netns);
}

static void print_folder_inside(char folder[RESOLV_CONF_PATH_MAX])
{
	struct text t = text_fixed(folder, RESOLV_CONF_PATH_MAX);

	text_span(&t, span_sub(span_of(path_inside), 0, span_find_last(span_of(path_inside), '/')));
}

/* ip-netns(8) has it for namespaces whose files differ from those of the host. */
static void make_folder(struct command_trace *trace)
{
	char folder[RESOLV_CONF_PATH_MAX];

	if (!path_inside[0])
		return;
	print_folder_inside(folder);
	if (access(folder, F_OK) == 0)
		return;
	text_f(&trace->t, "[#] mkdir -p %s\n", folder);
	(void)mkdir("/etc/netns", 0755);
	(void)mkdir(folder, 0755);
}

static void remove_folder(void)
{
	char folder[RESOLV_CONF_PATH_MAX];

	if (!path_inside[0])
		return;
	print_folder_inside(folder);
	if (rmdir(folder) == 0 || errno == ENOENT)
		(void)rmdir("/etc/netns");
}

const char *dns_file_id(const char *journal)
{
	const char *slash = strrchr(journal, '/');

	return slash ? slash + 1 : journal;
}

static void print_folder(char folder[PATH_MAX], const char *journal)
{
	struct text t = text_fixed(folder, PATH_MAX);
	const char *id = dns_file_id(journal);

	text_span(&t, (struct span){ journal, id > journal ? (size_t)(id - journal) - 1 : 0 });
}

/* ---- which tunnels are up ---- */

static bool is_same_or_unknown(const char *recorded, void (*print)(struct text *t))
{
	char now[RESOLV_CONF_WORD_MAX];
	struct text t = text_fixed(now, sizeof now);

	print(&t);
	return strcmp(recorded, "-") == 0 || strcmp(now, "-") == 0 || strcmp(recorded, now) == 0;
}

static bool interface_exists(const struct resolv_conf_tunnel *tunnel)
{
	struct span name = resolv_conf_tunnel_name(tunnel);
	char text[IF_NAMESIZE];
	struct text t = text_fixed(text, sizeof text);

	text_span(&t, name);
	return tunnel->index ? if_indextoname(tunnel->index, text) != NULL : if_nametoindex(text) != 0;
}

/* A hook or another program may have moved it to another network namespace, which its journal does not tell. */
static bool was_moved(const struct edit *e, const struct resolv_conf_tunnel *tunnel)
{
	char name[RESOLV_CONF_ID_MAX], path[PATH_MAX];
	struct text t = text_fixed(name, sizeof name), p = text_fixed(path, sizeof path);

	text_span(&t, resolv_conf_tunnel_name(tunnel));
	text_f(&p, "%s/%s", e->folder, tunnel->id);
	return e->f->is_elsewhere && fileio_exists(path) && e->f->is_elsewhere(e->f->ctx, name);
}

/* A container that is started again has another network namespace, but may have the journals of the last time. */
static bool is_up(const struct edit *e, const struct resolv_conf_tunnel *tunnel)
{
	const char *at = strrchr(tunnel->id, '@'), *own = strrchr(e->id, '@');
	char path[PATH_MAX];
	struct text t = text_fixed(path, sizeof path);

	if (!is_same_or_unknown(tunnel->boot, boot_print_kernel))
		return false;
	if (!at || (own && strcmp(at, own) == 0))
		return interface_exists(tunnel) || was_moved(e, tunnel);
	text_f(&t, "%s/%s", e->folder, tunnel->id);
	return is_same_or_unknown(tunnel->init, boot_print_init) && fileio_exists(path);
}

static void drop_dead(struct edit *e)
{
	for (size_t i = 0; i < e->rc.n;) {
		const struct resolv_conf_tunnel *tunnel = &e->rc.tunnels[i];
		struct span name = resolv_conf_tunnel_name(tunnel);
		if (is_up(e, tunnel)) {
			i++;
			continue;
		}
		text_f(&e->dropped, "%s%.*s", e->dropped.n ? ", " : "", (int)name.n, name.p);
		resolv_conf_drop(&e->rc, tunnel->id);
	}
}

/* ---- reading ---- */

/* For a text of ours whose comments are damaged, so that its tunnel has a name only. */
static void find_original(struct edit *e)
{
	struct span name = span_sub(span_of(e->id), 0, span_find_last(span_of(e->id), '@'));
	char path[PATH_MAX];

	if (e->rc.n > 0 && span_is(name, e->rc.tunnels[0].id)) {
		struct text t = text_fixed(e->rc.tunnels[0].id, sizeof e->rc.tunnels[0].id);
		text_add(&t, e->id);
	}
	e->lost = path_inside[0] || !dns_backup_read(path, e->folder, &e->rc.original);
	if (e->lost)
		resolv_conf_salvage(&e->rc, text_of(&e->now));
}

/* A folder, a FIFO or a device, more than a list of name servers, or a link that leads nowhere. */
static bool is_unusable(int r)
{
	return r == -EINVAL || r == -EISDIR || r == -EFBIG || r == -ELOOP || r == -ENOTDIR;
}

static int read_file(struct edit *e)
{
	int r = fileio_read_settings(path_now(), &e->now);

	if (r == -ENOENT || is_unusable(r)) {
		e->rc.kind = RESOLV_CONF_NONE;
		e->unusable = r == -ENOENT ? 0 : r;
		return 0;
	}
	if (r < 0)
		return r;
	if (!resolv_conf_parse(&e->rc, text_of(&e->now)))
		return -ENOMEM;
	if (!e->rc.ours && e->now.n > ORIGINAL_BYTES_MAX)
		e->unusable = -EFBIG;
	if (e->rc.damaged)
		find_original(e);
	return 0;
}

static void edit_init(struct edit *e, const struct dns_file *f)
{
	*e = (struct edit){ .f = f, .id = dns_file_id(f->journal), .lock = -1, .now = text_heap(), .dropped = text_heap() };
	print_folder(e->folder, f->journal);
}

static int edit_begin(struct edit *e, const struct dns_file *f)
{
	struct text t;

	edit_init(e, f);
	t = text_fixed(e->lock_path, sizeof e->lock_path);
	text_f(&t, "%s/.resolv", e->folder);
	e->lock = lock_file_acquire(e->folder, e->lock_path, LOCK_TIMEOUT_S);
	if (e->lock == -EINTR || e->lock == -ETIMEDOUT)
		return e->lock;
	return read_file(e);
}

static void edit_end(struct edit *e)
{
	if (e->lock >= 0)
		lock_file_release(e->lock_path, e->lock);
	resolv_conf_free(&e->rc);
	text_heap_free(&e->now);
	text_heap_free(&e->dropped);
}

int dns_file_read(struct resolv_conf *out, const struct dns_file *f)
{
	struct edit e;
	int r;

	edit_init(&e, f);
	r = read_file(&e);
	if (r == 0)
		drop_dead(&e);
	resolv_conf_free(out);
	*out = e.rc;
	e.rc = (struct resolv_conf){ 0 };
	edit_end(&e);
	return r;
}

/* ---- writing ---- */

static bool is_link(void)
{
	struct stat st;

	return lstat(path_now(), &st) == 0 && S_ISLNK(st.st_mode);
}

/* Where the link leads, or the file itself. */
static int write_through(struct span text)
{
	char *real = realpath(path_now(), NULL);
	int r = fileio_rewrite(real ? real : path_now(), text);

	free(real);
	return r;
}

/* A dangling link that `up` wrote through stays; the file behind it is removed. */
static int remove_created(void)
{
	char *real = realpath(path_now(), NULL);
	int r = unlink(real ? real : path_now()) < 0 && errno != ENOENT ? -errno : 0;

	free(real);
	return r;
}

/* A file that was written in place may have been written in part. */
static void write_again(const struct edit *e)
{
	struct text now = text_heap();
	int r = fileio_read_settings(path_now(), &now);

	if (r == 0 && !e->rc.ours && e->rc.kind == RESOLV_CONF_NONE)
		r = remove_created();
	else if (r == 0 && !span_equal(text_of(&now), text_of(&e->now)))
		r = write_through(text_of(&e->now));
	if (r < 0 && r != -ENOENT && r != e->unusable)
		report_error("cannot restore %s: %s", path_now(), fileio_reason(r));
	text_heap_free(&now);
}

static int write_tunnels(struct edit *e, const struct resolv_conf_tunnel *top)
{
	struct command_trace *trace = e->f->trace;
	struct text t = text_heap();
	int r;

	resolv_conf_print(&t, &e->rc, top ? top->id : NULL, top);
	dns_file_print_write(&trace->t, path_now(), text_of(&t));
	command_trace_flush(trace);
	r = t.failed ? -ENOMEM : write_through(text_of(&t));
	if (r < 0)
		write_again(e);
	text_heap_free(&t);
	return r;
}

/* A link to a file that cannot be written, or in a folder that does not exist, is replaced by a file. */
static int replace_link(struct edit *e, const struct resolv_conf_tunnel *top)
{
	struct command_trace *trace = e->f->trace;
	char target[PATH_MAX];
	ssize_t n = readlink(path_now(), target, sizeof target - 1);
	struct text t = text_heap();
	int r = n < 0 ? -errno : 0;

	if (r == 0) {
		e->rc.kind = RESOLV_CONF_LINK;
		e->rc.target = span_dup((struct span){ target, (size_t)n });
		r = e->rc.target && !memchr(target, '\n', (size_t)n) ? 0 : -EINVAL;
	}
	if (r == 0) {
		resolv_conf_print(&t, &e->rc, top->id, top);
		text_f(&trace->t, "[#] rm %s\n", path_now());
		dns_file_print_write(&trace->t, path_now(), text_of(&t));
		command_trace_flush(trace);
		r = t.failed ? -ENOMEM : fileio_replace_public(path_now(), text_of(&t));
	}
	text_heap_free(&t);
	return r;
}

static bool is_unwritable(int r)
{
	return is_unusable(r) || r == -ENOENT || r == -EROFS || r == -EACCES || r == -EPERM;
}

static void remove_backup(const struct edit *e)
{
	if (!path_inside[0])
		dns_backup_remove(e->folder);
}

static void back_up(struct edit *e)
{
	char path[PATH_MAX];

	if (path_inside[0]) /* ip-netns(8) would try to mount the copy as well */
		return;
	if (e->rc.kind != RESOLV_CONF_FILE)
		dns_backup_remove(e->folder); /* of an earlier file */
	else if (dns_backup_write(path, e->folder, text_of(&e->rc.original)) && !e->rc.ours)
		text_f(&e->f->trace->t, "[#] cp %s %s\n", path_now(), path);
}

static int set(struct edit *e, const struct dns_config *d)
{
	struct resolv_conf_tunnel self = { .index = e->f->ifindex, .dns = *d }; /* borrowed */
	struct text id = text_fixed(self.id, sizeof self.id), boot = text_fixed(self.boot, sizeof self.boot);
	struct text init = text_fixed(self.init, sizeof self.init);
	int r;

	text_add(&id, e->id);
	boot_print_kernel(&boot);
	boot_print_init(&init);
	if (e->unusable && !is_link())
		return e->unusable;
	drop_dead(e);
	back_up(e);
	r = e->unusable ? e->unusable : write_tunnels(e, &self);
	if (is_unwritable(r) && is_link() && e->rc.kind != RESOLV_CONF_LINK && replace_link(e, &self) == 0)
		r = 0;
	if (r < 0 && !e->rc.ours)
		remove_backup(e);
	return r;
}

/* ---- restoring ---- */

static int restore_link(const char *target)
{
	char temporary[RESOLV_CONF_PATH_MAX + 8];
	struct text t = text_fixed(temporary, sizeof temporary);
	int r;

	text_f(&t, "%s.tmp", path_now());
	(void)unlink(temporary);
	if (symlink(target, temporary) < 0)
		return -errno;
	if (rename(temporary, path_now()) == 0)
		return 0;
	r = -errno;
	(void)unlink(temporary);
	return r;
}

/* The commands have the effect of restore_original(). */
static void trace_restore(struct edit *e)
{
	struct text *t = &e->f->trace->t, backup = text_heap();
	char path[PATH_MAX];

	switch (e->rc.kind) {
	case RESOLV_CONF_FILE:
		if (!path_inside[0] && dns_backup_read(path, e->folder, &backup) &&
		    span_equal(text_of(&backup), text_of(&e->rc.original)))
			text_f(t, "[#] cp %s %s\n[#] rm %s\n", path, path_now(), path);
		else
			dns_file_print_write(t, path_now(), text_of(&e->rc.original));
		break;
	case RESOLV_CONF_NONE: text_f(t, "[#] rm %s\n", path_now()); break;
	case RESOLV_CONF_LINK: text_f(t, "[#] ln -sf %s %s\n", e->rc.target, path_now()); break;
	}
	text_heap_free(&backup);
	command_trace_flush(e->f->trace);
}

static int restore_original(struct edit *e)
{
	int r = 0;

	trace_restore(e);
	switch (e->rc.kind) {
	case RESOLV_CONF_FILE: r = write_through(text_of(&e->rc.original)); break;
	case RESOLV_CONF_NONE: r = remove_created(); break;
	case RESOLV_CONF_LINK: r = restore_link(e->rc.target); break;
	}
	if (r < 0)
		return r;
	remove_backup(e);
	if (e->rc.foreign && e->rc.kind == RESOLV_CONF_FILE)
		report_warning("lines that another program added to %s are kept", path_now());
	if (e->lost)
		report_warning("%s keeps the name servers of the tunnel: its original is lost", path_now());
	return 0;
}

static int write_rest(struct edit *e)
{
	return e->rc.n > 0 ? write_tunnels(e, NULL) : restore_original(e);
}

/* The file is no longer ours, so the original that we saved is obsolete. */
static void give_up(struct edit *e)
{
	struct text before = text_heap();
	char path[PATH_MAX];

	if (path_inside[0])
		return;
	if (dns_backup_read(path, e->folder, &before) && !span_equal(text_of(&before), text_of(&e->now)))
		report_warning("%s is not restored: another program changed it", path_now());
	text_heap_free(&before);
	dns_backup_remove(e->folder);
}

static void remove_temporary(void)
{
	char *real = realpath(path_now(), NULL);

	fileio_remove_temporary(path_now());
	if (real)
		fileio_remove_temporary(real);
	free(real);
}

static int restore(struct edit *e)
{
	bool was_set;

	remove_temporary();
	if (!e->rc.ours) {
		give_up(e);
		return 0;
	}
	was_set = resolv_conf_drop(&e->rc, e->id);
	drop_dead(e);
	return was_set || e->dropped.n > 0 ? write_rest(e) : 0;
}

static int sweep(struct edit *e)
{
	bool own = resolv_conf_lists(&e->rc, e->id);
	int r;

	drop_dead(e);
	if (e->dropped.n == 0)
		return 0;
	report_warning("removing the name servers of tunnels that are no longer up from %s: %s", path_now(), e->dropped.p);
	r = write_rest(e);
	return r < 0 ? r : own && !resolv_conf_lists(&e->rc, e->id);
}

/* ---- */

static int finish(struct edit *e, int r, struct text *why)
{
	if (r < 0)
		text_f(why, "%s: %s", path_now(), fileio_reason(r));
	edit_end(e);
	return r;
}

int dns_file_set(const struct dns_file *f, const struct dns_config *d, struct text *why)
{
	struct edit e;
	int r;

	make_folder(f->trace);
	r = edit_begin(&e, f);
	r = finish(&e, r < 0 ? r : set(&e, d), why);
	if (r < 0)
		remove_folder();
	return r;
}

int dns_file_restore(const struct dns_file *f, struct text *why)
{
	struct edit e;
	int r = edit_begin(&e, f);

	r = finish(&e, r < 0 ? r : restore(&e), why);
	remove_folder();
	return r;
}

int dns_file_sweep(const struct dns_file *f, struct text *why)
{
	struct edit e;
	int r = edit_begin(&e, f);

	return finish(&e, r < 0 ? r : sweep(&e), why);
}
