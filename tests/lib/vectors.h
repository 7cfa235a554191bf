/* Test vectors in lines of fields, separated by one space: hex, `-` for empty; `#` starts a comment. tests/vectors has
 * those of the RFCs. Larger collections are read from ../shared/vectors if it exists; a message says if it does not. */
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

/* Calls fn for each line of tests/vectors/NAME, which must exist, and of ../shared/vectors/NAME. Returns the number of
 * lines; fails the test if a line does not have `fields` fields. */
size_t vectors_each(const char *name, size_t fields, vector_fn *fn, void *ctx);

/* Reads the bytes of field i; fails the test if it is not hex or does not fit. */
size_t vector_bytes(const struct vector *v, size_t i, uint8_t *out, size_t cap);
unsigned long vector_number(const struct vector *v, size_t i);

/* Fails the test, with the name of the vector, if the bytes differ from field i. */
void vector_equal(const struct vector *v, size_t i, const uint8_t *have, size_t n);

#endif
