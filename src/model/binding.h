/* The binding of the outer UDP sockets of a tunnel, and its requests in the configuration protocol, which only wireguardd(8)
 * supports. They are separate requests, so that replies to get=1 contain only keys that every client knows, and other daemons
 * reject them as a whole. Pure. */
#ifndef WG_BINDING_H
#define WG_BINDING_H

#include "model.h"

/* A zeroed struct: not bound. */
struct wg_binding {
	char device[WG_NAME_MAX]; /* packets leave and arrive through it alone; empty: through any */
	struct ip_addr source[2]; /* IPv4, IPv6: the local address. With one of them, the other family has no sockets */
	bool may_be_missing;      /* in a request: also if these do not exist now */
};

bool binding_equal(const struct wg_binding *a, const struct wg_binding *b);
bool binding_is_empty(const struct wg_binding *b);
/* False: it has a local address, and none of this family. */
static inline bool binding_has_family(const struct wg_binding *b, bool v6)
{
	return b->source[v6].family != IP_NONE || b->source[!v6].family == IP_NONE;
}

/* That of all sockets; IP_NONE: both. */
uint8_t binding_family(const struct wg_binding *b);

/* Why an address cannot be a source; null: it can. */
const char *binding_source_refusal(const struct ip_addr *a);

/* "bind_device=" and "source_address=" lines, those that are not empty. */
void binding_print(struct text *t, const struct wg_binding *b);
/* One of these. 0; -ENOENT: another key; -EINVAL. */
must_check int binding_read(struct wg_binding *b, struct span key, struct span value);
/* All of a text, of which other lines are skipped. False: one of them is not valid. */
must_check bool binding_read_lines(struct wg_binding *b, struct span text);

#define BINDING_GET "get_binding=1" /* the first line of a request */
#define BINDING_SET "set_binding=1" /* replaces the whole binding */
void binding_print_set(struct text *t, const struct wg_binding *b);

/* Reads a complete reply to either. 0, or the -errno of the daemon; -EPROTO: it is not valid, or incomplete. b may be null. */
must_check int binding_read_reply(struct wg_binding *b, struct span text);

#endif
