/* What people call a peer, from the comments of its file. Private to this room.
 *
 * A comment is a line whose first character that is no blank is '#'. The highest rank wins; of the
 * same rank the later one. X is without blanks and '#' at its ends.
 *   4  "# Name = X"         anywhere between the peer's [Peer] line and the next section
 *   3  "# friendly_name=X"  there too (prometheus exporters)
 *   2  "### Client X", "# Client: X (id)", "### begin X ###"  on the line directly before [Peer]
 *   1  any plain comment on the line directly after [Peer]
 *   0  any plain comment on the line directly before [Peer]
 * Plain: has no '=' (a setting that is switched off, or a key), begins with neither "###" nor '['.
 * A name has 1 to 64 bytes, none of them a control character, and does not look like a key. */
#ifndef WG_CONF_NAME_H
#define WG_CONF_NAME_H

#include "model.h"

enum { NAME_BYTES_MAX = 64 };

struct name_reader {
	char before[NAME_BYTES_MAX]; /* candidate on the line before */
	size_t before_bytes;         /* 0: none */
	int before_rank;
	int rank;           /* of the open peer's name; -1: none */
	bool just_opened;   /* the line before was [Peer] */
};

/* Told about every line; `peer` is the open one or null. False: out of memory. */
must_check bool name_comment(struct name_reader *r, struct wg_peer *peer, struct span line);
must_check bool name_section(struct name_reader *r, struct wg_peer *peer);
void name_other_line(struct name_reader *r); /* settings and blank lines */

#endif
