/* Numeric IP addresses, prefixes and endpoints, and their text form. Parsing accepts the syntax of inet_pton(3);
 * printing has the format of inet_ntop(3) in glibc, because scripts compare it. Address bytes are in network order,
 * ports in host order. */
#ifndef WG_ADDR_H
#define WG_ADDR_H

#include "text.h"

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

struct ip_addr {
	uint8_t family; /* enum ip_family; IP_NONE: no address */
	uint8_t b[16];  /* an IPv4 address is in the first four; the others are zero */
};

/* Built only by prefix_make(), so that host bits are always clear. */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t bits; /* 0-32 or 0-128 */
};

struct ip_endpoint {
	struct ip_addr addr;
	uint16_t port;
	uint32_t scope; /* interface index for IPv6 link-local addresses, else 0 */
};

/* Lookups of interface names, which the pure modules cannot do themselves; the caller supplies them. Without them (a null
 * pointer) scopes are numbers. */
struct ip_scopes {
	bool (*index_of)(uint32_t *index, struct span name);
	bool (*name_of)(char name[16], uint32_t index);
};

enum {
	IP_TEXT_MAX = 46,       /* the longest address, with NUL */
	IP_PREFIX_TEXT_MAX = 50,
	IP_ENDPOINT_TEXT_MAX = 72, /* [address%scope]:port */
};

unsigned int ip_bits(const struct ip_addr *a);  /* 32 or 128; 0 for IP_NONE */
unsigned int ip_bytes(const struct ip_addr *a); /* 4 or 16; 0 for IP_NONE */
struct ip_addr ip_v4(const uint8_t b[4]);
struct ip_addr ip_v6(const uint8_t b[16]);

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);
bool ip_is_v6_link_local(const struct ip_addr *a);

/* An address without brackets or scope; a ':' makes it IPv6. */
must_check bool ip_parse(struct ip_addr *out, struct span text);
void ip_print(struct text *t, const struct ip_addr *a);

/* Clears the host bits. False if `bits` exceeds the length of the address. */
must_check bool prefix_make(struct ip_prefix *out, const struct ip_addr *a, unsigned int bits);
/* "address/bits", or "address" for a prefix of full length. *had_host_bits (may be null): a bit was cleared. */
must_check bool prefix_parse(struct ip_prefix *out, struct span text, bool *had_host_bits);
void prefix_print(struct text *t, const struct ip_prefix *p);
bool prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);
bool prefix_contains(const struct ip_prefix *p, const struct ip_addr *a);
/* True if every address of inner is in outer. */
bool prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner);

/* "192.0.2.1:51820", "[2001:db8::1]:51820" or "[fe80::1%eth0]:51820": a numeric host and a decimal port 0-65535. */
must_check bool endpoint_parse(struct ip_endpoint *out, struct span text,
			       const struct ip_scopes *scopes);
void endpoint_print(struct text *t, const struct ip_endpoint *e, const struct ip_scopes *scopes);
bool endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b);

#endif
