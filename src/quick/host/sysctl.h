/* Kernel parameters. */
#ifndef WG_QUICK_SYSCTL_H
#define WG_QUICK_SYSCTL_H

/* The path of net.ipv4.conf.all.src_valid_mark. */
extern const char sysctl_src_valid_mark[];
/* Lets the other addresses of a network stay when the first one is deleted; a failure is a warning. */
void sysctl_promote_secondaries(const char *interface);

#endif
