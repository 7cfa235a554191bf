/* The files of a command that runs in private namespaces: name resolution by files and DNS only, with the name servers of the
 * tunnel. */
#ifndef WG_QUICK_RUN_FILES_H
#define WG_QUICK_RUN_FILES_H

#include "base/span.h"

struct run_files {
	struct span resolv_conf, nsswitch; /* contents; nsswitch: the null span if the host has none */
};

/* In the first process of the mount namespace: /run without the sockets of programs that resolve names outside, and the two
 * files. 0, or -errno after reporting. */
must_check int run_files_mount(const struct run_files *f);

/* Mounts the files again where a program outside has replaced those that they were mounted on, which removed the mounts. */
void run_files_mount_again(void);
/* A descriptor that polls as POLLPRI after changes of mounts; -1: none. */
int run_files_watch(void);

#endif
