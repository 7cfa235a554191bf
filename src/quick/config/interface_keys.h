/* The keys of [Interface] that wg-quick(8) adds to those of wg(8): Address, DNS, MTU, Table, SaveConfig and
 * the hooks PreUp, PostUp, PreDown and PostDown, and keys that only this implementation has: PrivateKeyFile, RouteMetric,
 * ExcludeIPs, KillSwitch, Netns, BindDevice and SourceAddress. */
#ifndef WG_QUICK_INTERFACE_KEYS_H
#define WG_QUICK_INTERFACE_KEYS_H

#include "address.h"
#include "base/prefix_set.h"
#include "bind_keys.h"
#include "dns_config.h"
#include "key_source.h"
#include "model/conf.h"
#include "netns_name.h"
#include "table_name.h"

enum hook_phase { HOOK_PRE_UP, HOOK_POST_UP, HOOK_PRE_DOWN, HOOK_POST_DOWN, HOOK_PHASES };

extern const char *const hook_phase_names[HOOK_PHASES]; /* the keys */

/* Which packets may leave outside the tunnels: all, none, or those to the local network. */
enum kill_switch_mode { KILL_SWITCH_OFF, KILL_SWITCH_ON, KILL_SWITCH_LAN };

enum table_kind { TABLE_AUTO, TABLE_OFF, TABLE_GIVEN };

/* A zeroed struct is a file without any of these keys. */
struct interface_keys {
	struct addresses addresses;
	struct dns_config dns;
	unsigned int mtu; /* 0: taken from the routes to the endpoints */
	enum table_kind table_kind;
	uint32_t table;   /* of TABLE_GIVEN */
	char *table_word; /* the table as written; owned; null: the file does not name one */
	struct prefix_set excluded; /* addresses without routes; normalized by tunnel_file_parse() */
	char netns[NETNS_NAME_MAX]; /* the network namespace of the interface; empty: the one of wg-quick */
	bool netns_is_option;       /* it is not the file's, but that of the option --netns */
	uint32_t route_metric; /* of the routes over the interface; 0: the kernel's default */
	struct string_list hooks[HOOK_PHASES];
	struct hook_positions { /* lines of the file, one for each hook */
		unsigned int *lines; /* owned */
		size_t cap;
	} positions[HOOK_PHASES];
	bool save_config;
	struct key_source private_key;
	enum kill_switch_mode kill_switch;
	struct bind_keys bind;
};
void interface_keys_free(struct interface_keys *k);

/* The number of the routing table that rt_tables calls this; false: no table has this name. */
typedef bool table_lookup(uint32_t *number, struct span name);

struct interface_keys_reader {
	struct interface_keys *keys;
	const char *file;          /* for messages */
	const char *folder, *interface; /* as in struct key_place */
	table_lookup *find_table;  /* null: main, default and local only, which are always found */
	bool no_memory;            /* a value was lost because memory ran out */
};

/* Reads one key of [Interface]; a wrong value is reported to d. False: wg-quick has no such key. */
must_check bool interface_keys_read(struct interface_keys_reader *r, const struct conf_extra *x, struct diag *d);

#endif
