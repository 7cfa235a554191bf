/* The counters of a tunnel, part of its public header: reasons for dropped packets, and events of the protocol. Programs
 * count their own losses under reasons of this table, too, so that there is one list. */
#ifndef WG_COUNTS_H
#define WG_COUNTS_H

#include "base/base.h"

/* Lost packets. Together with those that left, the reasons of a scope account for all that arrived:
 * packets from TUN + keepalives and handshake messages sent = datagrams sent + SEND;
 * datagrams from UDP = packets to TUN + keepalives and handshake messages received + RECEIVE + HANDSHAKE. */
enum wg_scope {
	WG_SCOPE_NONE,
	WG_SCOPE_SEND,      /* a packet from TUN, or a datagram to send */
	WG_SCOPE_RECEIVE,   /* a datagram from UDP, or the packet in it */
	WG_SCOPE_HANDSHAKE, /* a received handshake message or cookie reply */
};

/* The enum constant, its name for programs, the scope, and the text for people. */
#define WG_DROPS(X)                                                                                                  \
	X(NONE, "none", NONE, "not dropped")                                                                         \
	X(TUN_QUEUE, "tun_queue", SEND, "the queue of the TUN device was full")                                      \
	X(TUN_READ, "tun_read", SEND, "read from TUN, but not a whole packet")                                       \
	X(DOWN, "down", SEND, "the interface is down")                                                               \
	X(NOT_IP, "not_ip", SEND, "packet from TUN is not IP")                                                       \
	X(NO_PEER, "no_peer", SEND, "no peer has the destination in its allowed IPs")                                \
	X(NO_ENDPOINT, "no_endpoint", SEND, "the peer has no endpoint")                                              \
	X(CONTROL_QUEUE, "control_queue", SEND, "the queue to the control thread was full")                          \
	X(NO_MEMORY, "no_memory", SEND, "out of memory")                                                             \
	X(STAGED_FULL, "staged_full", SEND, "too many packets of the peer wait for a session")                       \
	X(GAVE_UP, "gave_up", SEND, "staged for a handshake that did not complete")                                  \
	X(PEER_REMOVED, "peer_removed", SEND, "staged for a peer that was removed")                                  \
	X(SEND, "send", SEND, "the system refused to send the datagram")                                             \
	X(SEND_QUEUE, "send_queue", SEND, "the send queue of the path was full")                                     \
	X(FLOW_DELAY, "flow_delay", SEND, "packets of the flow waited too long")                                     \
	X(FLOW_FULL, "flow_full", SEND, "too many packets waited, most of them of this flow")                        \
	X(SOCKET, "socket", RECEIVE, "dropped by the kernel: no WireGuard message, or a receive buffer was full")    \
	X(TRUNCATED, "truncated", RECEIVE, "datagram is empty, truncated or has no sender")                          \
	X(RX_DOWN, "down", RECEIVE, "the interface is down")                                                         \
	X(MALFORMED, "malformed", RECEIVE, "not a WireGuard message: wrong type or length")                          \
	X(UNKNOWN_INDEX, "unknown_index", RECEIVE, "no session has this receiver index")                             \
	X(EXPIRED, "expired", RECEIVE, "session expired or its counter is exhausted")                                \
	X(AUTH, "auth", RECEIVE, "authentication failed")                                                            \
	X(REPLAY, "replay", RECEIVE, "replayed, or older than the replay window")                                    \
	X(INNER_NOT_IP, "not_ip", RECEIVE, "inner packet is not IP or has a wrong length")                           \
	X(SOURCE, "source", RECEIVE, "inner source address is not in the allowed IPs of the peer")                   \
	X(TUN_WRITE, "tun_write", RECEIVE, "the TUN device refused the packet")                                      \
	X(HANDSHAKE_QUEUE, "queue", HANDSHAKE, "the queue of handshake messages was full")                           \
	X(HANDSHAKE_DOWN, "down", HANDSHAKE, "the interface is down or has no private key")                          \
	X(MAC1, "mac1", HANDSHAKE, "handshake message with an invalid mac1")                                         \
	X(COOKIE_SENT, "cookie_sent", HANDSHAKE, "under load: answered with a cookie reply")                         \
	X(RATE, "rate", HANDSHAKE, "under load: handshake rate limit of the source exceeded")                        \
	X(HANDSHAKE, "invalid", HANDSHAKE, "handshake message that does not authenticate")                           \
	X(HANDSHAKE_REPLAY, "replay", HANDSHAKE, "handshake initiation with an old timestamp")                       \
	X(FLOOD, "flood", HANDSHAKE, "handshake initiation within 20 ms of the previous one")                        \
	X(UNKNOWN_PEER, "unknown_peer", HANDSHAKE, "handshake initiation from an unknown public key")                \
	X(COOKIE, "cookie", HANDSHAKE, "unexpected cookie reply, or one that does not authenticate")                 \
	X(HANDSHAKE_NO_MEMORY, "no_memory", HANDSHAKE, "out of memory")

enum wg_drop {
#define X(word, name, scope, text) WG_DROP_##word,
	WG_DROPS(X)
#undef X
	WG_DROP_COUNT
};
const char *wg_drop_name(enum wg_drop drop); /* unique within its scope */
const char *wg_drop_text(enum wg_drop drop);
enum wg_scope wg_drop_scope(enum wg_drop drop);

enum wg_event {
	WG_EVENT_INITIATION_SENT, WG_EVENT_RESPONSE_SENT, WG_EVENT_COOKIE_SENT, /* passed to the caller to send */
	/* Received, and not dropped. */
	WG_EVENT_INITIATION_RECEIVED, WG_EVENT_RESPONSE_RECEIVED, WG_EVENT_COOKIE_RECEIVED,
	WG_EVENT_KEEPALIVE_SENT, WG_EVENT_KEEPALIVE_RECEIVED,
	WG_EVENT_CONFIRMED, /* the first packet arrived on a session that a received initiation began */
	WG_EVENT_GAVE_UP,   /* no response to any initiation for 90 seconds */
	WG_EVENT_COUNT
};

#endif
