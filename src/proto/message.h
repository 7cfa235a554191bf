/* The four messages on the wire (whitepaper sections 5.4.2, 5.4.3, 5.4.6 and 5.4.7). Every field is
 * an array of bytes and every integer in it is little-endian, so a struct can be laid over a
 * datagram of any alignment. */
#ifndef WG_MESSAGE_H
#define WG_MESSAGE_H

#include "base/base.h"

enum wg_msg_type { MSG_INITIATION = 1, MSG_RESPONSE, MSG_COOKIE, MSG_DATA };

enum {
	MSG_INITIATION_BYTES = 148,
	MSG_RESPONSE_BYTES = 92,
	MSG_COOKIE_BYTES = 64,
	MSG_DATA_HEADER_BYTES = 16,
	MSG_DATA_MIN_BYTES = 32, /* a keepalive: header and tag of an empty packet */
	MSG_MACS_BYTES = 32,     /* mac1 and mac2, the end of both handshake messages */
	TAG_BYTES = 16,
	TAI64N_BYTES = 12,       /* be64 seconds, be32 nanoseconds */
};

struct msg_initiation {
	uint8_t type[4]; /* the type in byte 0; the three reserved bytes must be zero */
	uint8_t sender[4];
	uint8_t ephemeral[32];
	uint8_t sealed_static[32 + TAG_BYTES];
	uint8_t sealed_timestamp[TAI64N_BYTES + TAG_BYTES];
	uint8_t mac1[16], mac2[16];
};

struct msg_response {
	uint8_t type[4];
	uint8_t sender[4];
	uint8_t receiver[4];
	uint8_t ephemeral[32];
	uint8_t sealed_empty[TAG_BYTES];
	uint8_t mac1[16], mac2[16];
};

struct msg_cookie {
	uint8_t type[4];
	uint8_t receiver[4];
	uint8_t nonce[24];
	uint8_t sealed_cookie[16 + TAG_BYTES];
};

struct msg_data { /* the ciphertext and its tag follow */
	uint8_t type[4];
	uint8_t receiver[4];
	uint8_t counter[8];
};

#define WIRE_OFFSET(message, field, at) \
	_Static_assert(offsetof(struct message, field) == (at), #message "." #field)

_Static_assert(sizeof(struct msg_initiation) == MSG_INITIATION_BYTES, "initiation");
_Static_assert(_Alignof(struct msg_initiation) == 1, "initiation");
WIRE_OFFSET(msg_initiation, type, 0);
WIRE_OFFSET(msg_initiation, sender, 4);
WIRE_OFFSET(msg_initiation, ephemeral, 8);
WIRE_OFFSET(msg_initiation, sealed_static, 40);
WIRE_OFFSET(msg_initiation, sealed_timestamp, 88);
WIRE_OFFSET(msg_initiation, mac1, MSG_INITIATION_BYTES - MSG_MACS_BYTES);
WIRE_OFFSET(msg_initiation, mac2, 132);

_Static_assert(sizeof(struct msg_response) == MSG_RESPONSE_BYTES, "response");
_Static_assert(_Alignof(struct msg_response) == 1, "response");
WIRE_OFFSET(msg_response, type, 0);
WIRE_OFFSET(msg_response, sender, offsetof(struct msg_initiation, sender)); /* for cookie_make_replies */
WIRE_OFFSET(msg_response, receiver, 8);
WIRE_OFFSET(msg_response, ephemeral, 12);
WIRE_OFFSET(msg_response, sealed_empty, 44);
WIRE_OFFSET(msg_response, mac1, MSG_RESPONSE_BYTES - MSG_MACS_BYTES);
WIRE_OFFSET(msg_response, mac2, 76);

_Static_assert(sizeof(struct msg_cookie) == MSG_COOKIE_BYTES, "cookie reply");
_Static_assert(_Alignof(struct msg_cookie) == 1, "cookie reply");
WIRE_OFFSET(msg_cookie, type, 0);
WIRE_OFFSET(msg_cookie, receiver, 4);
WIRE_OFFSET(msg_cookie, nonce, 8);
WIRE_OFFSET(msg_cookie, sealed_cookie, 32);

_Static_assert(sizeof(struct msg_data) == MSG_DATA_HEADER_BYTES, "data header");
_Static_assert(_Alignof(struct msg_data) == 1, "data header");
_Static_assert(MSG_DATA_MIN_BYTES == MSG_DATA_HEADER_BYTES + TAG_BYTES, "keepalive");
WIRE_OFFSET(msg_data, type, 0);
WIRE_OFFSET(msg_data, receiver, 4);
WIRE_OFFSET(msg_data, counter, 8);

#undef WIRE_OFFSET

struct wg_msg { /* a parsed message: points into the datagram */
	enum wg_msg_type type;
	union {
		const struct msg_initiation *initiation;
		const struct msg_response *response;
		const struct msg_cookie *cookie;
		const struct msg_data *data;
	};
};

/* Matches all four bytes of the type and the exact length; a data message has 32 bytes or more.
 * Authenticates nothing. False: not a WireGuard message. */
must_check bool msg_parse(struct wg_msg *out, const uint8_t *p, size_t n);

void msg_data_header(uint8_t *out, uint32_t receiver, uint64_t counter); /* writes MSG_DATA_HEADER_BYTES */

#endif
