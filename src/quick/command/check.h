/* The commands `check` and `graph`, which take several files; `check` has its own options. */
#ifndef WG_QUICK_COMMAND_CHECK_H
#define WG_QUICK_COMMAND_CHECK_H

/* argv[0] is the command's own name. Returns the exit status: 0, 1 for errors, 2 for warnings with --strict. */
int command_check(int argc, char *const argv[]);
/* `graph`, in the same way: the mesh that the files describe, for Graphviz. Returns 0, or 1 for files that cannot be read. */
int command_graph(int argc, char *const argv[]);

struct tunnel_file;
/* Prints the findings that up and reload report, about a file that was loaded. */
void report_check_warnings(const struct tunnel_file *f);

#endif
