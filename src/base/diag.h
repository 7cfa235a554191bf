/* Where parsers report: errors, warnings and notes with the file, line and column they are about.
 * Nothing under main() prints; a program's `emit` turns a message into text (see diag_print). */
#ifndef WG_DIAG_H
#define WG_DIAG_H

#include "text.h"

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* A place in a source text. Lines and columns count from 1, columns in bytes; 0: not known. */
struct diag_at {
	const char *file;    /* or "argument", "/dev/stdin", an interface …; null: no file */
	unsigned int line, column;
	unsigned int width;  /* bytes to underline, at least 1 */
	struct span source;  /* the whole line, or the null span when it holds or may hold a secret */
};

struct diag_message {
	enum diag_level level;
	struct diag_at at;
	const char *text; /* never holds a secret */
	const char *help; /* what to do instead, or null */
	const char *id;   /* a short name a person can look up ("allowed-ips-range"), or null */
};

struct diag {
	void (*emit)(void *ctx, const struct diag_message *m); /* null: only counted */
	void *ctx;
	unsigned int errors, warnings;
};

void diag_report(struct diag *d, const struct diag_message *m);

/* The common case: a level, a place (may be null) and a text made like text_f's (cut at 500 bytes). */
void diag_f(struct diag *d, enum diag_level level, const struct diag_at *at, const char *help,
	    const char *fmt, ...) printf_like(5, 6);

/* "file:line:column: error: text", then with_source the line and a caret under it, then
 * "  help: help". Ends with a newline. */
void diag_print(struct text *t, const struct diag_message *m, bool with_source);

#endif
