/* Keys: text, and public keys of private ones. */
#include "base/mem.h"
#include "crypto/crypto.h"
#include "guard.h"

enum wgproto_result wgproto_key_from_text(void *out, size_t out_bytes, const char *text)
{
	uint8_t key[KEY_BYTES];
	bool ok;

	if (!out || out_bytes != KEY_BYTES || !text)
		return WGPROTO_INVALID;
	ok = key_from_base64(key, span_of(text));
	if (ok)
		memcpy(out, key, sizeof key);
	mem_wipe(key, sizeof key);
	return ok ? WGPROTO_OK : WGPROTO_INVALID;
}

enum wgproto_result wgproto_key_to_text(char *out, size_t out_bytes, const void *key, size_t key_bytes)
{
	if (!out || out_bytes < WGPROTO_KEY_TEXT_BYTES || !key || key_bytes != KEY_BYTES)
		return WGPROTO_INVALID;
	key_to_base64(out, key);
	return WGPROTO_OK;
}

enum wgproto_result wgproto_key_clamp(void *key, size_t key_bytes)
{
	if (!key || key_bytes != KEY_BYTES)
		return WGPROTO_INVALID;
	x25519_clamp(key);
	return WGPROTO_OK;
}

/* A call without an instance. */
enum wgproto_result wgproto_key_public(void *out, size_t out_bytes, const void *private_key, size_t key_bytes)
{
	struct guard guard = { .blocks = NULL };
	struct wg_private private;
	struct call call;

	if (!out || out_bytes != KEY_BYTES || !private_key || key_bytes != KEY_BYTES)
		return WGPROTO_INVALID;
	crypto_choose(&guard.impls, cpu_features());
	WITHIN(&call, &guard, true) {
		struct wg_public public;

		memcpy(&private, private_key, sizeof private);
		x25519_public(&public, &private);
		memcpy(out, &public, sizeof public);
	}
	mem_wipe(&private, sizeof private);
	return call_end(&call);
}

void wgproto_wipe(void *p, size_t n)
{
	if (p)
		mem_wipe(p, n);
}
