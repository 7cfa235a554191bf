/* Drop-ins: files NAME.conf.d/X.conf, which add to a tunnel file and override it. All become one text, in which the rules of a
 * single file apply:
 * - [Interface] of a drop-in follows the earlier lines: lists are extended, and the last of other values applies
 * - [Peer] with the public key of a peer of an earlier file becomes part of that section; another one is a new peer
 * - a key without a value discards what earlier lines gave it ("AllowedIPs ="), as in systemd
 * - a secret key replaces that of an earlier file, wherever either of them is
 * The parser finds errors, which are reported in the file from which the line comes (conf_origins). */
#ifndef WG_QUICK_DROP_INS_H
#define WG_QUICK_DROP_INS_H

#include "base/vector.h"
#include "model/conf.h"

/* A file and its text; the first is the tunnel file. */
struct drop_in {
	const char *path;
	struct span text;
};

/* The merged text, which holds secrets, and where its lines come from. The paths are borrowed from the files; the caller
 * frees text, origins->lines and origins->files. False: out of memory; all are empty. */
must_check bool drop_ins_merge(struct text *text, struct conf_origins *origins, const struct drop_in files[], size_t n);

#endif
