/* The command `check`, which takes several files and its own options. */
#ifndef WG_QUICK_COMMAND_CHECK_H
#define WG_QUICK_COMMAND_CHECK_H

/* argv[0] is the command's own name. Returns the exit status: 0, 1 for errors, 2 for warnings with --strict. */
int command_check(int argc, char *const argv[]);

struct tunnel_file;
/* Prints the findings that up and reload report, about a file that was loaded. */
void report_check_warnings(const struct tunnel_file *f);

#endif
