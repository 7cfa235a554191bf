/* Names of network namespaces. */
#include "netns_name.h"

#include "base/text.h"

bool netns_name_is_valid(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = ascii_lower(name.p[i]);
		bool is_word = ascii_is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
		if (!is_word && (i == 0 || (c != '.' && c != '-' && c != '+')))
			return false;
	}
	return name.n > 0 && name.n < NETNS_NAME_MAX;
}
