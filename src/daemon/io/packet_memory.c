/* Buffer memory from mmap(2), apart from the heap. */
#include "packet_memory.h"

#include <sys/mman.h>

void *packet_memory_new(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, n, MADV_DONTDUMP);
	return p;
}

void packet_memory_free(void *p, size_t n)
{
	if (p)
		munmap(p, n);
}
