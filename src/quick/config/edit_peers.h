/* The peers of a tunnel, written into the text of its file. Part of edit_tunnel_file(). */
#ifndef WG_QUICK_EDIT_PEERS_H
#define WG_QUICK_EDIT_PEERS_H

#include "section_editor.h"
#include "tunnel_file.h"

/* False: out of memory. */
must_check bool edit_peers(struct section_editor *e, const struct wg_device *now, const struct tunnel_file *f,
			   const struct ip_scopes *scopes);

#endif
