/* `wg show INTERFACE json`, `prometheus`, `openmetrics`: formats in which one document describes all devices. */
#ifndef WG_SHOW_DOCUMENT_H
#define WG_SHOW_DOCUMENT_H

#include "program.h"

struct show_document {
	const char *device; /* null: all */
	const char *format;
	const char *file;   /* null: standard output */
	const char *peer;   /* "@NAME": only this one; null: all */
};

bool show_document_is_format(const char *word);
bool show_document_has_file(const char *format); /* it can be written to a file */
/* The exit status. */
int show_document(struct program *p, const struct show_document *r);

#endif
