/* `supervise`: keeps the tunnels of a folder up until a signal ends the process. Every change is a command of wg-quick in a child
 * process, so no tunnel waits for another. */
#include "supervise.h"

#include <errno.h>
#include <stdlib.h>

#include "ipc/ipc.h"
#include "messages.h"
#include "quick/config/tunnel_file.h"
#include "quick/host/clock.h"
#include "quick/host/file_events.h"
#include "quick/host/file_stamp.h"
#include "quick/host/fileio.h"
#include "quick/host/folder.h"
#include "quick/host/netns.h"
#include "quick/host/own_children.h"
#include "quick/host/process.h"
#include "quick/host/service_notify.h"
#include "quick/host/signals.h"
#include "quick/journal/journal.h"
#include "quick/journal/monitor_status.h"
#include "quick/journal/paths.h"
#include "quick/journal/supervised.h"
#include "report/report.h"
#include "supervised_tunnel.h"

enum {
	SETTLE_MS = 200,         /* after an event: a change of files is often several of them */
	RESCAN_MS = 60000,       /* for file systems that send no events */
	EMPTY_MS = 2000,         /* while there is no file */
	MONITOR_WAIT_MS = 5000,  /* before `monitor` is started again */
};

struct supervise {
	char **folders; /* absolute paths, in order of preference; owned */
	size_t n_folders;
	const char *folder; /* the first in which there was a file; null: none yet */
	bool no_hooks, quiet;
	struct event_loop loop;
	struct file_events files;
	struct own_children children;
	struct supervised_tunnel *tunnels;
	size_t n, cap;
	int lock;
	int monitor;         /* its process; 0: none */
	uint64_t monitor_ms; /* when it may be started */
	uint64_t scan_ms;    /* when the files are looked at */
	int scan_error;      /* the last time, which was reported; 0: none */
	bool stopping, failed;
	bool waits; /* for a first tunnel file, and has said so */
};

/* ---- commands ---- */

static int start_command(const struct supervise *s, const struct supervised_tunnel *t, enum supervised_job job)
{
	static const char *const verbs[] = { [JOB_NONE] = "", [JOB_UP] = "up", [JOB_RELOAD] = "reload", [JOB_DOWN] = "down" };
	const char *argv[6] = { "wg-quick", verbs[job] };
	size_t n = 2;

	if (s->quiet)
		argv[n++] = "-q";
	if (s->no_hooks && job != JOB_RELOAD)
		argv[n++] = "--no-hooks";
	argv[n] = t->path;
	return own_children_start(argv);
}

static void report_end(const struct supervised_tunnel *t, enum supervised_job job)
{
	report_set_interface(t->name);
	if (job == JOB_UP && !t->is_up)
		report_warning("the tunnel is not up; the next attempt is in %u second%s, or when %s changes", t->wait_ms / 1000,
			       t->wait_ms / 1000 == 1 ? "" : "s", t->path);
	else if (job == JOB_RELOAD)
		report_warning("the changed file was not applied: the tunnel is unchanged");
	report_set_interface(NULL);
}

/* A tunnel in another network namespace is known by its journal only. One whose `up' was killed is not up: the next `up' undoes it. */
static bool is_up(const char *name)
{
	uint32_t index;
	struct journal j;
	bool journaled = journal_open_unlocked(&j, name) == 0 && j.exists, interrupted = journaled && !j.complete;
	bool elsewhere = journaled && j.complete && !j.is_ending && !j.is_leftover && j.applied.plan.netns[0];

	applied_free(&j.applied);
	return !interrupted && (elsewhere || ipc_scopes.index_of(&index, span_of(name)));
}

static void end_command(struct supervise *s, struct supervised_tunnel *t, int status)
{
	enum supervised_job job = t->job;

	supervised_ended(t, status, clock_boot_ms());
	s->failed |= job == JOB_DOWN && status != 0;
	if (job != JOB_DOWN && status != 0)
		t->is_up = is_up(t->name); /* perhaps another wg-quick has changed that */
	if (status != 0 && !s->stopping)
		report_end(t, job);
}

