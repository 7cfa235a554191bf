/* The sections of a tunnel file's text, and which lines belong to them.
 *
 * A section's own lines are those from its header to its last setting, the comments directly above the header, and
 * commented-out settings and names ("# Name = X") directly below the last setting. Not its own are:
 * - comments that a blank line separates from the section, and other comments below it
 * - commented-out sections, which begin with "#[Peer]", with the commented-out settings that follow
 * - markers of the end of a block ("### end X ###", "# END X"); and markers of its beginning ("### begin X ###") unless
 *   the block ends before the next header or the file has no markers of an end
 * - above a header, names that no blank line separates from the section before: either section's, so neither takes them */
#ifndef WG_QUICK_SECTIONS_H
#define WG_QUICK_SECTIONS_H

#include "base/vector.h"

enum line_kind {
	LINE_BLANK,
	LINE_CODE,           /* a header or a setting */
	LINE_COMMENT,
	LINE_NAME,           /* "# Name = X" or "# friendly_name = X" */
	LINE_OLD_SETTING,    /* a setting in a comment */
	LINE_OLD_HEADER,     /* a header in a comment */
	LINE_BEGIN, LINE_END /* markers in comments */
};
enum line_kind line_kind(struct span line);

/* Numbers of lines, from 0. */
struct section {
	size_t first;  /* the first comment above the header that it owns, or the header */
	size_t header;
	size_t last;   /* its last setting, or the header */
	size_t end;    /* after the last line that it owns */
	bool is_peer;
};

/* A zeroed struct is empty. */
struct sections {
	struct section *list; /* in order */
	size_t n, cap;
};
/* The sections of a text that conf_read() accepts. False: out of memory. */
must_check bool sections_find(struct sections *out, const struct span lines[], size_t n);
void sections_free(struct sections *s);

/* Sets the flag of each line that is the section's own; flags of other lines stay. */
void section_mark_own(bool own[], const struct section *s, const struct span lines[]);

#endif
