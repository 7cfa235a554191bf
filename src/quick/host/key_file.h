/* Secret keys that are not in the tunnel file: in separate files and in credentials of systemd. */
#ifndef WG_QUICK_KEY_FILE_H
#define WG_QUICK_KEY_FILE_H

#include "quick/config/key_source.h"
#include "report/trace.h"

enum key_file_use {
	KEY_FILE_WAIT = 1, /* read pipes as well, which can be read only once, and wait for who writes to them */
	KEY_FILE_MAKE = 2, /* make the file of a KEY_NEW_FILE that does not exist; otherwise it is an error */
	KEY_FILE_LATER = 4, /* leave such a file for later */
	KEY_FILE_SHOW = 8,  /* likewise, and print the commands that make it */
};

/* The context of key_file_look_up(). */
struct key_files {
	unsigned int use;            /* enum key_file_use */
	const char *interface;
	struct command_trace *trace; /* of KEY_FILE_MAKE */
};

/* For tunnel_file_read_keys(). The file must be a regular one (or a pipe) and not a symbolic link, belong to root or the
 * caller, and be inaccessible to groups and others. -EAGAIN: a pipe, or a file that is to be made later. -EINTR: a signal
 * came while it waited. */
must_check int key_file_look_up(void *key_files, uint8_t key[KEY_BYTES], const struct key_source *s, struct diag *d);

/* Checks the same without reading it. What this user may not see is not reported. */
void key_file_check(const struct key_source *s, struct diag *d);

#endif
