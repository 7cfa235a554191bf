/* Buffers of rtnetlink messages with arbitrary bytes, read as events of a link and of routes. */
#include "daemon/control/link.h"
#include "daemon/control/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_state any = { .ifindex = 0 }, seven = { .ifindex = 7 };

	if (link_parse_events(&any, data, size) != LINK_EVENT_NONE && any.name[sizeof any.name - 1] != '\0')
		__builtin_trap();
	if (link_parse_events(&seven, data, size) != LINK_EVENT_NONE && seven.ifindex != 7)
		__builtin_trap();
	(void)routes_affect_paths(data, size, 7);
	return 0;
}
