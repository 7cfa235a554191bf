/* QR codes as text. */
#include "qr.h"

bool qr_is_dark(const struct qr_code *q, int x, int y)
{
	int n = (int)q->width;

	return x >= 0 && y >= 0 && x < n && y < n && q->dark[y * n + x] != 0;
}

static unsigned int terminal_modules(const struct qr_code *q)
{
	return q->width + 2 * QR_TERMINAL_MARGIN;
}

unsigned int qr_columns(const struct qr_code *q, enum qr_style style)
{
	return style == QR_BLOCKS ? terminal_modules(q) : 2 * terminal_modules(q);
}

unsigned int qr_lines(const struct qr_code *q, enum qr_style style)
{
	return style == QR_BLOCKS ? (terminal_modules(q) + 1) / 2 : terminal_modules(q);
}

/* Colours of the palette of 256 that themes do not change: 16 is black, 231 white. */
static const char dark_on_light[] = "\x1b[38;5;16;48;5;231m", dark_blank[] = "\x1b[48;5;16m",
		  light_blank[] = "\x1b[48;5;231m", reset[] = "\x1b[0m\n";

static void print_blocks_line(struct text *t, const struct qr_code *q, int y)
{
	/* [upper module is dark][lower module is dark] */
	static const char *const block[2][2] = { { " ", "\u2584" }, { "\u2580", "\u2588" } };

	text_add(t, dark_on_light);
	for (int x = -QR_TERMINAL_MARGIN; x < (int)q->width + QR_TERMINAL_MARGIN; x++)
		text_add(t, block[qr_is_dark(q, x, y)][qr_is_dark(q, x, y + 1)]);
	text_add(t, reset);
}

static void print_spaces_line(struct text *t, const struct qr_code *q, int y)
{
	bool before = false;

	text_add(t, light_blank);
	for (int x = -QR_TERMINAL_MARGIN; x < (int)q->width + QR_TERMINAL_MARGIN; x++) {
		bool dark = qr_is_dark(q, x, y);
		if (dark != before)
			text_add(t, dark ? dark_blank : light_blank);
		text_add(t, "  ");
		before = dark;
	}
	text_add(t, reset);
}

void qr_print_terminal(struct text *t, const struct qr_code *q, enum qr_style style)
{
	int end = (int)q->width + QR_TERMINAL_MARGIN;

	for (int y = -QR_TERMINAL_MARGIN; y < end; y += style == QR_BLOCKS ? 2 : 1) {
		if (style == QR_BLOCKS)
			print_blocks_line(t, q, y);
		else
			print_spaces_line(t, q, y);
	}
}

void qr_print_svg(struct text *t, const struct qr_code *q)
{
	unsigned int side = q->width + 2 * QR_MARGIN;
	int n = (int)q->width;

	text_f(t, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" "
		  "shape-rendering=\"crispEdges\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<path d=\"",
	       side, side, 8 * side, 8 * side);
	for (int y = 0; y < n; y++)
		for (int x = 0; x < n;) {
			int begin = x;
			while (qr_is_dark(q, x, y))
				x++;
			if (x > begin)
				text_f(t, "M%d %dh%dv1h-%dz", begin + QR_MARGIN, y + QR_MARGIN, x - begin, x - begin);
			else
				x++;
		}
	text_add(t, "\"/>\n</svg>\n");
}
