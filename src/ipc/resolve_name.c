/* getaddrinfo(3) for one endpoint. */
#include "resolve.h"

#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>

#include "lookup.h"

/* Splits "name:port" or "[name]:port". 0, or an error code of getaddrinfo(). */
static int host_split(char host[NI_MAXHOST], uint16_t *port, const char *text)
{
	struct span all = span_of(text), name, service;
	size_t at = span_find_last(all, ':');
	uint64_t number;

	if (at == all.n)
		return EAI_SERVICE;
	name = span_sub(all, 0, at);
	service = span_sub(all, at + 1, all.n);
	if (name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = span_sub(name, 1, name.n - 2);
	if (name.n == 0 || name.n >= NI_MAXHOST)
		return EAI_NONAME;
	memcpy(host, name.p, name.n);
	host[name.n] = '\0';
	if (span_to_u64(&number, ipc_without_sign(service), UINT16_MAX))
		*port = (uint16_t)number;
	else if (!ipc_service(port, service))
		return EAI_SERVICE;
	return 0;
}

static bool endpoint_from(struct ip_endpoint *out, const struct addrinfo *a)
{
	*out = (struct ip_endpoint){ 0 };
	if (a->ai_family == AF_INET && a->ai_addrlen == sizeof(struct sockaddr_in)) {
		struct sockaddr_in sa;

		memcpy(&sa, a->ai_addr, sizeof sa);
		out->addr = ip_v4((const uint8_t *)&sa.sin_addr);
	} else if (a->ai_family == AF_INET6 && a->ai_addrlen == sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 sa;

		memcpy(&sa, a->ai_addr, sizeof sa);
		out->addr = ip_v6(sa.sin6_addr.s6_addr);
		out->scope = sa.sin6_scope_id;
	} else {
		return false;
	}
	return true;
}

/* Addresses of other families are left out. */
static size_t collect(struct ip_endpoint out[], size_t max, const struct addrinfo *found, uint16_t port)
{
	size_t n = 0;

	for (const struct addrinfo *a = found; a && n < max; a = a->ai_next)
		if (endpoint_from(&out[n], a))
			out[n++].port = port;
	return n;
}

int resolve_addresses(struct ip_endpoint out[], size_t max, size_t *n, const char *text)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP,
	};
	struct addrinfo *found = NULL;
	char host[NI_MAXHOST];
	uint16_t port = 0;
	int error = host_split(host, &port, text);

	*n = 0;
	if (error == 0)
		error = getaddrinfo(host, NULL, &hints, &found);
	if (error == 0)
		*n = collect(out, max, found, port);
	if (found)
		freeaddrinfo(found);
	return error == 0 && *n == 0 ? EAI_FAIL : error;
}
