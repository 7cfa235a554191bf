/* A run of base64 characters is suspicious from about half the length of a key. */
#include "secret.h"

enum { KEY_LIKE_CHARS = 24 };

bool text_may_be_key(struct span text)
{
	size_t run = 0;

	for (size_t i = 0; i < text.n && run < KEY_LIKE_CHARS; i++) {
		char c = text.p[i], l = ascii_lower(c);
		bool is_base64 = (l >= 'a' && l <= 'z') || ascii_is_digit(c) || c == '+' || c == '/';
		if (!ascii_is_blank(c))
			run = is_base64 ? run + 1 : 0;
	}
	return run >= KEY_LIKE_CHARS;
}
