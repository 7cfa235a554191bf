/* PNG images of QR codes, by libpng, which is loaded at run time. */
#ifndef WG_QUICK_QR_PNG_H
#define WG_QUICK_QR_PNG_H

#include "base/vector.h"
#include "report/qr.h"

enum { QR_PNG_SCALE = 8 }; /* pixels per module and side */

/* Appends the image. 0, -ENOENT (libpng is not installed), -ENOMEM or -EIO. */
must_check int qr_png(struct text *out, const struct qr_code *q);

#endif
