/* What a tunnel file asks for: the wg level (model/conf.c) and the keys that only wg-quick knows.
 * reference/wg-behaviour.md B2 and B3. */
#ifndef WG_QUICK_FILE_H
#define WG_QUICK_FILE_H

#include "base/diag.h"
#include "model/model.h"
#include "base/vector.h"

/* One address of the interface: "10.0.0.1/24", "fd00::1", or "10.0.0.1 peer 10.0.0.2/32". */
struct quick_address {
	struct ip_addr local;
	struct ip_addr peer; /* IP_NONE: none */
	uint8_t bits;
	bool bare; /* no "/bits" was written */
};
bool address_equal(const struct quick_address *a, const struct quick_address *b);
void address_print(struct text *t, const struct quick_address *a);
/* The prefix that the kernel makes a route for when the link is up. */
struct ip_prefix address_prefix(const struct quick_address *a);

struct addresses {
	struct quick_address *list;
	size_t n, cap;
};
must_check bool addresses_add(struct addresses *a, const struct quick_address *one);
bool addresses_have(const struct addresses *a, const struct quick_address *one);
void addresses_free(struct addresses *a);
/* The words "A", "A/B" or "A peer C/B" at the front of *rest, separated by commas and blanks.
 * 1: one was read; 0: nothing was left; -1: *bad is no address. */
must_check int address_next(struct quick_address *out, struct span *rest, struct span *bad);

/* Name servers and search domains; "~domain" is asked of these servers only, and nothing else is.
 */
struct dns_config {
	struct string_list servers, domains; /* servers are numeric, as inet_ntop(3) prints them */
};
void dns_config_free(struct dns_config *d);
bool dns_config_equal(const struct dns_config *a, const struct dns_config *b);
must_check bool dns_config_copy(struct dns_config *to, const struct dns_config *from); /* appends */

enum hook_phase { HOOK_PRE_UP, HOOK_POST_UP, HOOK_PRE_DOWN, HOOK_POST_DOWN, HOOK_PHASES };

enum table_kind { TABLE_AUTO, TABLE_OFF, TABLE_GIVEN };

enum { TABLE_MAIN = 254 };

/* Where its routes go when they are no default routes; 0: there are none. */
struct tunnel_file;
uint32_t tunnel_file_table(const struct tunnel_file *f);

struct tunnel_file_cut {
	struct span part; /* of the text */
	bool line;        /* and the newline after it */
};

struct tunnel_file {
	char name[WG_NAME_MAX];
	char *path; /* of the file itself, links followed; owned */
	char *text; /* its contents; owned, wiped */
	size_t n_text;
	bool lines_only; /* set before tunnel_file_read(): the peers are checked and forgotten */
	struct wg_device device; /* a patch; the name is set */
	struct addresses addresses;
	struct dns_config dns;
	unsigned int mtu; /* 0: to be found out */
	enum table_kind table_kind;
	uint32_t table; /* of TABLE_GIVEN */
	char *table_word; /* as written; owned; null: none */
	struct string_list hooks[HOOK_PHASES];
	bool save_config;
	struct tunnel_file_cut *cuts; /* what wg does not see, rising; owned */
	size_t n_cuts, cap_cuts;
};

/* Name and path of `wg0` or `./wg0.conf`. False (reported on stderr) when there is no such file or
 * its name is no interface name. Warns when everybody may read it. */
must_check bool tunnel_file_find(struct tunnel_file *f, const char *argument);
/* The name alone, for tunnels that are known without their file; false: no interface name. */
must_check bool tunnel_file_name_of(char name[WG_NAME_MAX], const char *argument);
/* 0, -EACCES (not reported), or another -errno (reported to d). */
must_check int tunnel_file_read(struct tunnel_file *f, struct diag *d);
/* The same for a file that was read with lines_only: now whole. */
must_check int tunnel_file_read_again(struct tunnel_file *f, struct diag *d);
void tunnel_file_free(struct tunnel_file *f);

/* Takes from the text of a file that was read with lines_only what is not for wg(8). */
void tunnel_file_strip(struct tunnel_file *f);
must_check bool tunnel_file_cut(struct tunnel_file *f, struct span part, bool line);

/* True when the hooks of this file may be run by us: nobody else can have written them. */
must_check bool tunnel_file_hooks_are_safe(const struct tunnel_file *f);

#endif
