/* `wg show INTERFACE @NAME`: one peer of a device. */
#ifndef WG_SHOW_SELECT_H
#define WG_SHOW_SELECT_H

#include "report/names.h"

/* *selected is d with only the peer that word names; it borrows from d. False: reported. */
must_check bool show_select(struct wg_device *selected, const struct wg_device *d, const struct peer_names *names,
			    const char *word);

/* The same for all devices, of which some may have no such peer. Zeroed, but with the word. */
struct show_search {
	const char *word;        /* "@NAME" */
	struct peer_names known; /* names of all devices without the peer, for the message */
	bool in_files_only;      /* a file has the name, but its interface has no such peer */
	bool failed;             /* an error was reported */
};
/* False: this device has no such peer, or several (reported). */
must_check bool show_search_next(struct show_search *s, struct wg_device *selected, const struct wg_device *d,
				 const struct peer_names *names);
/* After the last device. False: an error was reported, if nothing was found now. */
must_check bool show_search_end(struct show_search *s, bool found);

#endif
