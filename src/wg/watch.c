/* `wg watch`: reads devices again and again, and shows their peers on the terminal. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "access.h"
#include "base/vector.h"
#include "curses.h"
#include "program.h"
#include "report/report.h"
#include "report/terminal.h"
#include "settings.h"
#include "watch_screen.h"
#include "watch_table.h"

enum { INTERVAL_MS_MIN = 100, INTERVAL_MS_MAX = 3600 * 1000, NAMES_AGE_S = 60 };

struct watch {
	struct program *program;
	const char *interface; /* null: all */
	int interval_ms;
	struct wg_device *devices; /* of the latest sample; owned */
	size_t n_devices;
	struct watch_table table;
	struct watch_screen screen;
	char problem[128];
};

/* ---- arguments ---- */

static int usage(const struct program *p, const char *word)
{
	report_verbatim("Usage: %s %s [<interface> | all] [<seconds>]", p->name, word);
	return 1;
}

/* "2", "0.5": milliseconds; 0: not a number of seconds that is allowed. */
static int parse_seconds(const char *word)
{
	char *end;
	double s = strtod(word, &end);

	if (end == word || *end != '\0' || !(s >= INTERVAL_MS_MIN / 1e3 && s <= INTERVAL_MS_MAX / 1e3))
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

static void free_devices(struct wg_device *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		device_free(&list[i]);
	free(list);
}

static void set_problem(struct watch *w, const char *name, int error)
{
	struct text t = text_fixed(w->problem, sizeof w->problem);

	text_f(&t, "cannot read %s: %s", name, strerror(-error));
}

/* Reads the devices that are there. 0 or -ENOMEM; other errors are shown. */
static int read_devices(struct watch *w, struct wg_device **out, size_t *n)
{
	struct ipc_names names = { 0 };
	int r = 0;

	*n = 0;
	w->problem[0] = '\0';
	if (!w->interface)
		r = ipc_list(&w->program->ipc, &names);
	if (r < 0)
		set_problem(w, "the list of interfaces", r);
	*out = calloc(names.n + 1, sizeof **out);
	if (*out && w->interface) {
		r = ipc_get(&w->program->ipc, &(*out)[0], w->interface);
		*n = r == 0;
		if (r < 0)
			set_problem(w, w->interface, r);
	}
	for (size_t i = 0; *out && i < names.n; i++) {
		r = ipc_get_listed(&w->program->ipc, &(*out)[*n], &names.list[i]);
		*n += r == 0;
		if (r < 0 && r != -ENODEV)
			set_problem(w, names.list[i].name, r);
	}
	ipc_names_free(&names);
	return *out ? 0 : -ENOMEM;
}

static bool sample(struct watch *w)
{
	struct wg_device *devices;
	size_t n;
	bool ok = read_devices(w, &devices, &n) == 0 && watch_sample(&w->table, devices, n, now_s(), NULL, NULL);

	if (!ok) {
		report_error("out of memory");
		free_devices(devices, n);
		return false;
	}
	free_devices(w->devices, w->n_devices);
	w->devices = devices;
	w->n_devices = n;
	return true;
}

/* ---- the terminal ---- */

/* Handles keys until the next sample is due. */
static bool interact(struct watch *w, double until_s)
{
	struct watch_screen *s = &w->screen;
	double left;

	do {
		int key;
		watch_screen_draw(s, (uint64_t)time(NULL));
		left = until_s - now_s();
		key = curses_key(left > 0 ? (int)(left * 1e3) + 1 : 0);
		if (key != CURSES_NONE && !watch_screen_key(s, key))
			return false;
		left = until_s - now_s();
	} while (!s->quit && (left > 0 || s->paused));
	return true;
}

static bool run_screen(struct watch *w)
{
	struct watch_screen *s = &w->screen;
	double next = now_s();

	while (!s->quit) {
		if (!sample(w))
			return false;
		s->with_interface = w->n_devices > 1;
		s->problem = w->problem[0] != '\0' ? w->problem : NULL;
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
		report_error("cannot take over the terminal: libncursesw is not installed");
		report_help("install the package libncursesw6 (Debian) or ncurses");
	} else if (r < 0) {
		report_error("cannot take over the terminal: %s",
			     r == -EINVAL ? "its type (TERM) is unknown" : "standard input is not a terminal");
	}
	w->screen = (struct watch_screen){ .table = &w->table, .title = w->interface ? w->interface : "all",
					   .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 };
	return r == 0;
}

int cmd_watch(struct program *p, int argc, char *const argv[])
{
	struct watch w = { .program = p, .interval_ms = 1000 };
	int seconds = argc > 1 ? parse_seconds(argv[argc - 1]) : 0;
	bool ok;

	if (seconds > 0) {
		w.interval_ms = seconds;
		argc--;
	}
	if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
		return usage(p, argv[0]);
	if (argc == 2 && strcmp(argv[1], "all") != 0) {
		w.interface = argv[1];
		report_set_interface(w.interface);
	}
	settings_apply(p);
	ok = begin_screen(&w) && run_screen(&w);
	curses_end();
	watch_table_free(&w.table);
	free_devices(w.devices, w.n_devices);
	return ok ? 0 : 1;
}
