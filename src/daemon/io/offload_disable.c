/* The words of WG_NO_OFFLOAD. */
#include "offload_disable.h"

#include "base/span.h"

bool offload_disable_parse(unsigned int *disabled, const char *list)
{
	static const struct { const char *word; unsigned int bit; } words[] = {
		{ "vnet", OFFLOAD_NO_VNET },       { "tso", OFFLOAD_NO_TSO },
		{ "uso", OFFLOAD_NO_USO },         { "join", OFFLOAD_NO_JOIN },
		{ "segment", OFFLOAD_NO_SEGMENT }, { "gro", OFFLOAD_NO_GRO },
		{ "mmsg", OFFLOAD_NO_MMSG },       { "split", OFFLOAD_NO_SPLIT },
		{ "tunnel", OFFLOAD_NO_TUNNEL },   { "queues", OFFLOAD_NO_QUEUES },
	};
	struct span rest = { list, list ? strlen(list) : 0 }, word;

	*disabled = 0;
	while (span_next(&word, &rest, ',')) {
		size_t i = 0;
		while (i < ARRAY_LEN(words) && !span_is(word, words[i].word))
			i++;
		if (word.n > 0 && i == ARRAY_LEN(words))
			return false;
		*disabled |= word.n > 0 ? words[i].bit : 0;
	}
	return true;
}
