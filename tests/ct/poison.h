/* Marks memory as secret for the constant-time test: memcheck and MSan report every branch and address that depends on
 * undefined memory, so undefined stands for secret. The build includes this before every file (-include). */
#ifndef WG_CT_POISON_H
#define WG_CT_POISON_H

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define CT_MSAN 1
#endif
#endif

#ifdef CT_MSAN
#include <sanitizer/msan_interface.h>
#define ct_secret(p, n) __msan_allocated_memory(p, n) /* poisons, with an origin */
#define ct_public(p, n) __msan_unpoison(p, n)
#define value_barrier(v) ((void)(v)) /* MSan reports every input of an asm statement */
#define vector_barrier(v) ((void)(v))
#else
#include <valgrind/memcheck.h>
#define ct_secret(p, n) VALGRIND_MAKE_MEM_UNDEFINED(p, n)
#define ct_public(p, n) VALGRIND_MAKE_MEM_DEFINED(p, n)
#endif
#define mem_declassify(p, n) ((void)ct_public((void *)(p), n))

#endif
