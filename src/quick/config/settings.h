/* The suite's own settings, SYSCONFDIR/wireguard/wgsuite.ini: man wgsuite.ini(5). Read by
 * iniparser; a wrong line is an error with its place, never a silent default. */
#ifndef WG_QUICK_SETTINGS_H
#define WG_QUICK_SETTINGS_H

#include "base/diag.h"

enum { SETTING_TEXT_MAX = 256 };

struct settings {
	char implementation[16]; /* [backend] implementation: auto, kernel, userspace */
	char program[SETTING_TEXT_MAX]; /* [backend] program */
	char dns[16];            /* [dns] backend: auto, resolved, resolvconf, file, none */
	char firewall[16];       /* [firewall] backend: auto, nft, iptables, none */
	char log_level[16];      /* [wireguardd] log-level: silent, error, verbose, debug */
	char cpu[16];            /* [wireguardd] cpu: auto, generic */
	char threads[16];        /* [wireguardd] threads */
	char colour[16];         /* [show] colour: auto, always, never; for wg, checked here */
	char hide_keys[16];      /* [show] hide-keys: always, never; likewise */
};

/* 0 (also when there is no such file: all empty), or -errno after reporting. */
must_check int settings_read(struct settings *out, const char *path, struct diag *d);

#endif
