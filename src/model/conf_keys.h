/* Section lines of tunnel files, and the keys of wg-quick(8). Public through conf.h. */
#ifndef WG_CONF_KEYS_H
#define WG_CONF_KEYS_H

#include "base/span.h"

/* The keys that wg-quick(8) reads in [Interface] and [Peer] in addition to those of wg(8); null after the last one. */
const char *conf_quick_key_at(size_t i);

/* The key in its usual spelling, compared without case; null: not a key of wg-quick(8) in this section. */
const char *conf_quick_key(struct span key, bool in_peer);
bool conf_is_quick_key(struct span key, bool in_peer);
/* PreUp, PostUp, PreDown or PostDown: the value is the rest of the line, including '#'. */
bool conf_is_hook_key(struct span key);

#endif
