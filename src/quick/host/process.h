/* This process: its privileges, its standard descriptors, the environment of the programs it runs. */
#ifndef WG_QUICK_PROCESS_H
#define WG_QUICK_PROCESS_H

#include "base/base.h"

/* Keeps files that are opened later from becoming standard input, output or error. False: standard output was
 * closed. */
bool process_open_standard_fds(void);
bool process_is_root(void);
/* True with CAP_NET_ADMIN, which is then passed on to the programs that are run. */
bool process_may_change_network(void);
/* Replaces the process by sudo(8) running it again; returns the exit status after a failure. */
int process_run_with_sudo(char *argv[]);
/* The name of a running process, with control characters replaced. False: it has ended. */
must_check bool process_name(char name[], size_t n, uint32_t pid);
/* The folder of the running program, where the other programs of the suite are; null: not known. */
const char *process_folder(void);
/* Hooks find the `wg` of this suite first, and programs print untranslated messages. */
void process_set_environment(void);

#endif
