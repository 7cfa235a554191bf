/* Requests on the server side, in fragments whose size the first byte selects: the size has no effect, an invalid request
 * leaves nothing to apply, and a valid one is unchanged after printing and reading it. */
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

static void check(const struct uapi_request *r)
{
	struct text t = { .make_space = grow }, again = { .make_space = grow };
	struct uapi_request second = { .scopes = NULL };
	struct span rest;

	if (r->error && (r->patch.peers || r->patch.flags))
		abort();
	if (r->error || r->verb != UAPI_SET)
		return;
	uapi_print_set(&t, &r->patch, NULL);
	rest = text_of(&t);
	if (uapi_read_request(&second, &rest) || !second.done || second.error)
		abort();
	uapi_print_set(&again, &second.patch, NULL);
	if (!span_equal(text_of(&t), text_of(&again)))
		abort();
	uapi_request_reset(&second);
	free(t.p);
	free(again.p);
}

/* Reads all requests of the input in fragments, and returns a digest of them. */
static uint64_t digest_requests(const char *text, size_t n, size_t fragment)
{
	struct uapi_request r = { .scopes = NULL };
	struct span rest = { text, 0 };
	uint64_t digest = 0;
	int err = 0;

	while (!err) {
		err = uapi_read_request(&r, &rest);
		if (r.done) {
			check(&r);
			digest = digest * 31 + (uint64_t)r.verb * 7 + (uint64_t)-r.error * 3 + r.patch.n_peers;
			uapi_request_reset(&r);
			continue;
		}
		if (rest.p + rest.n == text + n)
			break;
		rest.n += fragment;
		if (rest.p + rest.n > text + n)
			rest.n = (size_t)(text + n - rest.p);
	}
	uapi_request_reset(&r);
	return digest * 31 + (uint64_t)-err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data + 1;

	if (n < 1)
		return 0;
	if (digest_requests(text, n - 1, n) != digest_requests(text, n - 1, data[0] + 1u))
		abort();
	return 0;
}
