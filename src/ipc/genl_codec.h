/* Encoder and decoder of the "wireguard" generic netlink family: the attributes after the netlink and generic netlink
 * headers, and the device model. It opens no sockets, so that it is tested and fuzzed without a kernel. */
#ifndef WG_GENL_CODEC_H
#define WG_GENL_CODEC_H

#include "model/model.h"

enum {
	GENL_PAYLOAD_MAX = 65000, /* bytes of attributes in one message; limited by the 16-bit length of a nest */
	GENL_PAYLOAD_MIN = 512,   /* enough for the device's own attributes and the largest peer without allowed IPs */
};

/* Encodes a patch message by message. A peer that does not fit is continued in the next message with its public key
 * and the rest of its allowed IPs. */
struct genl_encoder {
	const struct wg_device *patch;
	uint32_t peer, allowedip; /* the next ones to write */
	bool peer_begun;          /* all but its allowed IPs is encoded */
	bool device_done;         /* the device's own attributes are encoded */
	bool failed;              /* the patch cannot be encoded: an address has no family */
};
void genl_encoder_init(struct genl_encoder *e, const struct wg_device *patch);

/* Writes the attributes of the next message, at most cap (GENL_PAYLOAD_MIN to GENL_PAYLOAD_MAX) bytes. 0: the patch is
 * complete, or e->failed. A patch without changes is one message. */
must_check size_t genl_encode(struct genl_encoder *e, uint8_t *out, size_t cap);

/* Writes the attributes of a request for the device `name`, at most 20 bytes. */
must_check size_t genl_encode_get(uint8_t *out, const char *name);

/* Adds one message of a dump to *state. If the first peer of a message has the key of the last one before, its allowed
 * IPs are appended to that one's. Attributes that are unknown or of wrong length are skipped. 0, -EPROTO for a peer
 * without a key, an address without a family or a malformed nest, or -ENOMEM. */
must_check int genl_decode(struct wg_device *state, const uint8_t *p, size_t n);

/* Takes one attribute off the front of *p, *n. False at the end, or if the rest is malformed. */
struct genl_attr {
	uint16_t type; /* without the nested bit */
	const uint8_t *p;
	size_t n;
};
must_check bool genl_attr_next(struct genl_attr *a, const uint8_t **p, size_t *n);

/* Writes an attribute and returns its size with padding; the caller ensures the space. */
size_t genl_attr_put(uint8_t *out, uint16_t type, const void *value, size_t n);

#endif
