/* The keys of [Interface] that only wg-quick knows. */
#ifndef WG_QUICK_KEYS_H
#define WG_QUICK_KEYS_H

#include "model/conf.h"
#include "tunnel_file.h"

struct keys_reader {
	struct tunnel_file *file;
	bool failed; /* out of memory */
};

/* For struct conf_options: takes Address, MTU, DNS, Table, hooks and SaveConfig. */
bool keys_take(void *reader, const struct conf_extra *x, int peer, struct diag *d);

#endif
