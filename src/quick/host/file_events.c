/* Changes of files in folders. */
#include "file_events.h"

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

static void handle(struct file_events *e, const struct inotify_event *event)
{
	const char *name = event->len > 0 ? event->name : "";

	if (event->mask & IN_Q_OVERFLOW)
		e->handle(e, -1, "", false);
	else if (event->mask & IN_IGNORED)
		e->handle(e, event->wd, "", true);
	else if (name[0] || (event->mask & IN_CLOSE_WRITE))
		e->handle(e, event->wd, name, (event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0);
}

static void ready(struct event_source *s)
{
	struct file_events *e = container_of(s, struct file_events, source);
	uint64_t buffer[4096 / sizeof(uint64_t)];
	ssize_t n = read(s->fd, buffer, sizeof buffer);
	const uint8_t *p = (const uint8_t *)buffer;

	while (n >= (ssize_t)sizeof(struct inotify_event)) {
		const struct inotify_event *event = (const struct inotify_event *)(const void *)p;
		ssize_t all = (ssize_t)(sizeof *event + event->len);
		handle(e, event);
		p += all;
		n -= all;
	}
}

int file_events_open(struct file_events *e, struct event_loop *l)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), r;

	e->source = (struct event_source){ .fd = -1, .ready = ready };
	e->loop = l;
	if (fd < 0)
		return -errno;
	r = event_loop_add(l, &e->source, fd);
	if (r < 0)
		close(fd);
	return r;
}

void file_events_close(struct file_events *e)
{
	int fd = e->source.fd;

	event_loop_remove(e->loop, &e->source);
	if (fd >= 0)
		close(fd);
}

int file_events_add(struct file_events *e, const char *path)
{
	int folder = inotify_add_watch(e->source.fd, path,
				       IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);

	return folder < 0 ? -errno : folder;
}

int file_events_add_file(struct file_events *e, const char *path)
{
	int file = inotify_add_watch(e->source.fd, path, IN_CLOSE_WRITE);

	return file < 0 ? -errno : file;
}

void file_events_remove(struct file_events *e, int folder)
{
	(void)inotify_rm_watch(e->source.fd, folder);
}