static void run_commands(struct supervise *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct supervised_tunnel *t = &s->tunnels[i];
		enum supervised_job job = supervised_next(t, s->stopping, clock_boot_ms());
		uint64_t stamp;
		int pid;
		if (job == JOB_NONE)
			continue;
		stamp = file_stamp(t->path); /* before the command reads it */
		pid = start_command(s, t, job);
		supervised_started(t, job, pid, stamp);
		if (report_failure("start a process", pid < 0 ? pid : 0) < 0)
			end_command(s, t, 1);
	}
}

static void run_monitor(struct supervise *s)
{
	static const char *const argv[] = { "wg-quick", "monitor", NULL };
	bool is_up = false;

	for (size_t i = 0; i < s->n; i++)
		is_up |= s->tunnels[i].is_up;
	if (!is_up || s->stopping || s->monitor > 0 || s->monitor_ms > clock_boot_ms())
		return;
	s->monitor_ms = clock_boot_ms() + MONITOR_WAIT_MS;
	if (monitor_is_running()) /* another one, such as wg-quick-monitor.service, which may end */
		return;
	s->monitor = own_children_start(argv);
	report_failure("start the monitor", s->monitor < 0 ? s->monitor : 0);
}

static void child_ended(struct own_children *c, pid_t pid, int status)
{
	struct supervise *s = container_of(c, struct supervise, children);

	if (pid == s->monitor)
		s->monitor = 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->tunnels[i].job != JOB_NONE && s->tunnels[i].pid == pid)
			end_command(s, &s->tunnels[i], status);
}

/* ---- files ---- */

static struct supervised_tunnel *find(const struct supervise *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->tunnels[i].name, name) == 0)
			return &s->tunnels[i];
	return NULL;
}

/* A tunnel that is up already, for example because the process before this one was killed, goes on. */
static int add_tunnel(struct supervise *s, const char *name, char *path)
{
	struct supervised_tunnel *t;

	if (!vector_reserve(&s->tunnels, &s->cap, s->n + 1, sizeof *s->tunnels))
		return -ENOMEM;
	t = &s->tunnels[s->n++];
	*t = (struct supervised_tunnel){ .path = path, .wanted = true, .retry_ms = NEVER };
	memcpy(t->name, name, strlen(name) + 1);
	t->is_up = is_up(name);
	return 0;
}

static void watch(struct supervise *s, const struct supervised_tunnel *t)
{
	struct text drop_ins = text_heap();

	text_f(&drop_ins, "%s.d", t->path);
	/* Files that cannot be watched are checked periodically. */
	(void)!file_events_add_file(&s->files, t->path);
	if (!drop_ins.failed)
		(void)!file_events_add(&s->files, drop_ins.p);
	text_heap_free(&drop_ins);
}

static int look_at_file(struct supervise *s, const char *folder, const char *file)
{
	char name[WG_NAME_MAX];
	struct text path = text_heap();
	struct supervised_tunnel *t;
	uint64_t stamp;
	int r = 0;

	text_f(&path, "%s/%s", folder, file);
	if (path.failed)
		return -ENOMEM;
	stamp = file_stamp(path.p);
	if (stamp && tunnel_file_name_of(name, path.p)) {
		t = find(s, name);
		if (t)
			t->wanted |= t->stamp != stamp;
		else
			r = add_tunnel(s, name, path.p);
		if (!t && r == 0)
			return 1; /* it has the path */
	}
	text_heap_free(&path);
	return r;
}

/* 1 if there are new ones, 0, or -errno. */
static int look_at_folder(struct supervise *s, const char *folder)
{
	struct string_list names = { 0 };
	int r = folder_list(&names, folder), found = 0;

	for (size_t i = 0; r >= 0 && i < names.n; i++) {
		size_t n = strlen(names.list[i]);
		if (n <= 5 || strcmp(names.list[i] + n - 5, ".conf") != 0)
			continue;
		r = look_at_file(s, folder, names.list[i]);
		found |= r == 1;
	}
	string_list_free(&names);
	return r < 0 ? r : found;
}

static int write_list(const struct supervise *s)
{
	struct string_list paths = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = string_list_add(&paths, span_of(s->tunnels[i].path)) ? 0 : -ENOMEM;
	if (r == 0)
		r = supervised_write(&paths);
	string_list_free(&paths);
	return report_failure("write the list of tunnels", r);
}

