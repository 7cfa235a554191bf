/* Whether a reload cuts the path of the SSH session in which it is run. Pure: from the tunnel file,
 * the state of the host, and the routes outside the tunnel. */
#ifndef WG_QUICK_SESSION_PATH_H
#define WG_QUICK_SESSION_PATH_H

#include "diff_input.h"

struct ssh_session {
	struct ip_addr client, server;
	struct routes outside; /* those of the main table of this family, over other links */
};
/* SSH_CONNECTION: "CLIENT PORT SERVER PORT", the addresses perhaps with a zone. */
must_check bool ssh_session_parse(struct ssh_session *s, struct span text);
void ssh_session_free(struct ssh_session *s);

enum session_end {
	SESSION_KEPT,
	SESSION_ADDRESS_REMOVED,   /* the address of this host that the client is connected to */
	SESSION_NOT_ALLOWED,       /* no peer may send packets from the client's address any more */
	SESSION_OTHER_PEER,        /* another peer than that of the client has its address */
	SESSION_OTHER_ENDPOINT,    /* the peer that the client is behind gets another endpoint */
	SESSION_OTHER_KEY,         /* this host, or the session with that peer, has another key */
	SESSION_LEAVES_TUNNEL,     /* replies leave outside the tunnel that the session comes through */
	SESSION_ENTERS_TUNNEL,     /* replies enter the tunnel, and the session does not come through it */
	SESSION_KILLED,            /* replies are rejected by the kill switch */
};
/* 0 or -ENOMEM. */
must_check int ssh_session_judge(enum session_end *end, const struct ssh_session *s, const struct diff_input *in);
/* "replies to 192.0.2.7 would enter the tunnel" */
void ssh_session_describe(struct text *t, const struct ssh_session *s, enum session_end end);

#endif
