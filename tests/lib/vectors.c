/* Test vectors: reads their lines and fields. */
#include "vectors.h"
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

size_t vector_bytes(const struct vector *v, size_t i, uint8_t *out, size_t cap)
{
	const char *p = v->field[i];
	size_t n = 0;

	if (strcmp(p, "-") == 0)
		return 0;
	for (; *p; p += 2, n++) {
		int hi = nibble(p[0]), lo = hi < 0 ? -1 : nibble(p[1]);
		if (lo < 0 || n == cap)
			fail_msg("%s: %s: field %zu: bad or too long", v->file, v->field[0], i);
		out[n] = (uint8_t)(hi << 4 | lo);
	}
	return n;
}

unsigned long vector_number(const struct vector *v, size_t i)
{
	return strtoul(v->field[i], NULL, 10);
}

void vector_equal(const struct vector *v, size_t i, const uint8_t *have, size_t n)
{
	static uint8_t want[1 << 16];
	size_t want_n = vector_bytes(v, i, want, sizeof want);

	if (want_n != n || memcmp(want, have, n) != 0)
		fail_msg("%s: %s: field %zu differs", v->file, v->field[0], i);
}

static void one_line(char *line, const char *file, size_t fields, vector_fn *fn, void *ctx)
{
	struct vector v = { .file = file };
	char *save = NULL;

	for (char *p = strtok_r(line, " \n", &save); p; p = strtok_r(NULL, " \n", &save)) {
		if (v.fields == VECTOR_FIELDS)
			fail_msg("%s: %s: too many fields", file, v.field[0]);
		v.field[v.fields++] = p;
	}
	if (v.fields != fields)
		fail_msg("%s: %s: %zu fields", file, v.field[0], v.fields);
	fn(&v, ctx);
}

static size_t one_file(const char *path, size_t fields, vector_fn *fn, void *ctx, bool must_exist)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, lines = 0;

	if (!f && must_exist)
		fail_msg("%s: cannot be read; tests run from the top of the tree", path);
	if (!f) {
		if (access("../shared/vectors", F_OK) != 0) /* it does not have all of them */
			print_message("skip: %s: ../shared/vectors does not exist\n", path);
		return 0;
	}
	while (getline(&line, &cap, f) > 0) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		one_line(line, path, fields, fn, ctx);
		lines++;
	}
	free(line);
	(void)fclose(f);
	assert_true(lines > 0);
	return lines;
}

size_t vectors_each(const char *name, size_t fields, vector_fn *fn, void *ctx)
{
	char path[200];
	size_t lines;

	(void)snprintf(path, sizeof path, "tests/vectors/%s", name);
	lines = one_file(path, fields, fn, ctx, true);
	(void)snprintf(path, sizeof path, "../shared/vectors/%s", name);
	return lines + one_file(path, fields, fn, ctx, false);
}
