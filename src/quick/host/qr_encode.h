/* QR codes of texts, by libqrencode, which is loaded at run time. */
#ifndef WG_QUICK_QR_ENCODE_H
#define WG_QUICK_QR_ENCODE_H

#include "base/span.h"
#include "report/qr.h"

enum { QR_TEXT_BYTES_MAX = 2953 }; /* version 40, level L (ISO/IEC 18004, table 7) */

/* The text as the smallest code, with the most error correction that does not enlarge it: a photograph of a screen has
 * large modules and little damage. Freed by qr_encode_free(), which wipes it. 0, -ENOENT (libqrencode is not installed),
 * -EMSGSIZE (the text is too long) or another -errno. */
must_check int qr_encode(struct qr_code *out, const char *text);
void qr_encode_free(struct qr_code *q);

#endif
