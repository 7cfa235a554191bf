/* What wg-quick says to people: errors and warnings on stderr, and the "[#]" trace of what it does.
 */
#ifndef WG_SAY_H
#define WG_SAY_H

#include "../base/diag.h"

extern const char *say_program; /* "wg-quick", as it was called */

void say_error(const char *fmt, ...) printf_like(1, 2);   /* "wg-quick: …" */
void say_warning(const char *fmt, ...) printf_like(1, 2); /* "[!] …" */
void say_emit(void *ctx, const struct diag_message *m);   /* for struct diag */
/* All of them, or none more after an error: 0 or -errno. */
int say_bytes(int fd, const char *p, size_t n);

/* Messages about one file, which are said in the order of its lines: that a peer has no key is known
 * at its end only. */
struct remarks {
	struct text t;
	struct remark {
		unsigned int line;
		size_t from, n; /* of t */
	} *list;
	size_t n, cap;
};
void remarks_init(struct remarks *r);
void remarks_emit(void *remarks, const struct diag_message *m); /* for struct diag */
void remarks_emit_errors(void *remarks, const struct diag_message *m); /* the same, no warnings */
void remarks_say(struct remarks *r); /* and frees them */

/* Trace lines gather here and are written in one piece before the work they name is done. */
struct trace {
	struct text t;
	int fd;      /* stderr, or stdout for a dry run */
	int error;   /* 0, or -errno of writing */
	bool silent;
};
void trace_init(struct trace *t, int fd);
void trace_flush(struct trace *t);
void trace_free(struct trace *t);

#endif
