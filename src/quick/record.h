/* What is kept while a tunnel is up, so that `down` removes exactly what `up` made: one text file
 * in RUNSTATEDIR/wgsuite for each interface and network namespace, written before anything is done.
 * And the lock that makes two wg-quicks on one tunnel take turns. */
#ifndef WG_QUICK_RECORD_H
#define WG_QUICK_RECORD_H

#include "step.h"

struct record {
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
	struct words hooks[HOOK_PHASES];
	struct words peers; /* "KEY ENDPOINT" as the tunnel file has them */
	uint16_t port;      /* when up was done */
	bool has_table;
	uint32_t table;     /* of its routes, see file_table() */
	int lock;           /* -1: none */
	bool no_folder;     /* nothing can be kept here; was said */
};

/* Waits for its turn; reads what there is. 0 or -errno: -EINTR when a signal ended the wait. A folder
 * that cannot be written is a warning. */
must_check int record_open(struct record *r, const char *name);
/* Fills the record from a file and a plan, keeping progress. */
must_check int record_fill(struct record *r, const struct file *f, const struct plan *p);
/* The endpoints as the file has them; before host names are resolved. */
must_check int record_fill_peers(struct record *r, const struct file *f);
must_check int record_write(struct record *r);
/* A step that does not go away with the link. */
bool record_keeps(const struct step *s);
/* Adds a line: "began N", "complete", … False: somebody took the record away. */
bool record_note(struct record *r, const char *line);
void record_began(struct record *r, enum hook_phase phase);
/* Removes the file. */
void record_remove(struct record *r);
/* The same after the last hook, unless that brought the tunnel up anew, which has its own record. */
void record_end(struct record *r);
/* Empties it but for name and lock. */
void record_forget(struct record *r);
/* Lets the next one in, frees. */
void record_close(struct record *r);

/* Another tunnel of this namespace means to use the table. */
bool record_table_taken(void *record, uint32_t table);
/* This one does not want src_valid_mark any more. */
void record_gives_up_sysctl(struct record *r);
/* Another tunnel of this namespace wants src_valid_mark; *before is what it was before all. */
bool record_sysctl_wanted(const struct record *r, int *before);
/* While held, other wg-quicks choose no table, and neither make nor look at rules and the sysctl that
 * default routes share. Never across hooks, nor while names are resolved. */
int record_hold_all(void);
void record_let_go(int held);

/* Where the DNS file back-end keeps the file it replaced. */
void record_backup_path(const struct record *r, char path[], size_t n);

#endif
