/* The list of findings. */
#include "findings.h"

#include <stdlib.h>

void findings_free(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->list[i].seen);
		free(f->list[i].fix);
	}
	free(f->list);
	*f = (struct findings){ 0 };
}

static void add(struct findings *f, enum finding_level level, const char *fix, const char *fmt, va_list ap)
{
	char seen[1024];
	struct text t = text_fixed(seen, sizeof seen);
	struct finding *one;

	text_vf(&t, fmt, ap);
	if (!vector_reserve(&f->list, &f->cap, f->n + 1, sizeof *f->list)) {
		f->failed = true;
		return;
	}
	one = &f->list[f->n++];
	*one = (struct finding){ .level = level, .check = f->check, .seen = span_dup(text_of(&t)),
				 .fix = fix ? span_dup(span_of(fix)) : NULL };
	if (!one->seen || (fix && !one->fix)) {
		f->failed = true;
		free(one->seen);
		free(one->fix);
		f->n--;
	}
}

void finding_ok(struct findings *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(f, FINDING_OK, NULL, fmt, ap);
	va_end(ap);
}

void finding_warn(struct findings *f, const char *fix, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(f, FINDING_WARN, fix, fmt, ap);
	va_end(ap);
}

void finding_fail(struct findings *f, const char *fix, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(f, FINDING_FAIL, fix, fmt, ap);
	va_end(ap);
}

struct remedy remedy(const char *fmt, ...)
{
	struct remedy r;
	struct text t = text_fixed(r.text, sizeof r.text);
	va_list ap;

	va_start(ap, fmt);
	text_vf(&t, fmt, ap);
	va_end(ap);
	return r;
}

size_t findings_count(const struct findings *f, const char *check)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->list[i].level != FINDING_OK && strcmp(f->list[i].check, check) == 0;
	return n;
}
