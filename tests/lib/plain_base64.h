/* A base64 decoder with a table and branches, the reference for the constant-time one. */
#ifndef TESTS_PLAIN_BASE64_H
#define TESTS_PLAIN_BASE64_H

#include "base/key.h"

static const char plain_base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline bool plain_base64(uint8_t out[KEY_BYTES], const char *text, size_t n)
{
	uint8_t bytes[KEY_BYTES + 1];
	uint32_t bits = 0;
	size_t at = 0;

	if (n != KEY_BASE64_CHARS || text[n - 1] != '=')
		return false;
	for (size_t i = 0; i < n - 1; i++) {
		const char *digit = text[i] ? strchr(plain_base64_digits, text[i]) : NULL;
		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - plain_base64_digits);
		if (i % 4 == 3) {
			bytes[at++] = (uint8_t)(bits >> 16);
			bytes[at++] = (uint8_t)(bits >> 8);
			bytes[at++] = (uint8_t)bits;
			bits = 0;
		}
	}
	bytes[at++] = (uint8_t)(bits >> 10);
	bytes[at++] = (uint8_t)(bits >> 2);
	if (bits & 3)
		return false; /* not canonical */
	memcpy(out, bytes, KEY_BYTES);
	return true;
}

#endif
