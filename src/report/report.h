/* Messages of wg and wg-quick for people, one line each on standard error:
 *
 *	PROGRAM: INTERFACE: text             report_error
 *	PROGRAM: INTERFACE: warning: text    report_warning
 *	  kernel: text                       report_kernel: the kernel's own text about the error above
 *	  help: text                         report_help: the remedy of the error above
 *
 * "INTERFACE: " is left out until report_set_interface(). Texts start in lower case and have no full stop; reasons from
 * strerror(3) stay as they are. They are formatted by text_f() and cut at 8 KiB; no secret may be among the arguments.
 * Messages about a file are printed by diagnostics.h, the command trace by trace.h. */
#ifndef WG_REPORT_H
#define WG_REPORT_H

#include "base/text.h"

void report_set_program(const char *name);   /* borrowed for the life of the process */
void report_set_interface(const char *name); /* copied; null or "": none is known */
const char *report_program(void);

void report_error(const char *fmt, ...) printf_like(1, 2);
void report_warning(const char *fmt, ...) printf_like(1, 2);
void report_kernel(const char *text);
void report_help(const char *fmt, ...) printf_like(1, 2);

/* Texts that scripts read in upstream's wording: "PROGRAM: text", and the text alone. */
void report_upstream(const char *fmt, ...) printf_like(1, 2);
void report_verbatim(const char *fmt, ...) printf_like(1, 2);

/* Appends "PROGRAM: INTERFACE: ". */
void report_prefix(struct text *t);

#endif
