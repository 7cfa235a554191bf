/* A change that awaits confirmation (`up --confirm`, `reload --confirm`): the previous state, and the time of the roll-back.
 * One file next to the journal of the tunnel, NAME@NETNS.confirm, which is written before the first step of the change. The
 * process that waits for the deadline holds a lock on this file, not that of the tunnel, so other commands can be run. */
#ifndef WG_QUICK_PENDING_H
#define WG_QUICK_PENDING_H

#include "base/vector.h"
#include "quick/config/login.h"
#include "quick/host/temporary_file.h"

enum { PENDING_BOOT_MAX = 48 };

struct pending {
	uint64_t deadline_ms;     /* CLOCK_BOOTTIME */
	struct login_since since; /* the login sessions that confirm the change; none before it is in effect */
	unsigned int seconds;     /* that were granted */
	bool is_reload;           /* else an `up` */
	bool no_hooks;
	bool of_this_boot;        /* false after a reboot, or in another container: nothing of it is in force */
	char *config;             /* path of the tunnel file; owned */
	uint16_t port;            /* those of the interface before a reload; */
	uint32_t mark;
	struct string_list texts;     /* "KEY ENDPOINT", as the journal had them */
	struct string_list endpoints; /* "KEY ADDRESS:PORT", as the device had them */
	struct text file;         /* a tunnel file that describes the tunnel as it was */
	char boot[PENDING_BOOT_MAX];
	bool exists;
	bool earlier;             /* another change, of which this is the continuation */
	int fd;                   /* that locks the file; -1: none */
};
#define PENDING_NONE ((struct pending){ .fd = -1 })
void pending_free(struct pending *p); /* closes fd as well */

/* ---- the file of the tunnel `name` in this network namespace; 0 or -errno ---- */

/* Reads it. Its absence is not an error. */
must_check int pending_load(struct pending *p, const char *name);
/* The same for the file that p->fd is. */
must_check int pending_load_locked(struct pending *p);
/* False: the file that p->fd is was replaced or removed, or has not replaced another one yet. */
bool pending_is_current(const struct pending *p, const char *name);
/* Creates another file, which a process can watch before it replaces the file. */
must_check int pending_prepare(struct pending *p, struct temporary_file *f, const char *name);
/* Replaces the file: p->fd is the new one. The process that waited for the earlier one ends. */
must_check int pending_commit(struct pending *p, const struct temporary_file *f, const char *name);
/* Writes p->deadline_ms and the times of p->since into the file that p->fd is. */
must_check int pending_write_times(const struct pending *p);
int pending_remove(const char *name); /* also what the next function writes */

/* Records which login confirmed the change, for who runs `confirm` after it. */
must_check int pending_set_confirmed(const char *name, struct span by);
/* Reads that, and removes it. -ENOENT: no login has confirmed a change. */
must_check int pending_take_confirmed(const char *name, struct text *by);

/* Locks the file, for a process that is to wait: p->fd. -EWOULDBLOCK: another process waits. */
must_check int pending_lock(struct pending *p, const char *name);
/* A process waits for the deadline. */
bool pending_is_watched(const char *name);
void pending_path(const char *name, char path[], size_t n);
/* The names of all tunnels of this namespace that have such a file; or that a login has confirmed. */
must_check int pending_names(struct string_list *out);
must_check int pending_names_confirmed(struct string_list *out);

#endif
