/* The command `check`, which wg and wg-quick share: options, reading of files, output and exit status. */
#ifndef WG_REPORT_CHECK_COMMAND_H
#define WG_REPORT_CHECK_COMMAND_H

#include "base/vector.h"
#include "check/check.h"

enum { CHECK_PATH_MAX = 4096 };

struct check_program {
	const char *usage; /* the line of usage, without a newline */
	/* The format, as in struct check_input; path, text and permissions are not set. */
	struct check_input input;
	/* The path of a file for an argument, in path; null: the argument itself. False after reporting. */
	bool (*find)(char path[CHECK_PATH_MAX], const char *argument);
	/* The files to check if no argument is given; null: there must be one. False after reporting. */
	bool (*list)(struct string_list *paths);
	/* Called before each file, for `extra` and `ctx`; may replace the text by a longer one, which it keeps. May be null. False
	 * after reporting. */
	bool (*begin)(struct check_input *in);
	/* Called after each file, which was added last. May be null. */
	void (*end)(struct check *c);
	/* Looks up the endpoints of d with WG_PEER_HAS_HOST; *mtu: that of the path to all of them, or 0. */
	void (*resolve)(struct wg_device *d, unsigned int *mtu);
	bool graph; /* print the mesh (check/graph.h) in place of the findings; there are no options then */
};

/* argv[0] is the command's own name. Returns the exit status: 0, 1 for errors, 2 for warnings with --strict. */
int check_command(const struct check_program *p, int argc, char *const argv[]);

/* Prints the findings that up and reload report, on standard error. */
void check_report_for_up(struct check *c);

#endif
