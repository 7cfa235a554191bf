/* Drawing QR codes (ISO/IEC 18004) on terminals and in SVG files. */
#ifndef WG_REPORT_QR_H
#define WG_REPORT_QR_H

#include "base/text.h"

struct qr_code {
	unsigned int width;  /* modules (the squares of the code) per side */
	const uint8_t *dark; /* width * width, row by row; 0: light */
};

/* Light modules around the code. The standard asks for four; on a terminal two save lines, and cameras accept them. */
enum { QR_MARGIN = 4, QR_TERMINAL_MARGIN = 2 };

bool qr_is_dark(const struct qr_code *q, int x, int y); /* false outside the code */

enum qr_style {
	QR_BLOCKS, /* half blocks of Unicode: one column per module, one line for two */
	QR_SPACES, /* coloured blanks: two columns and one line per module */
};
unsigned int qr_columns(const struct qr_code *q, enum qr_style style);
unsigned int qr_lines(const struct qr_code *q, enum qr_style style);

/* Dark on light whatever the colours of the terminal are: many cameras do not read inverted codes. */
void qr_print_terminal(struct text *t, const struct qr_code *q, enum qr_style style);

/* An SVG image: one path of the dark modules on a light rectangle. */
void qr_print_svg(struct text *t, const struct qr_code *q);

#endif
