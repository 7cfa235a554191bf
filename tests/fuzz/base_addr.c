/* Addresses, prefixes and endpoints; addresses are compared with libc. In libwgproto, addresses are bytes and these functions
 * inside. */
#include <arpa/inet.h>
#include <stdlib.h>
#include "base/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void address(struct span text)
{
	char copy[64], printed[IP_TEXT_MAX], libc_printed[INET6_ADDRSTRLEN];
	struct text t = text_fixed(printed, sizeof printed);
	uint8_t bytes[16];
	struct ip_addr a;
	bool ok = ip_parse(&a, text), v6 = span_find(text, ':') < text.n, libc;

	if (text.n >= sizeof copy || span_find(text, '\0') < text.n) {
		if (ok)
			abort();
		return;
	}
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	libc = inet_pton(v6 ? AF_INET6 : AF_INET, copy, bytes) == 1;
	if (libc != ok || (ok && memcmp(bytes, a.b, ip_bytes(&a)) != 0))
		abort();
	ip_print(&t, &a);
	if (ok && strcmp(printed, inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, libc_printed,
					    sizeof libc_printed)) != 0)
		abort();
}

static void prefix(struct span text)
{
	char printed[IP_PREFIX_TEXT_MAX];
	struct text t = text_fixed(printed, sizeof printed);
	struct ip_prefix p, again;
	bool host_bits;

	if (!prefix_parse(&p, text, &host_bits))
		return;
	prefix_print(&t, &p);
	if (t.failed || !prefix_parse(&again, text_of(&t), &host_bits) || host_bits ||
	    !prefix_equal(&p, &again) || !prefix_covers(&p, &again))
		abort();
}

static void endpoint(struct span text)
{
	char printed[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(printed, sizeof printed);
	struct ip_endpoint e, again;

	if (!endpoint_parse(&e, text, NULL))
		return;
	endpoint_print(&t, &e, NULL);
	if (t.failed || !endpoint_parse(&again, text_of(&t), NULL) || !endpoint_equal(&e, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n };

	address(text);
	prefix(text);
	endpoint(text);
	return 0;
}
