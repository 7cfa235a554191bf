/* Escape sequences of the styles, and detection of terminals. */
#include "terminal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"

static const char *const sequences[] = {
	[STYLE_NONE] = "\x1b[0m", [STYLE_BOLD] = "\x1b[1m", [STYLE_RED] = "\x1b[31m",
	[STYLE_GREEN] = "\x1b[32m", [STYLE_YELLOW] = "\x1b[33m", [STYLE_CYAN] = "\x1b[36m",
};

bool terminal_has_colour(int fd)
{
	const char *mode = getenv("WG_COLOR_MODE"), *none = getenv("NO_COLOR");

	if (mode && strcmp(mode, "always") == 0)
		return true;
	if (!mode && none && none[0])
		return false;
	return !(mode && strcmp(mode, "never") == 0) && isatty(fd);
}

bool terminal_has_colour_by_setting(int fd, const char *setting)
{
	const char *none = getenv("NO_COLOR");

	if (!getenv("WG_COLOR_MODE") && !(none && none[0])) {
		if (strcmp(setting, "always") == 0)
			return true;
		if (strcmp(setting, "never") == 0)
			return false;
	}
	return terminal_has_colour(fd);
}

void terminal_style(const struct terminal *t, enum terminal_style style)
{
	if (t->colour)
		text_add(t->out, sequences[style]);
}

void terminal_styled(const struct terminal *t, enum terminal_style style, const char *text)
{
	terminal_style(t, style);
	text_add(t->out, text);
	terminal_style(t, STYLE_NONE);
}

void terminal_plain(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n;) {
		struct utf8_char c = utf8_at(s, i);
		text_span(t, c.printable ? span_sub(s, i, c.bytes) : SPAN("?"));
		i += c.bytes;
	}
}
