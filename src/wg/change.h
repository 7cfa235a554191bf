/* What `wg set` and the configuration files have in common: read a file, resolve, send. */
#ifndef WG_CHANGE_H
#define WG_CHANGE_H

#include "../base/diag.h"
#include "../model/model.h"
#include "program.h"

/* A file's whole text, wiped when freed: it may hold keys. */
struct file_text {
	struct span text;
	char *memory;
	size_t cap;
	const char *failed; /* the call that failed, for the message */
};
/* 0 or -errno: -EISDIR for a directory, -EFBIG for more than max bytes. */
must_check int file_read(struct file_text *f, const char *path, size_t max);
void file_free(struct file_text *f);

/* Both complain themselves. Names to addresses: */
must_check bool change_resolve(struct wg_device *patch, const char *file, struct diag *d);
/* and the patch to the device of this name. */
must_check bool change_send(struct program *p, const char *name, struct wg_device *patch);

#endif
