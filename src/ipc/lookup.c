/* if_nametoindex(3), if_indextoname(3) and getservbyname_r(3). */
#include "lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>

static bool scope_index(uint32_t *index, struct span name)
{
	char text[IF_NAMESIZE];

	if (name.n == 0 || name.n >= sizeof text)
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	*index = if_nametoindex(text);
	return *index != 0;
}

static bool scope_name(char name[16], uint32_t index)
{
	return if_indextoname(index, name) != NULL;
}

const struct ip_scopes ipc_scopes = { .index_of = scope_index, .name_of = scope_name };

enum { SERVICE_LINE_MAX = 1 << 20 };

bool ipc_service(uint16_t *port, struct span name)
{
	struct servent entry, *found = NULL;
	char text[256], *buffer = NULL, *larger;
	int rc = ERANGE;

	if (name.n == 0 || name.n >= sizeof text)
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	/* The lookup fails as a whole if any line of /etc/services exceeds the buffer. */
	for (size_t bytes = 1024; rc == ERANGE && bytes <= SERVICE_LINE_MAX; bytes *= 4) {
		larger = realloc(buffer, bytes);
		if (!larger)
			break;
		buffer = larger;
		rc = getservbyname_r(text, "udp", &entry, buffer, bytes, &found);
	}
	if (rc == 0 && found)
		*port = ntohs((uint16_t)found->s_port);
	free(buffer);
	return rc == 0 && found;
}

struct span ipc_without_sign(struct span s)
{
	while (s.n > 0 && ascii_is_blank(s.p[0]))
		s = span_sub(s, 1, s.n);
	return s.n > 0 && s.p[0] == '+' ? span_sub(s, 1, s.n) : s;
}
