/* Tunnel files: messages contain no secrets, an invalid file leaves nothing, and a valid one is unchanged after printing
 * and reading it again. The first byte selects options. */
#include <errno.h>
#include <stdlib.h>
#include "base/mem.h"
#include "model/conf.h"

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

/* True if a run of base64 characters is long enough for a key. */
static bool holds_key(struct span s)
{
	size_t run = 0;

	for (size_t i = 0; i < s.n && run < 24; i++) {
		char c = ascii_lower(s.p[i]);
		run = (c >= 'a' && c <= 'z') || ascii_is_digit(c) || c == '+' || c == '/' ? run + 1 : 0;
	}
	return run == 24;
}

/* Control characters, including C1 in UTF-8. */
static bool has_control(const struct text *t)
{
	for (size_t i = 0; i < t->n; i++) {
		uint8_t c = (uint8_t)t->p[i], before = i > 0 ? (uint8_t)t->p[i - 1] : 0;
		if ((c < 32 && c != '\n') || c == 127 || (before == 0xc2 && c >= 0x80 && c < 0xa0))
			return true;
	}
	return false;
}

static void emit(void *ctx, const struct diag_message *m)
{
	struct text t = { .make_space = grow };

	(void)ctx;
	diag_print(&t, m, true);
	if (t.failed || t.n == 0 || has_control(&t))
		abort();
	if (holds_key(span_of(m->text)) || holds_key(m->at.source))
		abort();
	if (m->at.source.p && m->at.column > m->at.source.n + 1)
		abort();
	free(t.p);
}

static bool extra(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	(void)ctx;
	(void)d;
	if (x->value.p < x->line_text.p || x->value.p + x->value.n > x->line_text.p + x->line_text.n)
		abort();
	if (x->column != (unsigned int)(x->value.p - x->line_text.p) + 1 || x->line == 0)
		abort();
	return conf_is_quick_line(x->key, x->value, peer >= 0);
}

static void emit_line(void *ctx, struct span line)
{
	*(size_t *)ctx += line.n + 1;
}

static bool has_host(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].flags & WG_PEER_HAS_HOST)
			return true;
	return false;
}

static bool has_signs(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (!(d->peers[i].flags & WG_PEER_REPLACE_ALLOWEDIPS))
			return true;
	return false;
}

/* Printing, reading and printing again gives the same text. */
static void round_trip(const struct wg_device *d)
{
	struct text first = { .make_space = grow }, second = { .make_space = grow };
	struct conf_options o = { .file = "printed" };
	struct wg_device again;
	struct diag diag = { .emit = emit };

	conf_print(&first, d, NULL);
	if (conf_read(&again, text_of(&first), &o, &diag))
		abort();
	conf_print(&second, &again, NULL);
	if (!span_equal(text_of(&first), text_of(&second)) || again.n_peers != d->n_peers)
		abort();
	device_free(&again);
	free(first.p);
	free(second.p);
}

/* Chunks of complete lines, each freed at the next call. */
struct cutter {
	struct span rest;
	size_t at_least;
	char *chunk;
};

static bool next_chunk(void *ctx, struct span *chunk)
{
	struct cutter *c = ctx;
	size_t n = c->at_least < c->rest.n ? c->at_least : c->rest.n;

	free(c->chunk);
	c->chunk = NULL;
	if (c->rest.n == 0)
		return false;
	n += span_find(span_sub(c->rest, n, c->rest.n), '\n');
	n += n < c->rest.n; /* including the newline */
	c->chunk = malloc(n);
	if (!c->chunk)
		return false;
	memcpy(c->chunk, c->rest.p, n);
	*chunk = (struct span){ c->chunk, n };
	c->rest = span_sub(c->rest, n, c->rest.n);
	return true;
}

static void check_chunks(const struct wg_device *whole, struct span text, const struct conf_options *o,
			   size_t at_least, int whole_err)
{
	struct text first = { .make_space = grow }, second = { .make_space = grow };
	struct cutter cutter = { .rest = text, .at_least = at_least };
	struct conf_source source = { next_chunk, &cutter };
	struct diag d = { 0 };
	struct wg_device device;

	if (conf_read_chunks(&device, &source, o, &d) != whole_err)
		abort();
	conf_print(&first, whole, NULL);
	conf_print(&second, &device, NULL);
	if (!span_equal(text_of(&first), text_of(&second)))
		abort();
	device_free(&device);
	free(cutter.chunk);
	free(first.p);
	free(second.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct conf_options o = { .file = "fuzz.conf" };
	struct diag d = { .emit = emit };
	struct wg_device device;
	size_t passed = 0;
	struct span text;
	int err;

	if (n == 0)
		return 0;
	text = (struct span){ (const char *)data + 1, n - 1 };
	if (data[0] & 1) {
		o.extra = extra;
		o.emit_line = emit_line;
		o.ctx = &passed;
	}
	o.max_errors = data[0] >> 4;
	err = conf_read(&device, text, &o, &d);
	if (passed > n + 1)
		abort();
	if ((err == 0) != (d.errors == 0) || (err && (device.peers || device.flags)))
		abort();
	check_chunks(&device, text, &o, data[0] >> 2, err);
	if (conf_is_empty(text) && (device.flags || device.n_peers))
		abort();
	if (err == 0 && !has_host(&device) && !has_signs(&device))
		round_trip(&device);
	device_free(&device);
	return 0;
}
