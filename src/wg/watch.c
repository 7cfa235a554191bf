/* `wg watch`: reads devices periodically, and shows their peers on the terminal. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "curses.h"
#include "program.h"
#include "report/library.h"
#include "report/report.h"
#include "report/terminal.h"
#include "settings.h"
#include "watch_devices.h"
#include "watch_screen.h"
#include "watch_json.h"
#include "watch_table.h"

enum { INTERVAL_MS_MIN = 100, INTERVAL_MS_MAX = 3600 * 1000 };

struct watch {
	struct program *program;
	struct watch_request request;
	int interval_ms;
	struct watch_devices devices; /* of the latest sample */
	struct watch_table table;
	struct watch_screen screen;
	bool terminal_closed;
};

/* ---- arguments ---- */

static int usage(const struct program *p, const char *word)
{
	report_verbatim("Usage: %s %s [<interface> | all] [<seconds>] [json] [@<name>]", p->name, word);
	return 1;
}

/* "2", "0.5": milliseconds; 0: not a number of seconds that is allowed. */
static int parse_seconds(const char *word)
{
	char *end;
	double s = strtod(word, &end);

	if (end == word || *end != '\0' || !(s >= (double)INTERVAL_MS_MIN / 1e3 && s <= (double)INTERVAL_MS_MAX / 1e3))
		return 0;
	return (int)(s * 1e3 + 0.5);
}

/* ---- samples ---- */

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* False: out of memory. */
static bool sample(struct watch *w)
{
	struct watch_devices next;
	double at_s = now_s();

	if (!watch_devices_read(&next, &w->devices, w->program, &w->request, at_s) ||
	    !watch_sample(&w->table, next.list, next.n, at_s, watch_devices_name, &next)) {
		watch_devices_free(&next);
		return false;
	}
	watch_devices_free(&w->devices);
	w->devices = next;
	return true;
}

/* ---- the terminal ---- */

enum { PAUSED_MS = 1000 }; /* ages of handshakes grow */

/* Handles keys until the next sample is due. False: the terminal was closed, or out of memory. */
static bool interact(struct watch *w, double until_s)
{
	struct watch_screen *s = &w->screen;
	double left;

	do {
		int key;
		watch_screen_draw(s, (uint64_t)time(NULL));
		left = until_s - now_s();
		key = curses_key(left > 0 ? (int)(left * 1e3) + 1 : s->paused ? PAUSED_MS : 0);
		w->terminal_closed = key == CURSES_GONE;
		if (w->terminal_closed || (key != CURSES_NONE && !watch_screen_key(s, key)))
			return false;
		left = until_s - now_s();
	} while (!s->quit && (left > 0 || s->paused));
	return true;
}

/* False: as interact(). */
static bool update_until_quit(struct watch *w)
{
	struct watch_screen *s = &w->screen;
	double next = now_s();

	while (!s->quit) {
		if (!sample(w))
			return false;
		s->with_interface = w->devices.n > 1;
		s->problem = w->devices.problem[0] != '\0' ? w->devices.problem : NULL;
		if (!watch_screen_update(s))
			return false;
		next += w->interval_ms / 1e3;
		if (next < now_s())
			next = now_s() + w->interval_ms / 1e3;
		if (!interact(w, next))
			return false;
	}
	return true;
}

static bool begin_screen(struct watch *w)
{
	int r = curses_begin(w->program->colour);

	if (r == -ENOENT) {
		report_error("cannot take over the terminal: libncursesw %s", library_absent);
		report_help("%s", library_remedy("install the package libncursesw6 (Debian) or ncurses"));
	} else if (r < 0) {
		report_error("cannot take over the terminal: %s",
			     r == -EINVAL ? "its type (TERM) is unknown" :
			     r == -ENOTSUP ? "its type (TERM) has no cursor addressing" :
			     "standard input or output is not one");
	}
	w->screen = (struct watch_screen){ .table = &w->table, .title = w->request.interface ? w->request.interface : "all",
					   .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 };
	return r == 0;
}

static bool run_screen(struct watch *w)
{
	bool ok;

	if (!begin_screen(w))
		return false;
	ok = update_until_quit(w);
	curses_end();
	if (!ok && !w->terminal_closed)
		report_error("out of memory");
	return ok;
}

/* ---- programs ---- */

/* False: the interface is gone, or out of memory; reported. */
static bool print_sample(struct watch *w)
{
	struct program *p = w->program;
	struct timespec t;

	if (w->devices.problem[0] != '\0')
		report_error("%s", w->devices.problem);
	if (w->request.interface && w->devices.n == 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &t);
	if (!watch_json(&p->out, &w->table, w->devices.list, w->devices.n,
			(uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000)) {
		report_error("out of memory");
		return false;
	}
	program_flush(p);
	return true;
}

/* Ends with an error, or with the process that reads the output. */
static bool run_json(struct watch *w)
{
	double next = now_s();

	for (;;) {
		struct timespec t;
		double left;
		if (!sample(w)) {
			report_error("out of memory");
			return false;
		}
		if (!print_sample(w) || w->program->out_error)
			return false;
		next += w->interval_ms / 1e3;
		left = next - now_s();
		if (left <= 0) {
			next -= left;
			continue;
		}
		t = (struct timespec){ .tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9) };
		(void)nanosleep(&t, NULL);
	}
}

int cmd_watch(struct program *p, int argc, char *const argv[])
{
	struct watch w = { .program = p, .interval_ms = 1000 };
	bool json = !isatty(STDOUT_FILENO), ok;
	int seconds;

	if (argc > 1 && argv[argc - 1][0] == '@')
		w.request.peer = argv[--argc];
	if (argc > 1 && strcmp(argv[argc - 1], "json") == 0) {
		json = true;
		argc--;
	}
	seconds = argc > 1 ? parse_seconds(argv[argc - 1]) : 0;
	if (seconds > 0) {
		w.interval_ms = seconds;
		argc--;
	}
	if (argc == 3 && argv[1][0] != '-' && seconds == 0) {
		report_error("expected an interval from 0.1 to 3600 seconds, found `%s'", argv[2]);
		return 1;
	}
	if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
		return usage(p, argv[0]);
	if (argc == 2 && strcmp(argv[1], "all") != 0) {
		w.request.interface = argv[1];
		report_set_interface(w.request.interface);
	}
	settings_apply(p);
	ok = (!w.request.peer || watch_devices_have_peer(p, &w.request)) && (json ? run_json(&w) : run_screen(&w));
	watch_table_free(&w.table);
	watch_devices_free(&w.devices);
	return ok ? 0 : 1;
}
