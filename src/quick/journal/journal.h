/* The journal of a tunnel: what was applied to the host, on disk while the tunnel is up, so that `down` removes
 * exactly what `up` added. One text file in RUNSTATEDIR/wgsuite for each interface and network namespace, written
 * before the first step is performed. An open journal holds the tunnel's lock: one wg-quick per tunnel. */
#ifndef WG_QUICK_JOURNAL_H
#define WG_QUICK_JOURNAL_H

#include "journal_data.h"

/* Waits for the lock, at most timeout_s, and reads the file, if there is one. 0 or -errno: -EINTR when a signal ended the
 * wait, -ETIMEDOUT (reported). A folder that cannot be written is a warning. */
must_check int journal_open(struct journal *j, const char *name, unsigned int timeout_s);
/* Reads the file without the lock, for commands that change nothing. */
must_check int journal_open_unlocked(struct journal *j, const char *name);
/* Releases the lock and frees the memory; the file stays. */
void journal_close(struct journal *j);

/* Replaces the file; journal_write_applied() with other contents than j->applied. 0 or -errno after reporting. */
must_check int journal_write(struct journal *j);
must_check int journal_write_applied(struct journal *j, const struct applied *applied);

/* Progress, appended to the file if there is one. */
void journal_note_interface(struct journal *j, uint32_t ifindex);
void journal_note_hooks(struct journal *j, enum hook_phase phase);
void journal_note_sysctl_released(struct journal *j);
/* `up` completed. False: the file is gone, because a hook took the tunnel down again. */
bool journal_note_complete(struct journal *j);

/* False after an interrupted `up` that started no hook for which a down hook of this phase is the counterpart. */
bool journal_hooks_are_due(const struct journal *j, enum hook_phase phase);

/* Deletes the file and empties the journal, except for its name and lock. */
void journal_delete(struct journal *j);
/* Deletes the file after the last PostDown hook, unless a hook brought the tunnel up again. */
void journal_finish(struct journal *j);

/* Where the DNS file back-end keeps the file it replaced. */
void journal_backup_path(const struct journal *j, char path[], size_t n);

#endif
