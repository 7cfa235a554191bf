/* Keys, with a type for each purpose, and their two encodings: canonical base64 (RFC 4648; 44 characters, the last is
 * '=') in files and on command lines, and 64 hexadecimal digits on the UAPI socket. Encoding and decoding take constant
 * time: it does not depend on the bytes of the key. */
#ifndef WG_KEY_H
#define WG_KEY_H

#include "span.h"

enum {
	KEY_BYTES = 32,
	KEY_BASE64_CHARS = 44,
	KEY_HEX_CHARS = 64,
};

struct wg_private { uint8_t b[KEY_BYTES]; }; /* Curve25519 scalar; all zero: no key */
struct wg_public  { uint8_t b[KEY_BYTES]; }; /* Curve25519 u-coordinate */
struct wg_psk     { uint8_t b[KEY_BYTES]; }; /* preshared key; all zero: no key */
struct wg_shared  { uint8_t b[KEY_BYTES]; }; /* Diffie-Hellman result */
struct wg_sym     { uint8_t b[KEY_BYTES]; }; /* AEAD key */
struct wg_hash    { uint8_t b[KEY_BYTES]; }; /* BLAKE2s-256 digest or chaining key */

/* They are copied to and from messages as plain bytes. */
_Static_assert(sizeof(struct wg_private) == KEY_BYTES && sizeof(struct wg_public) == KEY_BYTES &&
	       sizeof(struct wg_psk) == KEY_BYTES && sizeof(struct wg_shared) == KEY_BYTES &&
	       sizeof(struct wg_sym) == KEY_BYTES && sizeof(struct wg_hash) == KEY_BYTES, "keys have no padding");

/* These write a terminating NUL. */
void key_to_base64(char out[KEY_BASE64_CHARS + 1], const uint8_t key[KEY_BYTES]);
void key_to_hex(char out[KEY_HEX_CHARS + 1], const uint8_t key[KEY_BYTES]);

/* False, and out is all zero, unless text is exactly one key in canonical form. Hex digits may have either case. */
must_check bool key_from_base64(uint8_t out[KEY_BYTES], struct span text);
must_check bool key_from_hex(uint8_t out[KEY_BYTES], struct span text);

#endif
