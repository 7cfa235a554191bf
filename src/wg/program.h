/* State that every subcommand of wg(8) shares: its name, standard output, and access to the devices. */
#ifndef WG_PROGRAM_H
#define WG_PROGRAM_H

#include "base/text.h"
#include "ipc/ipc.h"

/* Names of peers in the format for people: WG_SHOW_NAMES. */
enum show_names { SHOW_NAMES_AUTO, SHOW_NAMES_ALWAYS, SHOW_NAMES_NEVER };

struct program {
	const char *name;    /* argv[0] unchanged, for usage messages */
	struct text out;     /* standard output, written when full and at the end */
	size_t out_used;     /* the most bytes that were ever in it; the rest of its memory was never touched */
	int out_error;       /* the first -errno of writing it, or 0 */
	bool colour;         /* of the format for people */
	bool show_secrets;   /* in the format for people */
	enum show_names show_names; /* AUTO: on a terminal */
	bool settings_read;  /* wgsuite.ini was applied to the three above */
	struct ipc ipc;
};

/* A subcommand gets its own name and arguments, and returns the exit status. */
typedef int command_run(struct program *p, int argc, char *const argv[]);
command_run cmd_show, cmd_showconf, cmd_set, cmd_setconf, cmd_addconf, cmd_syncconf, cmd_genkey, cmd_genpsk,
	cmd_pubkey, cmd_ping, cmd_watch, cmd_check;

/* Standard output goes through the buffer. */
void program_open(struct program *p, const char *name, char *buffer, size_t cap);
/* Writes what is in the buffer now. */
void program_flush(struct program *p);
/* Writes the rest of the output and wipes the buffer. False: output was lost (reported). */
must_check bool program_close(struct program *p);

#endif
