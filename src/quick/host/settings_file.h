/* Reads wgsuite.ini(5). */
#ifndef WG_QUICK_SETTINGS_FILE_H
#define WG_QUICK_SETTINGS_FILE_H

#include "quick/config/settings.h"

#define SETTINGS_PATH SYSCONFDIR "/wireguard/wgsuite.ini"

/* 0 or -errno after reporting to d. A file that does not exist or may not be read sets nothing. */
must_check int settings_load(struct settings *out, const char *path, struct diag *d);

#endif
