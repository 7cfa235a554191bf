/* Kernel parameters, which are numbers in files below /proc/sys. */
#ifndef WG_QUICK_SYSCTL_H
#define WG_QUICK_SYSCTL_H

#include "base/base.h"

/* The path of net.ipv4.conf.all.src_valid_mark. */
extern const char sysctl_src_valid_mark[];

int sysctl_read(const char *path); /* -1: not readable */
must_check int sysctl_write(const char *path, int number); /* 0 or -errno */

/* Lets the other addresses of a network stay when the first one is deleted; a failure is a warning. */
void sysctl_promote_secondaries(const char *interface);

#endif
