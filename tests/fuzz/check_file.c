/* The checker: no message and no source line has a control character or a key, whatever the files are, and positions are in
 * the file. The first byte selects the format; a line "%" separates two files. */
#include <stdlib.h>
#include "base/utf8.h"
#include "base/vector.h"
#include "base/key.h"
#include "check/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool extra(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	(void)ctx;
	(void)d;
	return conf_is_quick_line(x->key, x->value, peer >= 0);
}

static void require_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i += utf8_at(s, i).bytes)
		if (!utf8_at(s, i).printable && s.p[i] != '\n')
			abort();
}

/* Keys that cannot be taken for the name of a host. */
static bool is_key(struct span value)
{
	bool upper = false, lower = false, digit = false;
	uint8_t key[KEY_BYTES];

	for (size_t i = 0; i < value.n; i++) {
		upper |= value.p[i] >= 'A' && value.p[i] <= 'Z';
		lower |= value.p[i] >= 'a' && value.p[i] <= 'z';
		digit |= ascii_is_digit(value.p[i]);
	}
	return key_from_base64(key, value) && upper && lower && digit;
}

/* The secrets of a file as they are written. */
static void require_no_secret(struct span shown, struct span text)
{
	struct span rest = text, line;

	while (span_next(&line, &rest, '\n')) {
		struct span code = conf_without_comment(line);
		size_t equals = span_find(code, '=');
		struct span key = span_sub(code, 0, equals), value = span_trim(span_sub(code, equals + 1, code.n));
		if ((!span_is_spaced(key, "PrivateKey") && !span_is_spaced(key, "PresharedKey")) || !is_key(value))
			continue;
		for (size_t i = 0; i + value.n <= shown.n; i++)
			if (memcmp(shown.p + i, value.p, value.n) == 0)
				abort();
	}
}

static void inspect(const struct diag_message *m, struct span text)
{
	struct text t = text_heap();

	diag_print(&t, m, true);
	if (t.failed || !m->at.line || !m->at.column)
		abort();
	require_printable(text_of(&t));
	require_no_secret(text_of(&t), text);
	text_heap_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text;
	struct check c = { 0 };
	size_t begin = 0;

	if (n == 0)
		return 0;
	text = (struct span){ (const char *)data + 1, n - 1 };
	for (size_t i = 0; i <= text.n; i++) {
		struct check_input in = { .path = begin ? "b.conf" : "a.conf", .is_quick = data[0] & 1,
					  .world_readable = data[0] & 2 };
		if (i < text.n && text.p[i] != '%')
			continue;
		in.text = span_sub(text, begin, i - begin);
		begin = i + 1;
		in.extra = in.is_quick ? extra : NULL;
		if (!check_add(&c, &in))
			abort();
	}
	if (!check_run(&c))
		abort();
	for (size_t i = 0; i < c.n_found; i++) {
		struct diag_message m, note;
		check_message(&c, i, &m, &note);
		inspect(&m, text);
		if (note.text)
			inspect(&note, text);
	}
	check_free(&c);
	return 0;
}
