/* Growth by doubling. */
#include "vector.h"

#include <assert.h>
#include <stdlib.h>

#include "mem.h"

bool vector_reserve(void *list_pointer, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap ? *cap : 8;
	void *old, *list;

	assert(*cap <= SIZE_MAX / 2 / size); /* doubling does not overflow */
	if (n <= *cap)
		return true;
	while (more < n)
		more *= 2;
	memcpy(&old, list_pointer, sizeof old);
	list = reallocarray(old, more, size);
	if (!list)
		return false;
	memcpy(list_pointer, &list, sizeof list);
	*cap = more;
	return true;
}

static bool text_grow(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 512;
	char *p;

	while (cap - t->n <= more)
		cap *= 2;
	p = malloc(cap); /* realloc(3) would leave a copy of secrets */
	if (!p)
		return false;
	p[0] = '\0';
	if (t->p) {
		memcpy(p, t->p, t->n + 1);
		mem_wipe(t->p, t->n);
		free(t->p);
	}
	t->p = p;
	t->cap = cap;
	return true;
}

struct text text_heap(void)
{
	return (struct text){ .make_space = text_grow };
}

void text_heap_free(struct text *t)
{
	if (t->p)
		mem_wipe(t->p, t->cap);
	free(t->p);
	*t = (struct text){ .make_space = t->make_space };
}

char *span_dup(struct span s)
{
	char *copy = malloc(s.n + 1);

	if (!copy)
		return NULL;
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

bool string_list_add(struct string_list *l, struct span text)
{
	char *copy;

	if (!vector_reserve(&l->list, &l->cap, l->n + 1, sizeof *l->list))
		return false;
	copy = span_dup(text);
	if (!copy)
		return false;
	l->list[l->n++] = copy;
	return true;
}

void string_list_free(struct string_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i]);
	free(l->list);
	*l = (struct string_list){ 0 };
}
