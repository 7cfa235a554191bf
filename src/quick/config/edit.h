/* Writes the state of a tunnel into the text of its file, for `save`. Comments, names, host names and the order of
 * the lines stay; only lines that differ from the state change. */
#ifndef WG_QUICK_EDIT_H
#define WG_QUICK_EDIT_H

#include "tunnel_file.h"

/* The tunnel as it is now. */
struct edit_state {
	const struct wg_device *device;
	const struct addresses *addresses; /* of the interface */
	const struct addresses *foreign;   /* added by hooks or other programs while it was brought up: not saved */
	unsigned int mtu;                  /* 0: not known */
	/* Where the file names none, the port or the mark was chosen automatically, or by a hook: not saved. */
	bool chosen_port, chosen_mark;
	bool ipv6;                         /* false: the interface cannot have IPv6 addresses at present */
	const struct ip_scopes *scopes;    /* for the zones of endpoints */
};

/* Appends the new text of a file that was parsed with its peers. False: out of memory. *changed: whether the text
 * differs from the old one. */
must_check bool edit_tunnel_file(struct text *out, bool *changed, const struct tunnel_file *f,
				 const struct edit_state *now);

#endif
