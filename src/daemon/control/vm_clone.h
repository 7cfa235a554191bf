/* Whether this virtual machine may be a copy: a clone, or restored from a snapshot. Another copy may continue
 * with the same keys and counters. */
#ifndef DAEMON_VM_CLONE_H
#define DAEMON_VM_CLONE_H

#include "base/base.h"

/* A socket that receives the kernel's message about it, from Linux 6.8 on, or -errno. */
must_check int vm_clone_subscribe(void);
/* Pure: lost messages, among which that one may have been. They count once a minute: all devices of a large host may
 * report at once and again. */
struct vm_clone_losses { /* zeroed: none */
	bool is_pending; /* messages were lost */
	uint64_t next_ns; /* when they count */
};
must_check bool vm_clone_losses_take(struct vm_clone_losses *l, uint64_t now_ns); /* true: they count now */
uint64_t vm_clone_losses_deadline(const struct vm_clone_losses *l);
/* Reads what waits, a bounded number of messages. True: the machine is a copy. */
bool vm_clone_read_events(int fd, struct vm_clone_losses *losses);
/* Pure: the message is about a new VM generation identifier. */
bool vm_clone_is_event(const char *message, size_t n);

/* Without that message, only the system time may tell: a restored machine lags, and is set forward at some point. A
 * descriptor that becomes readable when the system time is set, or -errno. */
must_check int vm_clone_watch_clock(void);
void vm_clone_clear_clock(int fd); /* when it is readable */
/* Pure: the system time was set forward by more than two seconds against the other clock since the last call.
 * The other clock is read before and after the system time; nothing is decided or stored if the process paused between
 * them. *offset_ns: the difference; zeroed before the first call. */
must_check bool vm_clone_clock_jumped(int64_t *offset_ns, uint64_t before_ns, uint64_t wall_ns, uint64_t boot_ns);

#endif
