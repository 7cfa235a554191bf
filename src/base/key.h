/* Keys, typed by what they are for, and their two spellings.
 * Base64 (44 characters ending in '=', RFC 4648, canonical) in files and on command lines, hex (64
 * digits) on the UAPI socket. Both ways take time that does not depend on the key's bytes. */
#ifndef WG_KEY_H
#define WG_KEY_H

#include "span.h"

enum {
	KEY_BYTES = 32,
	KEY_BASE64_CHARS = 44,
	KEY_HEX_CHARS = 64,
};

struct wg_private { uint8_t b[KEY_BYTES]; }; /* Curve25519 scalar; all zero: none */
struct wg_public  { uint8_t b[KEY_BYTES]; }; /* Curve25519 u-coordinate */
struct wg_psk     { uint8_t b[KEY_BYTES]; }; /* pre-shared key; all zero: none */
struct wg_shared  { uint8_t b[KEY_BYTES]; }; /* a Diffie-Hellman result */
struct wg_sym     { uint8_t b[KEY_BYTES]; }; /* an AEAD key */
struct wg_hash    { uint8_t b[KEY_BYTES]; }; /* a BLAKE2s-256 digest or chaining key */

/* Writes the characters and a NUL. */
void key_to_base64(char out[KEY_BASE64_CHARS + 1], const uint8_t key[KEY_BYTES]);
void key_to_hex(char out[KEY_HEX_CHARS + 1], const uint8_t key[KEY_BYTES]);

/* False, and out all zero, unless text is exactly one canonical key. Hex of either case. */
must_check bool key_from_base64(uint8_t out[KEY_BYTES], struct span text);
must_check bool key_from_hex(uint8_t out[KEY_BYTES], struct span text);

#endif
