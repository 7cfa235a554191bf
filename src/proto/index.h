/* Receiver indices: 32 random bits to the handshake or the session that goes by them. Unique within
 * the tunnel. Changed by control inside publish, read in sections. */
#ifndef WG_INDEX_H
#define WG_INDEX_H

#include "base/base.h"

enum index_kind { INDEX_FREE, INDEX_HANDSHAKE, INDEX_SESSION };

struct index_slot {
	void *what;     /* handshake: its struct wg_tunnel_peer; session: its struct wg_session */
	uint32_t index;
	uint8_t kind;   /* enum index_kind */
};

struct index_table { /* zeroed: empty; open addressing, linear, at most half full */
	struct index_slot *slots; /* owned */
	uint32_t mask;
	uint32_t n;
};

/* Null: nobody goes by that index. */
const struct index_slot *index_find(const struct index_table *t, uint32_t index);

/* Room for one more. The larger table is built aside; index_grow_commit puts it in place (inside
 * publish). *grown is empty when nothing is needed. False: out of memory. */
must_check bool index_grow(struct index_table *grown, const struct index_table *t);
void index_grow_commit(struct index_table *t, struct index_table *grown);

/* There is room, and the index is free. */
void index_add(struct index_table *t, uint32_t index, enum index_kind kind, void *what);
void index_remove(struct index_table *t, uint32_t index);
void index_free(struct index_table *t);

#endif
