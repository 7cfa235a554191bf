/* Diagnostics: errors, warnings and notes of parsers, with file, line and column. Parsers do not print; the program's
 * `emit` function does, with diag_print. */
#ifndef WG_DIAG_H
#define WG_DIAG_H

#include "text.h"

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* A position in a source text. Lines and columns start at 1, columns count bytes; 0: unknown. */
struct diag_at {
	const char *file;    /* for messages; null: no file */
	unsigned int line, column;
	unsigned int width;  /* bytes to underline, at least 1 */
	struct span source;  /* the complete line, or the null span if it may hold a secret */
	const char *id;      /* of the finding, for diag_f(); or null */
};

struct diag_message {
	enum diag_level level;
	struct diag_at at;
	const char *text; /* contains no secret */
	const char *help; /* the remedy, or null */
	const char *id;   /* a short name to look up ("allowed-ips-range"), or null */
};

struct diag {
	void (*emit)(void *ctx, const struct diag_message *m); /* null: messages are only counted */
	void *ctx;
	unsigned int errors, warnings;
};

const char *diag_level_name(enum diag_level level); /* "error", "warning", "note" */

/* Replaces bytes that are not UTF-8, and characters that a terminal would execute or hide, by '?', each byte by one. */
void diag_replace_controls(char *text, size_t n);

void diag_report(struct diag *d, const struct diag_message *m);

/* The common case: a level, a position (may be null) and a text formatted by text_f(), cut at 2 KiB. */
void diag_f(struct diag *d, enum diag_level level, const struct diag_at *at, const char *help,
	    const char *fmt, ...) printf_like(5, 6);

/* Prints "FILE:LINE:COLUMN: error: text", with_source also the line and a caret under it, then "  help: …". */
void diag_print(struct text *t, const struct diag_message *m, bool with_source);

#endif
