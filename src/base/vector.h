/* Arrays, texts and lists of words that grow on the heap. */
#ifndef WG_VECTOR_H
#define WG_VECTOR_H

#include "text.h"

/* Makes *list (items of `size` bytes, *cap of them) hold at least n; false: out of memory. */
must_check bool vector_reserve(void *list_pointer, size_t *cap, size_t n, size_t size);

/* An empty text that grows; p is freed by the caller (text_heap_free wipes it first). */
struct text text_heap(void);
void text_heap_free(struct text *t);

/* Owned strings. */
struct string_list {
	char **list;
	size_t n, cap;
};
must_check bool string_list_add(struct string_list *w, struct span text);
void string_list_free(struct string_list *w);

/* A copy with a NUL, owned by the caller; null when out of memory. */
must_check char *span_dup(struct span s);

#endif
