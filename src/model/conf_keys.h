/* Section lines of tunnel files, and the keys of wg-quick(8). Public through conf.h. */
#ifndef WG_CONF_KEYS_H
#define WG_CONF_KEYS_H

#include "base/span.h"

/* The keys that wg-quick(8) reads in [Interface] in addition to those of wg(8). */
enum { CONF_QUICK_KEYS = 10 };
extern const char *const conf_quick_keys[CONF_QUICK_KEYS];

/* The key in its usual spelling, compared without case; null: not a key of wg-quick(8). */
const char *conf_quick_key(struct span key);
bool conf_is_quick_key(struct span key);
/* PreUp, PostUp, PreDown or PostDown: the value is the rest of the line, including '#'. */
bool conf_is_hook_key(struct span key);

#endif
