/* The tunnels' heap under watch: who owns which block, which secrets lie in it, and malloc that
 * fails on demand. The linker sends malloc, calloc, realloc and free here (--wrap, tests.mk). */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include "base/base.h"

enum memory_secret {
	SECRET_SESSION =
		1, /* session keys, ephemerals, chaining keys: gone 540 s after the last traffic */
	SECRET_STATIC = 2, /* private keys, psks, static-static secrets: gone with their owner */
};

/* Blocks allocated between enter and leave belong to this owner (1..); allocations outside are the
 * simulator's own and not watched. */
void memory_enter(unsigned int owner);
void memory_leave(void);
/* While banned, an allocation by an owner is a violation: the data half allocates nothing. */
void memory_ban(bool banned);
/* From now on this many allocations of owners in a thousand return null. */
void memory_fail_permille(uint32_t permille, uint64_t seed);

/* From now on free and realloc of a block holding this key is a violation. `what` is kept. */
void memory_secret(const uint8_t key[32], enum memory_secret kind, const char *what);
/* The first secret of this kind in the owner's live blocks, null when there is none. */
const char *memory_find(unsigned int owner, enum memory_secret kind);
/* How many different secrets of this kind lie in the owner's live blocks. */
unsigned int memory_count(unsigned int owner, enum memory_secret kind);

size_t memory_bytes(unsigned int owner); /* live now */
size_t memory_blocks(unsigned int owner);
size_t memory_peak_bytes(unsigned int owner); /* most there ever were since memory_reset */

/* Before a new world: no secrets, no blocks, no failures. */
void memory_reset(void);

/* What is told when a rule is broken. */
extern void (*memory_violation)(const char *rule, const char *what);

#endif
