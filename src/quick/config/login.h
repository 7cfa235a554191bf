/* Login sessions: which of them prove that this host can still be reached. */
#ifndef WG_QUICK_LOGIN_H
#define WG_QUICK_LOGIN_H

#include "base/addr.h"

enum { LOGIN_USER_MAX = 33 /* as in utmp(5), with NUL */ };

/* The sessions that count: later than this, of this user or of root. */
struct login_since {
	uint64_t real_ms;      /* Unix time; 0: none counts yet */
	uint64_t monotonic_ms; /* CLOCK_MONOTONIC */
	uint32_t uid;
	char user[LOGIN_USER_MAX]; /* "": the user has no name */
};

/* A session of another host. */
struct login {
	uint32_t uid;
	struct ip_addr from;
	uint64_t real_us;      /* when it began */
	uint64_t monotonic_us; /* 0: not known */
};

/* The file of a session, /run/systemd/sessions/N. False: it is not that of a session which another host, known by its address, has
 * opened completely and not begun to close; or it is no such file. */
must_check bool login_parse_session(struct login *out, struct span text);
/* ut_user and ut_addr_v6 of a record of utmp(5). ut_host does not count: any user can write it, as terminal emulators do. */
must_check bool login_parse_utmp(struct login *out, struct span user, const uint8_t address[16], const struct login_since *since);

/* now_ms: Unix time. A session whose only time is later than now began before the clock was set. */
bool login_counts(const struct login *l, const struct login_since *since, uint64_t now_ms);
/* "USER from ADDRESS" */
void login_print(struct text *t, const struct login *l, const struct login_since *since);

#endif
