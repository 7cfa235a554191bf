/* Replies to get: a state that was read is unchanged after being sent and read again. */
#include <errno.h>
#include <stdlib.h>
#include "model/uapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool grow(struct text *t, size_t more)
{
	size_t cap = (t->n + more + 64) * 2;
	char *p = realloc(t->p, cap);

	if (!p)
		return false;
	t->p = p;
	t->cap = cap;
	return true;
}

static void round_trip(const struct wg_device *d)
{
	struct text t = { .make_space = grow }, again = { .make_space = grow };
	struct wg_device copy = { 0 };
	struct uapi_reader r = { .device = &copy };
	struct span rest;

	uapi_print_get(&t, d, NULL);
	rest = text_of(&t);
	if (uapi_read_reply(&r, &rest) || !r.done || r.error || rest.n > 0)
		abort();
	uapi_print_get(&again, &copy, NULL);
	if (!span_equal(text_of(&t), text_of(&again)))
		abort();
	device_free(&copy);
	free(t.p);
	free(again.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wg_device d = { 0 };
	struct uapi_reader r = { .device = &d };
	struct span rest = { (const char *)data + 1, 0 };
	int err;

	if (n < 1)
		return 0;
	r.set_reply = data[0] & 1;
	rest.n = (n - 1) / 2; /* in two fragments */
	err = uapi_read_reply(&r, &rest);
	rest.n = (size_t)((const char *)data + n - rest.p);
	if (!err && !r.done)
		err = uapi_read_reply(&r, &rest);
	if (!err && r.done && !r.have_errno)
		abort();
	if (!err && r.done && !r.set_reply)
		round_trip(&d);
	device_free(&d);
	return 0;
}
