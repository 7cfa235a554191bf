/* The number of CPUs that the process may use: those of its affinity, limited by the CPU quotas of its control group and its
 * ancestors, as set by containers and by CPUQuota= of systemd.resource-control(5). cgroups(7), version 2 (cpu.max) and 1
 * (cpu.cfs_quota_us). */
#ifndef DAEMON_CPU_QUOTA_H
#define DAEMON_CPU_QUOTA_H

#include "base/base.h"

/* At least 1. */
unsigned int cpu_count_usable(void);

/* The smallest quota in CPUs, rounded up, of the groups that `membership` (/proc/self/cgroup) names below the folder where
 * cgroups are mounted (/sys/fs/cgroup); 0: none. */
unsigned int cpu_quota(const char *membership, const char *mounts);

#endif
