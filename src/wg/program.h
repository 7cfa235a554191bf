/* What every subcommand of wg(8) has in hand: its name, standard output, the way to the devices. */
#ifndef WG_PROGRAM_H
#define WG_PROGRAM_H

#include "base/text.h"
#include "ipc/ipc.h"

struct program {
	const char *name; /* argv[0] as it was typed */
	struct text out;  /* standard output, written when full and at the end */
	size_t out_used;  /* the most bytes that were ever in it: untouched pages cost a start nothing */
	int out_error;    /* the first -errno of writing it */
	bool color;
	bool show_secrets; /* in the pretty format */
	bool settled;      /* the two above: wgsuite.ini was asked */
	struct ipc ipc;
};

/* Each gets its own word and what follows it, and returns the exit code. */
typedef int command_run(struct program *p, int argc, char *const argv[]);
command_run cmd_show, cmd_showconf, cmd_set, cmd_setconf, cmd_addconf, cmd_syncconf, cmd_genkey,
	cmd_genpsk, cmd_pubkey;

/* Standard output over this buffer. */
void program_open(struct program *p, const char *name, char *buffer, size_t cap);
/* Writes what is left and wipes the buffer. False when anything could not be written. */
must_check bool program_close(struct program *p);

/* One line (or several) to standard error; no secret may be among the arguments. */
void complain(const char *fmt, ...) printf_like(1, 2);

#endif
