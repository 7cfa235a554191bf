/* Loads and calls ncursesw. */
#include "curses.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/dlopen_note.h"

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
};

static bool library_open(void)
{
	curses.library = dlopen("libncursesw.so.6", RTLD_NOW | RTLD_GLOBAL);
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

int curses_begin(bool colour)
{
	void *window;

	if (!library_open())
		return -ENOENT;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	setlocale(LC_CTYPE, ""); /* decides how the library writes characters */
	if (!curses.newterm(NULL, stdout, stdin))
		return -EINVAL;
	window = dlsym(curses.library, "stdscr");
	memcpy(&curses.window, window, sizeof curses.window);
	curses.cbreak();
	curses.noecho();
	curses.keypad(curses.window, true);
	curses.set_escdelay(25);
	curses.curs_set(0);
	curses.colour = colour;
	if (colour)
		define_colours();
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
}

int curses_key(int timeout_ms)
{
	curses.wtimeout(curses.window, timeout_ms);
	return curses.wgetch(curses.window);
}
