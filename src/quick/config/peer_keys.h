/* The keys of [Peer] that only wg-quick(8) knows: Disabled, PresharedKeyFile and Routes. */
#ifndef WG_QUICK_PEER_KEYS_H
#define WG_QUICK_PEER_KEYS_H

#include "key_source.h"
#include "peer_routes.h"

/* A zeroed struct is a section without any of these keys. */
struct peer_keys {
	bool disabled; /* the peer is not configured */
	struct key_source psk;
	struct peer_routes routes;
};
void peer_keys_free(struct peer_keys *k);

struct peer_keys_reader {
	struct peer_keys *keys; /* of the section that is read */
	const char *file;       /* for messages */
	const char *folder, *interface; /* as in struct key_place */
	bool no_memory;         /* a value was lost because memory ran out */
};

/* Reads one key of [Peer]; a wrong value is reported to d. False: wg-quick has no such key. */
must_check bool peer_keys_read(struct peer_keys_reader *r, const struct conf_extra *x, struct diag *d);

#endif
