/* What is kept while a tunnel is up, so that `down` removes exactly what `up` made: one text file
 * in RUNSTATEDIR/wgsuite for each interface and network namespace, written before anything is done.
 * And the lock that makes two wg-quicks on one tunnel take turns. */
#ifndef WG_QUICK_JOURNAL_H
#define WG_QUICK_JOURNAL_H

#include "quick/plan/step.h"

struct journal {
	char name[WG_NAME_MAX];
	uint64_t netns;
	bool exists;     /* there is a file */
	bool complete;   /* `up` came to its end */
	bool began[HOOK_PHASES]; /* a hook of this phase was started */
	char *config;    /* the tunnel file's path */
	uint32_t ifindex;
	struct plan plan; /* the steps that do not go away with the link */
	struct addresses addresses; /* ours */
	struct addresses foreign;   /* those that were there besides when up was done */
	struct string_list hooks[HOOK_PHASES];
	struct string_list peers; /* "KEY ENDPOINT" as the tunnel file has them */
	uint16_t port;      /* when up was done */
	bool has_table;
	uint32_t table;     /* of its routes, see tunnel_file_table() */
	int lock;           /* -1: none */
	bool no_folder;     /* nothing can be kept here; was said */
};

/* Waits for its turn; reads what there is. 0 or -errno: -EINTR when a signal ended the wait. A folder
 * that cannot be written is a warning. */
must_check int journal_open(struct journal *r, const char *name);
/* Fills the record from a file and a plan, keeping progress. */
must_check int journal_fill(struct journal *r, const struct tunnel_file *f, const struct plan *p);
/* The endpoints as the file has them; before host names are resolved. */
must_check int journal_fill_peers(struct journal *r, const struct tunnel_file *f);
must_check int journal_write(struct journal *r);
/* A step that does not go away with the link. */
bool journal_keeps(const struct step *s);
/* Adds a line: "began N", "complete", … False: somebody took the record away. */
bool journal_append(struct journal *r, const char *line);
void journal_hooks_began(struct journal *r, enum hook_phase phase);
/* Removes the file. */
void journal_remove(struct journal *r);
/* The same after the last hook, unless that brought the tunnel up anew, which has its own record. */
void journal_end(struct journal *r);
/* Empties it but for name and lock. */
void journal_reset(struct journal *r);
/* Lets the next one in, frees. */
void journal_close(struct journal *r);

/* Another tunnel of this namespace means to use the table. */
bool journal_table_in_use(void *record, uint32_t table);
/* This one does not want src_valid_mark any more. */
void journal_release_sysctl(struct journal *r);
/* Another tunnel of this namespace wants src_valid_mark; *before is what it was before all. */
bool journal_sysctl_in_use(const struct journal *r, int *before);
/* While held, other wg-quicks choose no table, and neither make nor look at rules and the sysctl that
 * default routes share. Never across hooks, nor while names are resolved. */
int journal_lock_all(void);
void journal_unlock_all(int held);

/* Where the DNS file back-end keeps the file it replaced. */
void journal_backup_path(const struct journal *r, char path[], size_t n);

#endif
