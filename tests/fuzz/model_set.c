/* Arguments of `wg set`, separated by NUL. */
#include <errno.h>
#include <stdlib.h>
#include "model/conf.h"
#include "model/uapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { WORDS_MAX = 64 };

static int read_key(void *ctx, uint8_t key[KEY_BYTES], const char *path, struct diag *d)
{
	(void)ctx;
	memset(key, path[0], KEY_BYTES);
	if (path[0] != 'x')
		return 0;
	diag_f(d, DIAG_ERROR, NULL, NULL, "fopen");
	return -ENOENT;
}

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

/* The server side parses each request. */
static void check_request(const struct wg_device *patch)
{
	struct text t = { .make_space = grow }, again = { .make_space = grow };
	struct uapi_request r = { .scopes = NULL };
	struct span rest;

	uapi_print_set(&t, patch, NULL);
	rest = text_of(&t);
	if (uapi_read_request(&r, &rest) || !r.done || r.error || rest.n > 0)
		abort();
	uapi_print_set(&again, &r.patch, NULL);
	if (!span_equal(text_of(&t), text_of(&again)))
		abort();
	uapi_request_reset(&r);
	free(t.p);
	free(again.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct set_options o = { .read_key = read_key };
	char *text = malloc(n + 1), *words[WORDS_MAX];
	struct wg_device patch;
	struct diag d = { 0 };
	int count = 0;

	if (!text)
		return 0;
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	for (size_t at = 0; at <= n && count < WORDS_MAX; at += strlen(text + at) + 1)
		words[count++] = text + at;
	if (conf_read_set(&patch, words, count, &o, &d) == 0) {
		if (d.errors)
			abort();
		check_request(&patch);
	} else if (d.errors != 1 || patch.peers) {
		abort();
	}
	device_free(&patch);
	free(text);
	return 0;
}
