/* Memory that holds secrets: wiping that the compiler keeps, comparing that takes the same time. */
#ifndef WG_MEM_H
#define WG_MEM_H

#include "base.h"

/* Overwrites n bytes with zeros; never optimised away. */
void mem_wipe(void *p, size_t n);

/* True when both hold the same n bytes. Time depends on n only. */
must_check bool mem_equal_ct(const void *a, const void *b, size_t n);

/* True when all n bytes are zero. Time depends on n only. */
must_check bool mem_is_zero_ct(const void *p, size_t n);

/* From here on code may depend on these n bytes: they are no secret (any more). Says so to the
 * constant-time gate, tests/ct, which defines it; nothing in a program. */
#ifndef mem_declassify
#define mem_declassify(p, n) ((void)(p), (void)(n))
#endif

#endif
