/* Receiver indices (whitepaper sections 5.4.2 to 5.4.6): a hash table from 32 random bits to the
 * pending handshake or the session that we announced them for. An index is unique within the tunnel.
 * Changed by control inside publish, read in reader sections. */
#ifndef WG_INDEX_H
#define WG_INDEX_H

#include "base/base.h"

enum index_kind { INDEX_FREE, INDEX_HANDSHAKE, INDEX_SESSION };

struct index_slot {
	void *object;   /* handshake: its struct wg_tunnel_peer; session: its struct wg_session */
	uint32_t index;
	uint8_t kind;   /* enum index_kind */
};

struct index_table { /* zeroed: empty; open addressing, linear probing, at most half full */
	struct index_slot *slots; /* owned */
	uint32_t mask;
	uint32_t n;
};

/* Null: the index is not in use. O(1). */
const struct index_slot *index_find(const struct index_table *t, uint32_t index);

/* Makes sure that so many more indices fit. Builds a larger table in *grown if one is needed, which
 * index_grow_commit swaps with *t (inside publish); free *grown afterwards. False: out of memory,
 * and nothing changed. */
must_check bool index_grow(struct index_table *grown, const struct index_table *t, size_t more);
void index_grow_commit(struct index_table *t, struct index_table *grown);

/* The index is not in use, and index_grow has made space for it. */
void index_add(struct index_table *t, uint32_t index, enum index_kind kind, void *object);
void index_remove(struct index_table *t, uint32_t index); /* nothing happens if it is not in use */
void index_free(struct index_table *t);

#endif
