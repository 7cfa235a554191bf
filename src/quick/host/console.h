/* The terminal that standard output is. */
#ifndef WG_QUICK_CONSOLE_H
#define WG_QUICK_CONSOLE_H

#include "base/base.h"

struct console {
	bool is_terminal;
	bool utf8;                   /* the locale's character set */
	unsigned int columns, lines; /* 0: unknown */
};
struct console console_inspect(void);

#endif
