/* Coloured text for terminals (ECMA-48, SGR). */
#ifndef WG_REPORT_TERMINAL_H
#define WG_REPORT_TERMINAL_H

#include "base/text.h"

enum terminal_style { STYLE_NONE, STYLE_BOLD, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_CYAN };

struct terminal {
	struct text *out;
	bool colour; /* false: only the text is written */
};

/* True if WG_COLOR_MODE is "always", or if it is not "never" and fd is a terminal. NO_COLOR counts where WG_COLOR_MODE is not
 * set: any text means "never". */
bool terminal_has_colour(int fd);
/* The same with a setting, "always" or "never", which counts where neither variable is set. */
bool terminal_has_colour_by_setting(int fd, const char *setting);

/* Changes the style of the text that follows; STYLE_NONE resets it. */
void terminal_style(const struct terminal *t, enum terminal_style style);
/* Writes a text in this style, then resets the style. */
void terminal_styled(const struct terminal *t, enum terminal_style style, const char *text);

/* Appends text for a terminal: characters that control it or the direction of text (base/utf8.h), and bytes that are not
 * UTF-8, become '?'. */
void terminal_plain(struct text *t, struct span s);

#endif
