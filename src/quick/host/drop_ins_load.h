/* Finds and reads the drop-ins of tunnel files: FOLDER/NAME.conf.d/X.conf, in the order of strcmp(3). config/drop_ins.h merges
 * them. */
#ifndef WG_QUICK_DROP_INS_LOAD_H
#define WG_QUICK_DROP_INS_LOAD_H

#include "quick/config/drop_ins.h"

enum {
	DROP_INS_MAX = 1000,             /* files of a tunnel */
	DROP_INS_BYTES_MAX = 64 << 20,   /* all of them */
};

/* The paths of the files X.conf that do not begin with a dot. *changed_ns: when one was last added or removed, unless
 * *changed_ns is later. 0, or -errno after reporting to d. */
must_check int drop_ins_list(struct string_list *paths, uint64_t *changed_ns, const char *folder, const char *name, struct diag *d);

/* A text on the heap that holds secrets. */
struct drop_ins_text {
	char *p;
	size_t n;
};
/* Reads the files and replaces *text by the merged one; *origins is allocated, or stays null if there is nothing to merge: a
 * link to /dev/null is an empty file. `main` is the tunnel file's path in messages; paths and main are borrowed by *origins.
 * *changed_ns: the last change of any of them, unless *changed_ns is later. 0, or -errno after reporting to d. */
must_check int drop_ins_load(struct drop_ins_text *text, struct conf_origins **origins, const char *main,
			     const struct string_list *paths, uint64_t *changed_ns, struct diag *d);

#endif
