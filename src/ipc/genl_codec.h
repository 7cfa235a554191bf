/* Bytes ↔ model of the kernel's "wireguard" family: the attributes that follow the netlink and generic
 * netlink headers. Pure: no sockets, so it is tested and fuzzed without a kernel. */
#ifndef WG_GENL_CODEC_H
#define WG_GENL_CODEC_H

#include "model/model.h"

enum {
	GENL_PAYLOAD_MAX = 65000, /* attributes of one message: what still fits a nest's 16-bit length */
	GENL_PAYLOAD_MIN = 512,   /* room for a device's own attributes and the largest peer without ips */
};

/* A patch on its way out, message by message. What does not fit goes to the next one: a peer that is
 * cut goes on there with its public key and the rest of its allowed-ips. */
struct genl_encoder {
	const struct wg_device *patch;
	uint32_t peer, allowedip; /* the next ones to write */
	bool peer_begun;          /* its attributes are out, only allowed-ips are left */
	bool device_done;         /* the device's own attributes are out */
	bool failed;              /* the patch cannot be said in this family (an address of no family) */
};
void genl_encoder_init(struct genl_encoder *e, const struct wg_device *patch);

/* The attributes of the next message, at most cap (GENL_PAYLOAD_MIN to GENL_PAYLOAD_MAX) bytes.
 * 0: the patch is out, or e->failed. A patch without changes still gives one message. */
must_check size_t genl_encode(struct genl_encoder *e, uint8_t *out, size_t cap);

/* The attributes that ask for the device `name`: at least 20 bytes of room. */
must_check size_t genl_encode_get(uint8_t *out, const char *name);

/* Adds one message of a dump to *state; the first peer of a message that has the key of the last one
 * before it goes on with its allowed-ips. Unknown attributes and such of wrong length are skipped.
 * 0, -EPROTO for a peer without key, an address without family or a broken nest, or -ENOMEM. */
must_check int genl_decode(struct wg_device *state, const uint8_t *p, size_t n);

/* One attribute off the front of *p, *n: false at the end or when what follows is broken. */
struct genl_attr {
	uint16_t type; /* without the nested bit */
	const uint8_t *p;
	size_t n;
};
must_check bool genl_attr_next(struct genl_attr *a, const uint8_t **p, size_t *n);

/* Appends an attribute; room is the caller's matter. Returns its whole size, padded. */
size_t genl_attr_put(uint8_t *out, uint16_t type, const void *value, size_t n);

#endif
