/* Echo requests through one interface (RFC 792, RFC 4443), whatever the routes are, and their replies. */
#ifndef WG_PING_SOCKET_H
#define WG_PING_SOCKET_H

#include "ping_address.h"

struct ping_socket {
	int fd;
	struct ip_addr to;
	bool raw;       /* packets have an IP header (IPv4) and every program's replies arrive */
	uint16_t id;
};

/* The addresses of an interface; freed with free(3). False: out of memory. */
must_check bool own_addresses_of(struct own_addresses *out, const char *interface);

/* From now on, the first SIGINT only ends the waiting of the functions below. */
void ping_handle_interrupt(void);
bool ping_is_interrupted(void);

/* Monotonic milliseconds. */
double ping_now_ms(void);
void ping_sleep_until(double ms);

/* 0 or -errno: -EPERM without CAP_NET_RAW, -ENETUNREACH, … */
must_check int ping_socket_open(struct ping_socket *s, const char *interface, uint32_t ifindex, const struct ip_addr *to);
void ping_socket_close(struct ping_socket *s);

must_check int ping_socket_send(const struct ping_socket *s, uint16_t sequence); /* 0 or -errno */
/* Waits until the reply with this number or the time has come. True: a reply. */
bool ping_socket_wait(const struct ping_socket *s, uint16_t sequence, double until_ms);

/* 0 if the host has a route to the endpoint for packets with this mark, else -errno of connect(2). */
int ping_route_to(const struct ip_endpoint *e, uint32_t mark);

#endif
