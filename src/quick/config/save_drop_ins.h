/* The state that `save` may write into a tunnel file with drop-ins. */
#ifndef WG_QUICK_SAVE_DROP_INS_H
#define WG_QUICK_SAVE_DROP_INS_H

#include "edit.h"

/* A state in which the tunnel file needs to be changed only where nothing in a drop-in is meant. */
struct state_without_drop_ins {
	struct edit_state state;    /* for edit_tunnel_file() */
	struct wg_device device;    /* owned, as are the addresses */
	struct addresses addresses;
};
/* now: the state of the tunnel; alone: the tunnel file, parsed without its drop-ins; whole: with them. What only a drop-in gives
 * is removed from the state, and what only it changes gets the value that the tunnel file has. False: out of memory. */
must_check bool state_without_drop_ins(struct state_without_drop_ins *out, const struct edit_state *now,
				       const struct tunnel_file *alone, const struct tunnel_file *whole);
void state_without_drop_ins_free(struct state_without_drop_ins *s);

#endif
