/* What wg-quick says to people: errors and warnings on stderr, and the "[#]" trace of what it does.
 */
#ifndef WG_REPORT_H
#define WG_REPORT_H

#include "base/diag.h"

extern const char *report_program; /* "wg-quick", as it was called */

void report_error(const char *fmt, ...) printf_like(1, 2);   /* "wg-quick: …" */
void report_warning(const char *fmt, ...) printf_like(1, 2); /* "[!] …" */
void report_diag(void *ctx, const struct diag_message *m);   /* for struct diag */
/* All of them, or none more after an error: 0 or -errno. */
int report_write(int fd, const char *p, size_t n);

/* Messages about one file, which are said in the order of its lines: that a peer has no key is known
 * at its end only. */
struct diagnostics {
	struct text t;
	struct diagnostic {
		unsigned int line;
		size_t from, n; /* of t */
	} *list;
	size_t n, cap;
};
void diagnostics_init(struct diagnostics *r);
void diagnostics_collect(void *diagnostics, const struct diag_message *m); /* for struct diag */
void diagnostics_collect_errors(void *diagnostics, const struct diag_message *m); /* the same, no warnings */
void diagnostics_print(struct diagnostics *r); /* and frees them */

/* Trace lines gather here and are written in one piece before the work they name is done. */
struct command_trace {
	struct text t;
	int fd;      /* stderr, or stdout for a dry run */
	int error;   /* 0, or -errno of writing */
	bool silent;
};
void command_trace_init(struct command_trace *t, int fd);
void command_trace_flush(struct command_trace *t);
void command_trace_free(struct command_trace *t);

#endif
