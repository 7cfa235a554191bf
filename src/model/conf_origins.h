/* The origin of each line of a text that was merged from several files. Public through conf.h. */
#ifndef WG_CONF_ORIGINS_H
#define WG_CONF_ORIGINS_H

#include "base/diag.h"

struct conf_origins {
	const char **files;       /* paths, borrowed; the first is the main one */
	struct conf_origin {
		uint32_t file; /* index */
		uint32_t line; /* from 1 */
	} *lines;      /* of each line of the merged text; owned by the owner of the text, as is `files` */
	size_t n;
};

/* Replaces file and line of a position in the merged text by those in the file that it comes from. Null: there is one file. */
void conf_origin_translate(const struct conf_origins *o, struct diag_at *at);
/* The line in its file. */
unsigned int conf_origin_line(const struct conf_origins *o, unsigned int line);

/* A diag that translates positions, and passes messages on to another. */
struct conf_origin_diag {
	struct diag d;
	const struct conf_origins *origins;
	struct diag *next;
};
void conf_origin_diag_init(struct conf_origin_diag *t, const struct conf_origins *o, struct diag *next);

#endif
