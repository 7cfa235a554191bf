/* Lines of tunnel files, and the keys of wg-quick(8). Public through conf.h. */
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

/* True if the text has only blanks and comments, most likely because of a failed <(wg-quick strip …). */
bool conf_is_empty(struct span text);
/* The line up to the first '#'. */
struct span conf_without_comment(struct span line);
/* True for the keys of wg(8) in either section, as the parser accepts them, and those of wg-quick(8). */
bool conf_is_key(struct span key);
/* True for the keys of wg-quick(8), and for PrivateKey and PresharedKey with a value "@NAME": a key that is elsewhere. */
bool conf_is_quick_line(struct span key, struct span value, bool in_peer);

#endif
