/* Replacements for the allocator, assert() and unreachable() in base, crypto and proto when they are compiled for the
 * library: the compiler includes this before each of their files. */
#ifndef WG_LIBRARY_H
#define WG_LIBRARY_H

#include <stdlib.h>

/* Memory of the instance whose function is called. Otherwise as malloc(3). */
void *library_malloc(size_t n);
void *library_calloc(size_t count, size_t n);
void *library_realloc(void *p, size_t n);
void library_free(void *p);

/* An invariant does not hold: returns to the caller of the library. */
_Noreturn void library_broken(const char *text);

#define LIBRARY_TEXT(x) #x
#define LIBRARY_LINE(x) LIBRARY_TEXT(x)
#define LIBRARY_PLACE __FILE__ ":" LIBRARY_LINE(__LINE__)

#ifdef WG_LIBRARY
#define malloc(n) library_malloc(n)
#define calloc(count, n) library_calloc(count, n)
#define realloc(p, n) library_realloc(p, n)
#define free(p) library_free(p)
#define unreachable() library_broken(LIBRARY_PLACE)
#endif

#endif
