/* The login sessions of this host, read from the files of systemd-logind or from utmp(5). */
#ifndef WG_QUICK_LOGINS_H
#define WG_QUICK_LOGINS_H

#include "quick/config/login.h"

/* Finds a session that counts: of systemd-logind, or of utmp(5) where that does not run. False: no session counts. */
must_check bool logins_find(struct login *found, const struct login_since *since);
/* The user whose sessions count: the caller of wg-quick. */
void logins_set_user(struct login_since *since);

#endif
