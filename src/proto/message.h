/* The four messages on the wire (whitepaper 5.4.2-5.4.7): every field an array of bytes, so that a
 * struct lies over a datagram as it is. */
#ifndef WG_MESSAGE_H
#define WG_MESSAGE_H

#include "base/base.h"

enum wg_msg_type { MSG_INITIATION = 1, MSG_RESPONSE, MSG_COOKIE, MSG_DATA };

enum {
	MSG_INITIATION_BYTES = 148,
	MSG_RESPONSE_BYTES = 92,
	MSG_COOKIE_BYTES = 64,
	MSG_DATA_HEADER_BYTES = 16,
	MSG_DATA_MIN_BYTES = 32, /* a keepalive: header and tag */
	MSG_MACS_BYTES = 32,     /* mac1 and mac2 end both handshake messages */
	TAG_BYTES = 16,
	TAI64N_BYTES = 12,
};

struct msg_initiation {
	uint8_t type[4];
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

_Static_assert(sizeof(struct msg_initiation) == MSG_INITIATION_BYTES, "initiation");
_Static_assert(sizeof(struct msg_response) == MSG_RESPONSE_BYTES, "response");
_Static_assert(sizeof(struct msg_cookie) == MSG_COOKIE_BYTES, "cookie reply");
_Static_assert(sizeof(struct msg_data) == MSG_DATA_HEADER_BYTES, "data header");

struct wg_msg {
	enum wg_msg_type type;
	union {
		const struct msg_initiation *initiation;
		const struct msg_response *response;
		const struct msg_cookie *cookie;
		const struct msg_data *data;
	};
};

/* By type (all four bytes of it) and exact length; data is 32 bytes or longer. False: no message. */
must_check bool msg_parse(struct wg_msg *out, const uint8_t *p, size_t n);

void msg_data_header(uint8_t *out, uint32_t receiver, uint64_t counter); /* MSG_DATA_HEADER_BYTES */

#endif
