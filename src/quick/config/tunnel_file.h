/* A tunnel file, as wg-quick reads it: what wg(8) reads (model/conf.h), and the keys that only
 * wg-quick(8) knows. Pure: the text and every look-up come from the caller (host/tunnel_file_load.h). */
#ifndef WG_QUICK_TUNNEL_FILE_H
#define WG_QUICK_TUNNEL_FILE_H

#include "interface_keys.h"
#include "peer_keys.h"

/* Text that `strip` leaves out. */
struct tunnel_file_cut {
	struct span part; /* of the file's text */
	bool line;        /* the newline after it as well */
};

struct tunnel_file {
	char name[WG_NAME_MAX];
	char *path; /* with symbolic links resolved; owned */
	char *folder; /* of the paths of keys; owned; null: the current one */
	char *text; /* the contents, with those of drop-ins; owned, wiped when freed */
	size_t n_text;
	bool without_drop_ins;        /* input: they are not read */
	bool regular_only;            /* input: a FIFO or a device is refused, so that nobody waits for its other end */
	struct string_list drop_ins;  /* paths, in order */
	struct conf_origins *origins; /* of the lines of the text; owned; null: there are no drop-ins */
	uint64_t changed_ns; /* when the file was last changed, in Unix time; 0: not known */
	bool lines_only; /* input: peers are checked but not kept */
	struct wg_device device; /* a patch, with the name set */
	struct interface_keys interface;
	struct peer_keys *peers; /* of each peer of the device; owned */
	size_t n_peers, cap_peers;
	bool has_key_sources;      /* some keys are not in the file */
	struct wg_device disabled; /* peers that are not configured */
	struct tunnel_file_cut *cuts; /* in ascending order; owned */
	size_t n_cuts, cap_cuts;
};
void tunnel_file_free(struct tunnel_file *f);

/* The interface name of `wg0`, `./wg0.conf` or `/path/wg0.conf`; false: it is not a valid one. */
must_check bool tunnel_file_name_of(char name[WG_NAME_MAX], const char *argument);

/* Names that only the host can resolve; a null member resolves none. */
struct tunnel_file_lookups {
	const struct ip_scopes *scopes;                         /* zones of IPv6 addresses */
	bool (*service)(uint16_t *port, struct span name);      /* ports */
	table_lookup *table;                                    /* routing tables */
};
/* Parses f->text; name, path, text, n_text and lines_only are set. 0, or after reporting to d: -EINVAL,
 * -ENOKEY (the only mistake is peers without a key) or -ENOMEM. */
must_check int tunnel_file_parse(struct tunnel_file *f, const struct tunnel_file_lookups *lookups, struct diag *d);

/* Where a line of the merged text is. file: null for the tunnel file itself. */
struct diag_at tunnel_file_line_at(const struct tunnel_file *f, unsigned int line);
/* Where a hook is. file: null for the tunnel file itself. */
struct diag_at tunnel_file_hook_at(const struct tunnel_file *f, enum hook_phase phase, size_t i);

/* Default routes have policy rules and a separate table. Not so in a network namespace of the tunnel, outside of which the encrypted
 * packets are sent. */
bool tunnel_file_has_policy_routing(const struct tunnel_file *f);
/* The table for routes that are not default routes; 0: the file wants none. */
uint32_t tunnel_file_table(const struct tunnel_file *f);

/* Removes from the text of a file that was parsed with lines_only all that wg(8) does not understand. */
void tunnel_file_strip(struct tunnel_file *f);
/* Discards all that was parsed, so that the text can be parsed again. */
void tunnel_file_discard(struct tunnel_file *f);

#endif