static void report_waiting(struct supervise *s)
{
	struct text folders = text_heap();

	for (size_t i = 0; i < s->n_folders; i++)
		text_f(&folders, "%s%s%s", i == 0 ? "" : i + 1 == s->n_folders ? " or " : ", ", s->folders[i],
		       file_is_folder(s->folders[i]) ? "" : " (does not exist)");
	if (!folders.failed)
		report_warning("no tunnel file (*.conf) in %s: waiting for one", folders.p);
	text_heap_free(&folders);
	s->waits = true;
}

static void scan(struct supervise *s)
{
	int r = 0;

	for (size_t i = 0; i < s->n_folders && !s->folder && r >= 0; i++) {
		(void)!file_events_add(&s->files, s->folders[i]);
		r = look_at_folder(s, s->folders[i]);
		if (s->n > 0)
			s->folder = s->folders[i];
	}
	if (s->folder && r == 0) {
		(void)!file_events_add(&s->files, s->folder);
		r = look_at_folder(s, s->folder);
	}
	for (size_t i = 0; i < s->n; i++)
		watch(s, &s->tunnels[i]);
	if (r != s->scan_error)
		report_failure("read the directory of tunnel files", r < 0 ? r : 0);
	s->scan_error = r < 0 ? r : 0;
	if (r == 1 || (r == 0 && s->n == 0))
		(void)!write_list(s);
	if (r == 0 && s->n == 0 && !s->waits)
		report_waiting(s);
	s->scan_ms = clock_boot_ms() + (s->n > 0 ? RESCAN_MS : EMPTY_MS);
}

static void file_event(struct file_events *e, int folder, const char *name, bool gone)
{
	struct supervise *s = container_of(e, struct supervise, files);
	uint64_t scan_ms = clock_boot_ms() + SETTLE_MS;

	(void)folder;
	(void)name;
	(void)gone;
	if (scan_ms < s->scan_ms) /* events that do not end must not put it off */
		s->scan_ms = scan_ms;
}

/* ---- the loop ---- */

static uint64_t next_deadline(const struct supervise *s)
{
	uint64_t next = s->stopping ? NEVER : s->scan_ms;

	for (size_t i = 0; i < s->n && !s->stopping; i++)
		if (s->tunnels[i].job == JOB_NONE && s->tunnels[i].retry_ms < next)
			next = s->tunnels[i].retry_ms;
	if (!s->stopping && s->monitor <= 0 && s->monitor_ms < next && s->monitor_ms > clock_boot_ms())
		next = s->monitor_ms;
	return next;
}

static bool works(const struct supervise *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->tunnels[i].job != JOB_NONE)
			return true;
	return s->monitor > 0;
}

static void stop_children(const struct supervise *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->tunnels[i].job != JOB_NONE)
			own_children_stop(s->tunnels[i].pid);
	if (s->monitor > 0)
		own_children_stop(s->monitor);
}

