/* The settings of the suite, wgsuite.ini(5): which keys there are and which values they take. A wrong line is
 * an error with its position, never a silent default. Pure: host/settings_file.h reads the file. */
#ifndef WG_QUICK_SETTINGS_H
#define WG_QUICK_SETTINGS_H

#include "base/diag.h"

enum { SETTING_TEXT_MAX = 256 };

/* An empty string: not set. */
struct settings {
	char implementation[16]; /* [backend] implementation: auto, kernel, userspace */
	char program[SETTING_TEXT_MAX]; /* [backend] program */
	char dns[16];            /* [dns] backend: auto, resolved, resolvconf, file, none */
	char firewall[16];       /* [firewall] backend: auto, nft, iptables, none */
	char hook_owner[16];     /* [hooks] owner: any, caller, root, unchecked */
	char dns_timeout[16];    /* [dns] timeout, in seconds */
	char lock_timeout[16];   /* [lock] timeout, in seconds */
	char monitor_pause[16];  /* [monitor] pause, in minutes */
	char log_level[16];      /* [wireguardd] log-level: silent, error, verbose, debug */
	char log_file[SETTING_TEXT_MAX]; /* [wireguardd] log: a path */
	char cpu[16];            /* [wireguardd] cpu: auto, generic */
	char threads[16];        /* [wireguardd] threads */
	char affinity[16];       /* [wireguardd] affinity */
	char colour[16];         /* [show] colour: auto, always, never; used by wg, only checked here */
	char hide_keys[16];      /* [show] hide-keys: always, never; likewise */
	char names[16];          /* [show] names: auto, always, never; likewise */
};

/* Reports every wrong line of wgsuite.ini to d. False: there is one. */
must_check bool settings_check(struct span text, const char *path, struct diag *d);

/* Sets each member to what value() returns for its "section:key", "" where the key is not set. */
void settings_fill(struct settings *out, const char *(*value)(void *ctx, const char *name), void *ctx);

/* How long to wait for another wg-quick, in seconds. */
unsigned int settings_lock_timeout_s(const struct settings *s);
/* 0: no limit. */
unsigned int settings_dns_timeout_s(const struct settings *s);
/* How long the monitor leaves alone what another program removes again and again, in minutes. */
unsigned int settings_monitor_pause_min(const struct settings *s);

#endif
