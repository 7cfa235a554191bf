/* The counters of a worker: written by its thread only, read by control at any time. */
#ifndef DAEMON_WORKER_COUNTERS_H
#define DAEMON_WORKER_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>
#include "daemon/io/udp.h"

struct worker_counters { /* its own cache lines */
	_Alignas(64) _Atomic uint64_t tun_batches; /* that were sealed */
	_Atomic uint64_t tun_packets;    /* from TUN, after splitting super-packets */
	_Atomic uint64_t udp_batches;    /* that were opened */
	_Atomic uint64_t udp_datagrams;  /* from UDP, after splitting messages */
	_Atomic uint64_t sent_datagrams; /* that the kernel took */
	_Atomic uint64_t written_packets; /* that the TUN took, before joining */
	_Atomic uint64_t multiplications; /* of X25519 for the control thread's handshakes */
	_Atomic uint64_t opened[UDP_DATA_MAX]; /* authentic packets, by the number of the socket */
};

/* For the only thread that writes it: costs no more than adding to a variable. */
static inline void counter_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t counter_read(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
