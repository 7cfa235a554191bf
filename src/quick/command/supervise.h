/* `supervise`: the process of a container that keeps tunnels up and applies changes of their files. */
#ifndef WG_QUICK_SUPERVISE_H
#define WG_QUICK_SUPERVISE_H

/* argv[0]: "supervise". Returns the exit status. */
int command_supervise(int argc, char *const argv[]);

#endif
