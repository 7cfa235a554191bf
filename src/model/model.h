/* The model of a WireGuard device that files, command lines and both protocols are translated to and from. The same
 * structs represent a *state* (a device's configuration and counters; from ipc_get, uapi_read_reply) and a *patch*
 * (changes; from conf_read, `wg set`, sync_diff; for ipc_set and the daemon). Presence bits mark the fields that are set. A
 * zeroed struct is empty and may be freed. */
#ifndef WG_MODEL_H
#define WG_MODEL_H

#include "base/addr.h"
#include "base/key.h"

enum { WG_NAME_MAX = 16 }; /* an interface name with its NUL: IFNAMSIZ */

enum wg_device_flag {
	WG_DEVICE_HAS_PRIVATE_KEY = 1 << 0, /* in a patch: zeros remove it */
	WG_DEVICE_HAS_PUBLIC_KEY = 1 << 1,  /* states only */
	WG_DEVICE_HAS_LISTEN_PORT = 1 << 2,
	WG_DEVICE_HAS_FWMARK = 1 << 3,
	WG_DEVICE_REPLACE_PEERS = 1 << 4, /* patches only */
};

enum wg_peer_flag {
	WG_PEER_HAS_PUBLIC_KEY = 1 << 0,
	WG_PEER_HAS_PSK = 1 << 1, /* in a patch: zeros remove it */
	WG_PEER_HAS_ENDPOINT = 1 << 2,
	WG_PEER_HAS_KEEPALIVE = 1 << 3,
	WG_PEER_REMOVE = 1 << 4,             /* patches only, with the next three */
	WG_PEER_UPDATE_ONLY = 1 << 5,        /* change the peer if it exists; do not create it */
	WG_PEER_REPLACE_ALLOWEDIPS = 1 << 6,
	WG_PEER_HAS_HOST = 1 << 7,           /* `host` is still to be resolved to `endpoint` */
};

enum wg_allowedip_flag {
	WG_ALLOWEDIP_REMOVE = 1 << 0, /* patches only: remove it if this peer has it */
};

struct wg_allowedip {
	struct ip_prefix prefix;
	uint8_t flags; /* enum wg_allowedip_flag */
};

struct wg_peer {
	uint32_t flags; /* enum wg_peer_flag */
	uint16_t keepalive_s; /* persistent keepalive; 0: off */
	struct wg_public public_key;
	struct wg_psk psk;
	struct ip_endpoint endpoint;
	char *host; /* "name:port" as written, or a list (struct conf_options); owned; null unless WG_PEER_HAS_HOST */
	char *name; /* from a comment ("# Name = laptop"), owned; null: none */
	struct wg_allowedip *allowedips; /* owned */
	uint32_t n_allowedips, cap_allowedips;
	uint32_t line; /* of its section in the file, for messages; 0: none */
	/* states only */
	uint32_t handshake_ns;
	uint64_t handshake_s; /* Unix time of the latest handshake; 0: never */
	uint64_t rx_bytes, tx_bytes;
};

/* What a device can have: the kernel's limit of peers, and a bound on their allowed IPs. */
enum { WG_PEERS_MAX = 1 << 20, WG_ALLOWEDIPS_MAX = 1 << 22 };

struct wg_device {
	uint32_t flags; /* enum wg_device_flag */
	char name[WG_NAME_MAX];
	uint32_t ifindex; /* 0: unknown (userspace) */
	uint32_t fwmark;
	uint16_t listen_port;
	struct wg_private private_key;
	struct wg_public public_key;
	struct wg_peer *peers; /* owned, in the device's order */
	uint32_t n_peers, cap_peers;
};

/* Free and wipe everything the struct owns, and zero it. */
void device_free(struct wg_device *d);
void peer_free(struct wg_peer *p);

/* Append an empty element; null: out of memory. The pointer is valid until the next append. */
must_check struct wg_peer *device_add_peer(struct wg_device *d);
must_check struct wg_allowedip *peer_add_allowedip(struct wg_peer *p);

/* Deep copies. False: out of memory; *out is empty. */
must_check bool device_copy(struct wg_device *out, const struct wg_device *d);
must_check bool peer_copy(struct wg_peer *out, const struct wg_peer *p);

/* A hash table of a device's peers by public key, valid until the peers change. The hash is not keyed, because the keys
 * come from the administrator. */
struct peer_index {
	uint32_t *slots; /* index of the peer + 1; 0: empty */
	uint32_t mask;
};
must_check bool peer_index_build(struct peer_index *x, const struct wg_device *d);
/* The last peer of the device with this key, or null. */
struct wg_peer *peer_index_find(const struct peer_index *x, const struct wg_device *d,
				const struct wg_public *key);
void peer_index_free(struct peer_index *x);

/* True if a device stores both as the same key: it clamps them (RFC 7748, section 5). */
must_check bool private_key_equal(const struct wg_private *a, const struct wg_private *b);

/* 1-15 characters of [a-zA-Z0-9_=+.-], but not "." or "..", as wg-quick requires. */
must_check bool device_name_is_valid(struct span name);

#endif
