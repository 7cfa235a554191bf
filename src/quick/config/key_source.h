/* Secret keys that are not in the tunnel file: PrivateKeyFile, PresharedKeyFile, and PrivateKey or PresharedKey with a value
 * "@NAME". host/key_file.h reads them. */
#ifndef WG_QUICK_KEY_SOURCE_H
#define WG_QUICK_KEY_SOURCE_H

#include "model/conf.h"

enum key_source_kind {
	KEY_IN_FILE,    /* in the tunnel file, which may have none */
	KEY_FILE,       /* of PrivateKeyFile or PresharedKeyFile */
	KEY_NEW_FILE,   /* the same, and `up` makes it if it does not exist ("create:PATH") */
	KEY_CREDENTIAL, /* of systemd, "@NAME" */
};

/* A zeroed struct is a key that is in the tunnel file. */
struct key_source {
	uint8_t kind;    /* enum key_source_kind */
	bool is_read;
	char *name;      /* the path, or the name of the credential; owned */
	const char *key; /* "PrivateKeyFile", for messages; static */
	struct diag_at at; /* of the value; without the line's text */
};
void key_source_free(struct key_source *s);

/* The objects to which names in a source refer. */
struct key_place {
	const char *file;      /* for messages */
	const char *folder;    /* that relative paths begin in; null: the current one */
	const char *interface; /* in place of "%i" */
};

/* Reads the line of a key with a source; a wrong value is reported to d. False: out of memory. */
must_check bool key_source_read(struct key_source *s, const struct key_place *place, const struct conf_extra *x, struct diag *d);

#endif
