/* Vectors, text buffers and string lists on the heap, which grow as needed. */
#ifndef WG_VECTOR_H
#define WG_VECTOR_H

#include "text.h"

/* Enlarges the array at *list_pointer, which has *cap elements of `size` bytes, to at least n. False: out of memory. */
must_check bool vector_reserve(void *list_pointer, size_t *cap, size_t n, size_t size);

/* An empty text whose buffer grows. The caller frees it: with text_heap_free, which wipes it first, or p with free. */
struct text text_heap(void);
void text_heap_free(struct text *t);

/* A list of strings that it owns. */
struct string_list {
	char **list;
	size_t n, cap;
};
/* Appends a copy of the text. False: out of memory, and nothing changed. */
must_check bool string_list_add(struct string_list *l, struct span text);
void string_list_free(struct string_list *l);

/* A copy with a NUL, to be freed by the caller; null: out of memory. */
must_check char *span_dup(struct span s);

#endif
