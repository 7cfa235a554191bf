/* The findings of `doctor` and `status` about a tunnel: a list, each with an observation and, unless all is well, a line
 * that fixes the problem. Pure. */
#ifndef WG_QUICK_FINDINGS_H
#define WG_QUICK_FINDINGS_H

#include "base/vector.h"

enum finding_level { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct finding {
	enum finding_level level;
	const char *check; /* its name; static */
	char *seen;        /* owned */
	char *fix;         /* owned; null: there is nothing to do */
};

/* A zeroed struct is empty. */
struct findings {
	struct finding *list;
	size_t n, cap;
	const char *check; /* that of the next findings */
	bool failed;       /* out of memory: one was lost */
};
void findings_free(struct findings *f);

/* Each appends one; texts are formatted by text_f(), and cut at 1 KiB. */
void finding_ok(struct findings *f, const char *fmt, ...) printf_like(2, 3);
void finding_warn(struct findings *f, const char *fix, const char *fmt, ...) printf_like(3, 4);
void finding_fail(struct findings *f, const char *fix, const char *fmt, ...) printf_like(3, 4);

/* A text for a remedy: finding_fail(f, remedy("…", …).text, …). */
struct remedy {
	char text[512];
};
struct remedy remedy(const char *fmt, ...) printf_like(1, 2);

/* The number of findings of a check that are not FINDING_OK. */
size_t findings_count(const struct findings *f, const char *check);

#endif
