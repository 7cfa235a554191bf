/* Names of peers, from the comments of their file. Private to src/model.
 *
 * A comment line is one whose first non-blank character is '#'. The highest rank wins; among equals, the last one. X has
 * no blanks and no '#' at its ends.
 *   4  "# Name = X"         anywhere between the peer's [Peer] line and the next section
 *   3  "# friendly_name=X"  likewise (written for prometheus exporters)
 *   2  "### Client X", "# Client: X (id)", "### begin X ###"  on the line directly before [Peer]
 *   1  any plain comment on the line directly after [Peer]
 *   0  any plain comment on the line directly before [Peer]
 * A plain comment contains no '=' (it may be a disabled setting or a key) and begins neither with "###" nor with '['. A
 * name has 1 to 64 bytes of valid UTF-8, no characters that control a terminal or the direction of text, and does not look
 * like a key. */
#ifndef WG_CONF_NAME_H
#define WG_CONF_NAME_H

#include "model.h"

enum { NAME_BYTES_MAX = 64 };

struct name_reader {
	char before[NAME_BYTES_MAX]; /* a possible name on the previous line */
	size_t before_bytes;         /* 0: none */
	int before_rank;
	int rank;           /* of the name that the current peer has; -1: none */
	bool just_opened;   /* the previous line was [Peer] */
};

/* One of these is called for each line; `peer` is the current one or null. False: out of memory. */
must_check bool name_comment(struct name_reader *r, struct wg_peer *peer, struct span line);
must_check bool name_section(struct name_reader *r, struct wg_peer *peer);
void name_other_line(struct name_reader *r); /* settings and blank lines */

#endif
