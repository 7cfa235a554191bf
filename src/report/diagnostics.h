/* Diagnostics of tunnel files and settings on standard error: "FILE:LINE:COL: error: text", the line, a caret,
 * "  help: …"; messages without a file have the form of report_error() and report_warning(). */
#ifndef WG_REPORT_DIAGNOSTICS_H
#define WG_REPORT_DIAGNOSTICS_H

#include "base/diag.h"

/* Prints a message at once; an `emit` of struct diag, the context is not used. */
void report_diag(void *ctx, const struct diag_message *m);

/* Messages about one file, sorted by line before they are printed: parsers report some of them late, for example a
 * missing PublicKey at the end of its section. */
struct diagnostics {
	struct text t;
	struct diagnostic {
		unsigned int line;
		size_t from, n; /* bytes of t */
	} *list;
	size_t n, cap;
};
void diagnostics_init(struct diagnostics *r);
/* Both are `emit` functions of struct diag with a struct diagnostics as the context. Out of memory: printed at once. */
void diagnostics_collect(void *diagnostics, const struct diag_message *m);
void diagnostics_collect_errors(void *diagnostics, const struct diag_message *m); /* drops warnings and notes */
void diagnostics_print(struct diagnostics *r); /* prints, frees and empties the collection */

#endif
