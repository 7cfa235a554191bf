/* Loads and calls ncursesw. */
#include "curses.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/dlopen_note.h"
#include "report/library.h"

DLOPEN_NOTE("libncursesw.so.6", "watch", "Live view of peers");

typedef struct window WINDOW;
typedef struct screen SCREEN;

static struct {
	void *library;
	WINDOW *window;
	bool colour;
	SCREEN *(*newterm)(const char *type, void *out, void *in);
	int (*endwin)(void), (*cbreak)(void), (*noecho)(void), (*curs_set)(int), (*start_color)(void);
	int (*use_default_colors)(void), (*doupdate)(void), (*set_escdelay)(int);
	int (*init_pair)(short pair, short foreground, short background);
	int (*keypad)(WINDOW *w, bool on);
	void (*wtimeout)(WINDOW *w, int ms);
	int (*wgetch)(WINDOW *w), (*werase)(WINDOW *w), (*wnoutrefresh)(WINDOW *w);
	int (*getmaxx)(const WINDOW *w), (*getmaxy)(const WINDOW *w);
	int (*wmove)(WINDOW *w, int y, int x);
	int (*waddnstr)(WINDOW *w, const char *text, int n);
	int (*wattr_set)(WINDOW *w, unsigned int attributes, short pair, void *options);
	char *(*tigetstr)(const char *capability);
} curses;

/* Attributes (curs_attr(3X)), and the pairs of colours that curses_begin() defines. */
enum { A_REVERSE_BIT = 1 << 18, A_DIM_BIT = 1 << 20, A_BOLD_BIT = 1 << 21 };
enum { PAIR_GREEN = 1, PAIR_YELLOW, PAIR_RED };
enum { COLOR_DEFAULT = -1, COLOR_RED = 1, COLOR_GREEN, COLOR_YELLOW };

static const struct symbol {
	const char *name;
	void *function;
} symbols[] = {
	{ "newterm", &curses.newterm }, { "endwin", &curses.endwin }, { "cbreak", &curses.cbreak },
	{ "noecho", &curses.noecho }, { "curs_set", &curses.curs_set }, { "start_color", &curses.start_color },
	{ "use_default_colors", &curses.use_default_colors }, { "doupdate", &curses.doupdate },
	{ "set_escdelay", &curses.set_escdelay }, { "init_pair", &curses.init_pair }, { "keypad", &curses.keypad },
	{ "wtimeout", &curses.wtimeout }, { "wgetch", &curses.wgetch }, { "werase", &curses.werase },
	{ "wnoutrefresh", &curses.wnoutrefresh }, { "getmaxx", &curses.getmaxx }, { "getmaxy", &curses.getmaxy },
	{ "wmove", &curses.wmove }, { "waddnstr", &curses.waddnstr }, { "wattr_set", &curses.wattr_set },
	{ "tigetstr", &curses.tigetstr },
};

static bool library_open(void)
{
	curses.library = library_load("libncursesw.so.6", RTLD_NOW | RTLD_GLOBAL);
	for (size_t i = 0; curses.library && i < ARRAY_LEN(symbols); i++) {
		void *p = dlsym(curses.library, symbols[i].name);
		memcpy(symbols[i].function, &p, sizeof p);
		if (!p) {
			dlclose(curses.library);
			curses.library = NULL;
		}
	}
	return curses.library;
}

static void define_colours(void)
{
	curses.start_color();
	curses.use_default_colors();
	curses.init_pair(PAIR_GREEN, COLOR_GREEN, COLOR_DEFAULT);
	curses.init_pair(PAIR_YELLOW, COLOR_YELLOW, COLOR_DEFAULT);
	curses.init_pair(PAIR_RED, COLOR_RED, COLOR_DEFAULT);
}

/* ---- signals that end the program ---- */

/* They are blocked while the library works, so that its state is consistent when the handler restores the terminal. */
static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

static void change_mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		sigaddset(&set, ending[i]);
	(void)sigprocmask(how, &set, NULL);
}

