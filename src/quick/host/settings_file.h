/* Reads wgsuite.ini(5), SYSCONFDIR/wireguard/wgsuite.ini. */
#ifndef WG_QUICK_SETTINGS_FILE_H
#define WG_QUICK_SETTINGS_FILE_H

#include "quick/config/settings.h"

/* 0 or -errno after reporting to d. A file that does not exist or may not be read sets nothing. */
must_check int settings_load(struct settings *out, const char *path, struct diag *d);

#endif
