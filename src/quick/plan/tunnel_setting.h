/* The settings of a tunnel that are compared with its file, one by one, as text for the journal. */
#ifndef WG_QUICK_TUNNEL_SETTING_H
#define WG_QUICK_TUNNEL_SETTING_H

#include "quick/config/tunnel_file.h"

enum tunnel_setting_kind {
	SETTING_PRIVATE_KEY,
	SETTING_LISTEN_PORT,
	SETTING_FWMARK,
	SETTING_LINK,          /* the MTU, and whether the link is up */
	SETTING_DNS,
	/* Of one address, route or address family: */
	SETTING_ADDRESS,       /* whether it exists */
	SETTING_ROUTE,         /* likewise */
	SETTING_DEFAULT_ROUTE, /* the policy routing of the family */
	SETTING_FIREWALL,      /* the rules of the family */
	/* Of one peer: */
	SETTING_PEER,          /* whether it exists */
	SETTING_PSK,
	SETTING_KEEPALIVE,
	SETTING_ENDPOINT,
	SETTING_ALLOWEDIPS,
	SETTING_KINDS
};

struct tunnel_setting {
	enum tunnel_setting_kind kind;
	union {
		struct wg_public peer;
		struct interface_address address;
		struct { struct ip_prefix prefix; uint32_t table; } route;
		uint8_t family;
	};
};

enum { TUNNEL_SETTING_TEXT_MAX = 192 };

extern const char *const tunnel_setting_names[SETTING_KINDS];
/* What it is a setting of, with a blank before it; nothing for the settings of the whole tunnel. */
void tunnel_setting_print_subject(struct text *t, const struct tunnel_setting *s);
/* The reverse, without the blank; s->kind is set. */
must_check bool tunnel_setting_parse_subject(struct tunnel_setting *s, struct span subject);

#endif
