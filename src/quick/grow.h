/* Arrays, texts and lists of words that grow on the heap. */
#ifndef WG_GROW_H
#define WG_GROW_H

#include "../base/text.h"

/* Makes *list (items of `size` bytes, *cap of them) hold at least n; false: out of memory. */
must_check bool grow_array(void *list_pointer, size_t *cap, size_t n, size_t size);

/* An empty text that grows; p is freed by the caller (grow_text_free wipes it first). */
struct text grow_text(void);
void grow_text_free(struct text *t);

/* Owned strings. */
struct words {
	char **list;
	size_t n, cap;
};
must_check bool words_add(struct words *w, struct span text);
void words_free(struct words *w);

/* A copy with a NUL, owned by the caller; null when out of memory. */
must_check char *span_dup(struct span s);

#endif
