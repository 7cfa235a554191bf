/* Checks of the heap of tunnels: which node owns a block, which secrets are in it, and allocations
 * that fail on demand. The linker redirects malloc, calloc, realloc and free here (--wrap, tests.mk). */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include "base/base.h"

enum memory_secret {
	SECRET_SESSION = 1, /* session, ephemeral and chaining keys: erased 540 s after the last session */
	SECRET_STATIC = 2,  /* private keys, psks, static-static secrets: erased with their owner */
};

/* Blocks allocated between enter and leave belong to this owner (from 1 on). Allocations outside are
 * those of the simulator and are not checked. */
void memory_enter(unsigned int owner);
void memory_leave(void);
/* While banned, an allocation is a violation: the data half allocates nothing. */
void memory_ban(bool banned);
/* From now on this many allocations in a thousand return null. */
void memory_fail_permille(uint32_t permille, uint64_t seed);

/* From now on it is a violation to free a block with this key in it. `what` must stay valid. */
void memory_secret(const uint8_t key[32], enum memory_secret kind, const char *what);
/* The first secret of this kind in the owner's live blocks; null: none. */
const char *memory_find(unsigned int owner, enum memory_secret kind);
/* How many different secrets of this kind are in the owner's live blocks. */
unsigned int memory_count(unsigned int owner, enum memory_secret kind);

size_t memory_bytes(unsigned int owner); /* live */
size_t memory_blocks(unsigned int owner);
size_t memory_peak_bytes(unsigned int owner); /* maximum since memory_reset */

/* Clears secrets, blocks and failures, before a new world. */
void memory_reset(void);

/* Called at a violation. */
extern void (*memory_violation)(const char *rule, const char *what);

#endif
