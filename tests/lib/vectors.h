/* Test vectors as lines: fields separated by one space, hex, `-` for empty, `#` starts a comment.
 * Those of the RFCs live in tests/vectors; the larger collections of ../shared/vectors are used
 * when they are there, and a line says so when they are not. */
#ifndef WG_TESTS_VECTORS_H
#define WG_TESTS_VECTORS_H

#include "base/base.h"

enum { VECTOR_FIELDS = 10 };

struct vector {
	const char *file;
	const char *field[VECTOR_FIELDS]; /* text; null beyond the last */
	size_t fields;
};
typedef void vector_fn(const struct vector *v, void *ctx);

/* Calls fn for each line of tests/vectors/NAME, which must exist, and of ../shared/vectors/NAME.
 * Returns the lines seen; fails the test when a line has other than `fields` fields. */
size_t vectors_each(const char *name, size_t fields, vector_fn *fn, void *ctx);

/* The bytes of field i; fails the test when it is not hex or does not fit. */
size_t vector_bytes(const struct vector *v, size_t i, uint8_t *out, size_t cap);
unsigned long vector_number(const struct vector *v, size_t i);

/* Fails the test, naming the vector, when the bytes differ from field i. */
void vector_equal(const struct vector *v, size_t i, const uint8_t *have, size_t n);

#endif
