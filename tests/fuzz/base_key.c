/* Keys in base64, compared with a simple decoder, and round trips in both encodings. Calls functions inside libwgproto, which has
 * no hexadecimal keys. */
#include <stdlib.h>
#include "base/mem.h"
#include "../lib/plain_base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n };
	uint8_t key[KEY_BYTES], plain[KEY_BYTES];
	char digits[KEY_HEX_CHARS + 1];
	bool ok = key_from_base64(key, text);

	if (ok != plain_base64(plain, text.p, n) || (ok && memcmp(key, plain, KEY_BYTES) != 0) ||
	    (!ok && !mem_is_zero_ct(key, KEY_BYTES)))
		abort();
	key_to_base64(digits, key);
	if (ok && memcmp(digits, text.p, KEY_BASE64_CHARS) != 0)
		abort();
	ok = key_from_hex(key, text);
	key_to_hex(digits, key);
	for (size_t i = 0; ok && i < KEY_HEX_CHARS; i++)
		if (digits[i] != ascii_lower(text.p[i]))
			abort();
	if (!ok && !mem_is_zero_ct(key, KEY_BYTES))
		abort();
	return 0;
}
