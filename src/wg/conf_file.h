/* A tunnel file on its way in, piece by piece, so that memory holds little of it: a pipe, a file or
 * /dev/stdin. What was read is wiped, it may hold keys. */
#ifndef WG_CONF_FILE_H
#define WG_CONF_FILE_H

#include "model/conf.h"

struct conf_file {
	int fd;
	char *buffer;
	size_t n, cap, used; /* bytes in it, and room for; the most there ever were */
	size_t given;        /* of them in the piece given last */
	bool ended;
	bool says_something; /* more than blanks and comments came by */
	const char *failed;  /* the call that failed, for the message */
	int error;           /* of it, as -errno; 0: none */
};

/* 0 or -errno; f->failed says which call. */
must_check int conf_file_open(struct conf_file *f, const char *path);
/* For struct conf_source. After false, f->error tells the end from a failure. */
bool conf_file_next(void *conf_file, struct span *piece);
void conf_file_close(struct conf_file *f);

#endif
