/* The checker of tunnel files: errors of the parser, and findings about valid settings that are unlikely to have the intended
 * effect, in one file or between several. Pure: texts and facts about the host come from the caller. No message and no source line
 * that it returns contains a private or preshared key. */
#ifndef WG_CHECK_H
#define WG_CHECK_H

#include "model/conf.h"

/* A file to check. All is borrowed until check_free(). */
struct check_input {
	const char *path;     /* for messages */
	struct span text;
	const struct conf_origins *origins; /* of the lines of a text with drop-ins; null: of one file */
	bool is_quick;        /* the format of wg-quick(8), not that of wg(8) */
	bool world_readable;  /* all users may read it */
	/* Validates the keys of wg-quick(8), as in struct conf_options; null for the format of wg(8). */
	bool (*extra)(void *ctx, const struct conf_extra *x, int peer, struct diag *d);
	void *ctx;
	const struct ip_scopes *scopes;
	bool (*service)(uint16_t *port, struct span name);
};

struct check_file;
struct check_found;

/* A zeroed struct is empty. */
struct check {
	struct check_file **files; /* owned */
	size_t n_files, cap_files;
	struct check_found *found; /* owned, sorted by check_run() */
	size_t n_found, cap_found;
	struct text texts;         /* of the findings */
	struct check_line {        /* a source line whose secrets are masked */
		struct text text;
		const struct check_file *file;
		unsigned int number;
	} line, note_line;
	bool no_memory;
	unsigned int errors, warnings, notes;
};
void check_free(struct check *c);

/* Reads a file, and keeps the parser's errors. False: out of memory. */
must_check bool check_add(struct check *c, const struct check_input *in);
/* Adds an error about a file that was added, at its first line: `id` is that of a finding. */
void check_add_error(struct check *c, const char *id, const char *text, const char *help);
/* Adds a message about it, at the position of the message. */
void check_add_message(struct check *c, const struct diag_message *m);
/* Finds everything, and sorts it by file, line and column. False: out of memory. */
must_check bool check_run(struct check *c);

/* Finding i of n_found; *note: the other position; its text is null without one. Valid until the next call. */
void check_message(struct check *c, size_t i, struct diag_message *m, struct diag_message *note);
/* True if up and reload report it as well. */
bool check_is_for_up(const struct check *c, size_t i);

/* ---- endpoints of the file that was added last, for --resolve ---- */

size_t check_peers(const struct check *c);
/* What the endpoint of peer i is as written, or the null span without one. */
struct span check_endpoint(const struct check *c, size_t i);
void check_set_endpoint(struct check *c, size_t i, const struct ip_endpoint *e);
/* The name has no address: why. */
void check_set_unresolved(struct check *c, size_t i, const char *why);
void check_set_path_mtu(struct check *c, unsigned int mtu);

/* ---- pages ---- */

/* Appends the page about a finding. False: no finding has this name. */
must_check bool check_explain(struct text *t, const char *id);
/* The names of all findings, in the order of the alphabet, and their titles; null after the last one. */
const char *check_id(size_t i);
const char *check_title(size_t i);

#endif
