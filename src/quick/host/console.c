/* Reads the terminal's size and the locale. */
#include "console.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct console console_inspect(void)
{
	struct console c = { .is_terminal = isatty(STDOUT_FILENO) };
	struct winsize size;

	setlocale(LC_CTYPE, "");
	c.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	setlocale(LC_CTYPE, "C");
	if (c.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
		c.columns = size.ws_col;
		c.lines = size.ws_row;
	}
	return c;
}