static void restore_and_end(int signal_number)
{
	curses_end();
	(void)signal(signal_number, SIG_DFL);
	(void)raise(signal_number);
	change_mask(SIG_UNBLOCK);
}

static void handle_signals(void)
{
	struct sigaction action = { .sa_handler = restore_and_end }, before;

	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(ending[i], &action, NULL);
}

/* ---- the terminal ---- */

/* Descriptions of terminals that the user chose are not for a program with more privileges than the user. */
static void trust_no_environment(void)
{
	static const char *const names[] = { "TERMINFO", "TERMINFO_DIRS", "TERMCAP", "TERMPATH", "HOME" };

	for (size_t i = 0; getauxval(AT_SECURE) && i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]);
}

static bool can_move_cursor(void)
{
	const char *cup = curses.tigetstr("cup");

	return cup && cup != (const char *)-1;
}

static void set_up(bool colour)
{
	curses.cbreak();
	curses.noecho();
	curses.keypad(curses.window, true);
	curses.set_escdelay(25);
	curses.wtimeout(curses.window, 0);
	curses.curs_set(0);
	curses.colour = colour;
	if (colour)
		define_colours();
}

int curses_begin(bool colour)
{
	void *window;

	if (!library_open())
		return -ENOENT;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	trust_no_environment();
	setlocale(LC_CTYPE, ""); /* decides how the library writes characters */
	if (!curses.newterm(NULL, stdout, stdin))
		return -EINVAL;
	window = dlsym(curses.library, "stdscr");
	memcpy(&curses.window, window, sizeof curses.window);
	if (!can_move_cursor()) {
		curses_end();
		return -ENOTSUP;
	}
	set_up(colour);
	handle_signals();
	return 0;
}

void curses_end(void)
{
	if (curses.window)
		curses.endwin();
	curses.window = NULL;
}

void curses_size(unsigned int *lines, unsigned int *columns)
{
	int y = curses.getmaxy(curses.window), x = curses.getmaxx(curses.window);

	*lines = y > 0 ? (unsigned int)y : 0;
	*columns = x > 0 ? (unsigned int)x : 0;
}

void curses_clear(void)
{
	change_mask(SIG_BLOCK);
	curses.werase(curses.window);
}

void curses_move(unsigned int line, unsigned int column)
{
	curses.wmove(curses.window, (int)line, (int)column);
}

void curses_put(enum curses_style style, struct span text)
{
	static const struct { unsigned int attributes; short pair; } styles[] = {
		[CURSES_BOLD] = { A_BOLD_BIT, 0 },         [CURSES_DIM] = { A_DIM_BIT, 0 },
		[CURSES_REVERSE] = { A_REVERSE_BIT, 0 },   [CURSES_GREEN] = { 0, PAIR_GREEN },
		[CURSES_YELLOW] = { 0, PAIR_YELLOW },      [CURSES_RED] = { A_BOLD_BIT, PAIR_RED },
	};

	curses.wattr_set(curses.window, styles[style].attributes, curses.colour ? styles[style].pair : 0, NULL);
	curses.waddnstr(curses.window, text.p, (int)text.n);
	curses.wattr_set(curses.window, 0, 0, NULL);
}

void curses_show(void)
{
	curses.wnoutrefresh(curses.window);
	curses.doupdate();
	change_mask(SIG_UNBLOCK);
}

static int read_key(void)
{
	int key;

	change_mask(SIG_BLOCK);
	key = curses.wgetch(curses.window);
	change_mask(SIG_UNBLOCK);
	return key;
}

int curses_key(int timeout_ms)
{
	struct pollfd terminal = { .fd = STDIN_FILENO, .events = POLLIN };
	int key = read_key(); /* the library may have read several */

	if (key != CURSES_NONE)
		return key;
	if (poll(&terminal, 1, timeout_ms) > 0 && (terminal.revents & (POLLHUP | POLLERR | POLLNVAL)))
		return CURSES_GONE;
	return read_key();
}
