/* The input of wg(8) for a tunnel whose configuration is not in one file, for example with keys outside the file. */
#ifndef WG_QUICK_STRIP_TEXT_H
#define WG_QUICK_STRIP_TEXT_H

#include "base/vector.h"
#include "tunnel_file.h"

/* Appends the configuration, with the keys that were looked up. The text holds secrets. False: out of memory. */
must_check bool strip_text(struct text *out, const struct tunnel_file *f, const struct ip_scopes *scopes);

#endif
