/* The journal of a tunnel: what was applied to the host, on disk while the tunnel is up, so that `down` removes
 * exactly what `up` added. One text file in RUNSTATEDIR/wgsuite for each interface and network namespace, written
 * before the first step is performed. An open journal holds the tunnel's lock: one wg-quick per tunnel. */
#ifndef WG_QUICK_JOURNAL_H
#define WG_QUICK_JOURNAL_H

#include "journal_data.h"

/* Waits for the lock, at most timeout_s, and reads the file, if there is one. 0 or -errno: -EINTR when a signal ended the
 * wait, -ETIMEDOUT (reported). A folder that cannot be written is a warning. */
must_check int journal_open(struct journal *j, const char *name, unsigned int timeout_s);
/* The same without waiting: -EWOULDBLOCK when another process holds the lock. timeout_s: for the shared lock. */
must_check int journal_open_now(struct journal *j, const char *name, unsigned int timeout_s);
/* Reads the file without the lock, for commands that change nothing. */
must_check int journal_open_unlocked(struct journal *j, const char *name);
/* Releases the lock and frees the memory; the file stays. */
void journal_close(struct journal *j);

/* Replaces the file; journal_write_applied() with other contents than j->applied. 0 or -errno after reporting. */
must_check int journal_write(struct journal *j);
must_check int journal_write_applied(struct journal *j, const struct applied *applied);

/* Progress, appended to the file if there is one. */
void journal_note_interface(struct journal *j, uint32_t ifindex);
/* The interface, which is gone, is being created again: one of this name is incomplete until the second of these. */
void journal_note_restoring(struct journal *j);
void journal_note_restored(struct journal *j);
void journal_note_hooks(struct journal *j, enum hook_phase phase);
void journal_note_dns(struct journal *j, bool failed);
void journal_note_sysctl_released(struct journal *j);
void journal_note_ending(struct journal *j);
/* `up` completed. False: the file is gone, because a hook took the tunnel down again. */
bool journal_note_complete(struct journal *j);

/* False after an interrupted `up` that started no hook for which a down hook of this phase is the counterpart. */
bool journal_hooks_are_due(const struct journal *j, enum hook_phase phase);

/* False: it records an earlier interface of this name, or a tunnel that is down. */
bool journal_is_of(const struct journal *j, uint32_t ifindex);
/* From now on as if there was no file, which stays. */
void journal_disregard(struct journal *j);

/* After `undo` was applied: leaves in the journal what it could not undo, which the next `down` or `up` tries again, and
 * no hooks or notes for `reload` and `save`. False: nothing is left. */
must_check bool journal_keep_failed(struct journal *j, const struct plan *undo);
/* The same for hooks that could not be started. True: there are some. */
must_check bool journal_keep_hooks(struct journal *j, struct string_list take_hooks[HOOK_PHASES]);
/* Deletes the file, or replaces it by what is left to undo. False, after reporting: something is. */
must_check bool journal_settle(struct journal *j, const struct plan *undo, struct string_list take_hooks[HOOK_PHASES]);
/* The same after the last PostDown hook, unless a hook brought the tunnel up again; what is left was determined by
 * journal_keep_failed(). */
must_check bool journal_finish(struct journal *j, bool something_is_left);

/* A PostDown hook of this `down` brought the tunnel up again. */
bool journal_is_up_again(const struct journal *j);

/* Where the journal of a tunnel in this network namespace is, or would be. */
void journal_path_of(const char *name, char path[], size_t n);

#endif
