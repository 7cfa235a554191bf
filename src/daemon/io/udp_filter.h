/* Programs that the kernel runs for each datagram of a tunnel's UDP port, in classic BPF: one drops datagrams that
 * cannot be WireGuard messages, before they cost a wake-up or a place in a queue; one chooses the socket. Both
 * only save work: the tunnel parses every message itself. */
#ifndef DAEMON_UDP_FILTER_H
#define DAEMON_UDP_FILTER_H

#include "base/base.h"

/* The sockets of one port and address family, in the order in which they are bound. More sockets for data follow. */
enum udp_kind { UDP_DATA, UDP_INITIATIONS, UDP_REPLIES /* responses and cookie replies */ };

/* Attaches the filter to a socket. The kernel counts the datagrams that it drops (udp_dropped). 0 or -errno. */
must_check int udp_filter_attach(int fd);
/* Likewise, and it drops what was broadcast on the link and is of another kind, of which another socket has a copy. */
must_check int udp_filter_attach_kind(int fd, enum udp_kind kind);
/* Likewise a filter that drops everything from now on; what already waits in the socket stays. */
must_check int udp_filter_attach_drop(int fd);

/* Makes a datagram choose among the sockets that share the port of this one (SO_REUSEPORT): one for initiations, one for
 * responses and cookie replies, and n_data for all others, by the receiver index (wg_shard_of in proto/tunnel.h), so that
 * all data of a session arrives on one socket. 0 or -errno. */
must_check int udp_filter_attach_choice(int fd, unsigned int n_data);

#endif
