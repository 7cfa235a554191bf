/* Changes that await confirmation: `up --confirm` and `reload --confirm` record one before their first step. Functions that
 * return int return 0, or -errno after reporting. */
#ifndef WG_QUICK_UNCONFIRMED_H
#define WG_QUICK_UNCONFIRMED_H

#include "command.h"
#include "comparison.h"
#include "quick/journal/pending.h"

/* The tunnel that `up` brings up; it is taken down again. */
must_check int unconfirmed_up(struct pending *p, const struct tunnel_file *f, const struct command_options *o);
/* The tunnel that `reload` changes; where an earlier change is not confirmed, the tunnel as it was before that. -ENOMSG, not
 * reported: nothing changes. */
must_check int unconfirmed_reload(struct pending *p, const struct comparison *c, const struct command_options *o);
/* The change was made: the time that was granted begins. */
void unconfirmed_granted(struct pending *p, const char *name);
/* The change was not made, or was undone; an earlier one still awaits confirmation. */
void unconfirmed_withdrawn(struct pending *p, const char *name);

/* 0, or -EBUSY: a change of the tunnel awaits confirmation, so that another one may not be made without. */
must_check int unconfirmed_refuse(const char *name);
/* The tunnel as it was, in the place of what comparison_read() reads. */
must_check int unconfirmed_read(struct comparison *c, const struct pending *p, const char *name);

#endif
