/* Reading a tunnel file, a pipe or /dev/stdin in chunks, so that little of it is in memory. The buffer may hold keys and is
 * wiped. */
#ifndef WG_CONF_FILE_H
#define WG_CONF_FILE_H

#include "model/conf.h"

struct conf_file {
	int fd;
	char *buffer;
	size_t n, cap, used; /* bytes in the buffer, its size, and the most bytes that were ever in it */
	size_t consumed;     /* bytes of the chunk returned last */
	bool ended;
	bool is_empty;       /* only blanks and comments so far */
	bool open_failed;    /* the error is that of open(2) */
	int error;           /* -errno, or 0 */
};

/* 0 or -errno, which is also in f->error. */
must_check int conf_file_open(struct conf_file *f, const char *path);
/* For struct conf_source. After false, f->error distinguishes an error from the end of the file. */
bool conf_file_next(void *conf_file, struct span *chunk);
void conf_file_close(struct conf_file *f);

#endif
