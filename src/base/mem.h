/* Memory that holds secrets: wiping that is not optimised away, and comparison in constant time. */
#ifndef WG_MEM_H
#define WG_MEM_H

#include "base.h"

/* Overwrites n bytes with zeros; never optimised away. */
void mem_wipe(void *p, size_t n);

/* True if both hold the same n bytes. The time depends only on n. */
must_check bool mem_equal_ct(const void *a, const void *b, size_t n);

/* True if all n bytes are zero. The time depends only on n. */
must_check bool mem_is_zero_ct(const void *p, size_t n);

/* Declares that these n bytes are not secret, or no longer: branches may depend on them. The constant-time tests
 * (tests/ct) define it; elsewhere it does nothing. */
#ifndef mem_declassify
#define mem_declassify(p, n) ((void)(p), (void)(n))
#endif

#endif