/* SIGHUP reads all files again, also those of keys. Others end the process; when it is ending already, they are ignored. */
static void handle_signal(struct supervise *s)
{
	bool reload = signals_stop_is_hangup();

	stop_signal = 0;
	if (s->stopping)
		return;
	if (!reload) {
		s->stopping = true;
		stop_children(s);
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		s->tunnels[i].wanted = true;
	s->scan_ms = 0;
}

static int run(struct supervise *s)
{
	int r = 0;

	while (r == 0) {
		if (stop_signal)
			handle_signal(s);
		if (!s->stopping && s->scan_ms <= clock_boot_ms())
			scan(s);
		run_commands(s);
		run_monitor(s);
		if (s->stopping && !works(s))
			return 0;
		r = event_loop_wait(&s->loop, next_deadline(s));
		if (r == -EINTR)
			r = 0;
	}
	return report_failure("wait for events", r);
}

/* ---- beginning and end ---- */

static int start(struct supervise *s)
{
	int r = report_failure("identify the network namespace", netns_identify());

	if (r < 0)
		return r;
	own_children_block_signal();
	r = report_failure("wait for events", event_loop_init(&s->loop));
	s->files.handle = file_event;
	s->children.ended = child_ended;
	if (r == 0)
		r = report_failure("wait for child processes", own_children_open(&s->children, &s->loop));
	if (r == 0)
		r = report_failure("wait for changes of files", file_events_open(&s->files, &s->loop));
	if (r < 0)
		return r;
	s->lock = supervised_lock();
	if (s->lock == -EWOULDBLOCK)
		report_error("another `wg-quick supervise' runs in this network namespace");
	else if (report_failure("write to " JOURNAL_FOLDER, s->lock < 0 ? s->lock : 0) < 0)
		report_help("in a container, mount a tmpfs at /run");
	return s->lock < 0 ? s->lock : 0;
}

static void stop(struct supervise *s)
{
	supervised_unlock(s->lock);
	own_children_close(&s->children);
	if (s->files.loop)
		file_events_close(&s->files);
	event_loop_free(&s->loop);
	for (size_t i = 0; i < s->n; i++)
		free(s->tunnels[i].path);
	free(s->tunnels);
}

static void free_folders(struct supervise *s)
{
	for (size_t i = 0; i < s->n_folders; i++)
		free(s->folders[i]);
	free(s->folders);
}

/* The list of files is for other processes, which have another current folder. 0, or -errno after reporting. */
static int read_folders(struct supervise *s, size_t n, const char *const folders[])
{
	s->folders = calloc(n, sizeof *s->folders);
	for (; s->folders && s->n_folders < n; s->n_folders++) {
		s->folders[s->n_folders] = folder_absolute_path(folders[s->n_folders]);
		if (!s->folders[s->n_folders])
			break;
	}
	return report_failure("find the current directory", s->folders && s->n_folders == n ? 0 : -ENOENT);
}

/* Some may be created later; if none exists, it is more likely a typing error. 0, or -errno after reporting. */
static int check_folders(const struct supervise *s)
{
	bool exist = false;

	for (size_t i = 0; i < s->n_folders; i++) {
		if (file_is_folder(s->folders[i])) {
			exist = true;
		} else if (fileio_exists(s->folders[i])) {
			report_error("%s is not a directory", s->folders[i]);
			report_help("supervise needs paths of directories that contain tunnel files");
			return -ENOTDIR;
		}
	}
	for (size_t i = 0; i < s->n_folders && !exist; i++)
		report_error("the directory %s does not exist", s->folders[i]);
	return exist ? 0 : -ENOENT;
}

static int misused(void)
{
	report_verbatim("Usage: wg-quick supervise [ -q ] [ --no-hooks ] [ DIRECTORY... ]");
	return 1;
}

/* The number of options, or -1 after reporting. */
static int parse(struct supervise *s, int argc, char *const argv[])
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++)
		if (strcmp(argv[i], "-q") == 0 || strcmp(argv[i], "--quiet") == 0)
			s->quiet = true;
		else if (strcmp(argv[i], "--no-hooks") == 0)
			s->no_hooks = true;
		else {
			report_error("unknown option `%s'", argv[i]);
			return -1;
		}
	for (int k = i; k < argc; k++)
		if (argv[k][0] == '\0') {
			report_error("supervise needs paths of directories, found an empty one");
			return -1;
		}
	return i - 1;
}

int command_supervise(int argc, char *const argv[])
{
	static const char *const usual[] = { SYSCONFDIR "/wireguard" };
	struct supervise s = { .lock = -1, .loop = { .epoll = -1, .timer.fd = -1 } };
	int r, n_options = parse(&s, argc, argv), n_folders = argc - 1 - n_options;

	if (n_options < 0)
		return misused();
	if (!process_may_change_network()) {
		report_error("CAP_NET_ADMIN is required");
		return 127;
	}
	process_set_environment();
	signals_watch();
	r = read_folders(&s, n_folders > 0 ? (size_t)n_folders : 1, n_folders > 0 ? (const char *const *)&argv[1 + n_options] : usual);
	if (r == 0)
		r = check_folders(&s);
	if (r == 0)
		r = start(&s);
	if (r == 0) {
		service_notify_ready();
		r = run(&s);
	}
	stop(&s);
	free_folders(&s);
	return r < 0 || s.failed;
}
