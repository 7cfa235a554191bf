/* `run`: a command whose traffic goes through a tunnel or nowhere, for any user. */
#ifndef WG_QUICK_COMMAND_RUN_H
#define WG_QUICK_COMMAND_RUN_H

/* argv[0]: "run". Returns the exit status, that of the command included. */
int command_run(int argc, char *const argv[]);

#endif
