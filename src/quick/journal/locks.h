/* Locks between wg-quick processes. */
#ifndef WG_QUICK_LOCKS_H
#define WG_QUICK_LOCKS_H

#include "base/base.h"

/* ---- the lock of one tunnel, held from journal_open() to journal_close() ---- */

/* Waits for the lock, at most timeout_s. A hook that runs wg-quick for a tunnel whose lock its ancestor holds gets *inherited and
 * needs no lock. The descriptor, or -errno: -EINTR after a signal, -ETIMEDOUT (reported). */
must_check int journal_lock_acquire(const char *path, const char *name, unsigned int timeout_s, bool *inherited);
/* The same without waiting, for a process that no hook starts: the descriptor, or -errno: -EWOULDBLOCK. */
must_check int tunnel_lock_try(const char *path);
void tunnel_lock_release(const char *path, int lock);

/* ---- the lock of what default-route tunnels share: table numbers, rules, the sysctl ---- */

/* May be acquired again by its holder. Never held across hooks, or while names are resolved. A negative value is no
 * lock, which shared_lock_release() ignores: -EINTR after a signal, -ETIMEDOUT (reported), or the folder cannot be
 * written. */
int shared_lock_acquire(unsigned int timeout_s);
void shared_lock_release(int lock);
/* Deletes the lock file if a killed process left it. */
void shared_lock_sweep(void);

#endif
