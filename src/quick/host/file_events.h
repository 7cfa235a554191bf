/* Changes of files in folders: inotify(7). */
#ifndef WG_QUICK_FILE_EVENTS_H
#define WG_QUICK_FILE_EVENTS_H

#include "event_loop.h"

struct file_events {
	struct event_source source;
	struct event_loop *loop;
	/* Set by the caller. folder: from file_events_add(), or -1 when events were lost. name: the file. gone: it does not
	 * exist any more, otherwise it has new contents. An empty name: the folder itself is gone. */
	void (*handle)(struct file_events *e, int folder, const char *name, bool gone);
};
must_check int file_events_open(struct file_events *e, struct event_loop *l); /* 0 or -errno */
void file_events_close(struct file_events *e);
/* Watches a folder; the same one again is no error. Its number, or -errno. */
must_check int file_events_add(struct file_events *e, const char *path);
/* Watches the contents of a file, which may be a bind mount: the folder does not tell of these. The name of its events is empty. */
must_check int file_events_add_file(struct file_events *e, const char *path);
/* The handler is called for it once more, as if the folder were gone. */
void file_events_remove(struct file_events *e, int folder);

#endif
