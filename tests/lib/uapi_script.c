/* For each answer: accept a connection, read a request, send the answer, close. */
#include "uapi_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char *read_request(int fd)
{
	size_t have = 0, cap = 1 << 12;
	char *p = malloc(cap);
	ssize_t n;

	while ((n = recv(fd, p + have, cap - have - 1, 0)) > 0) {
		have += (size_t)n;
		p[have] = '\0';
		if (have >= 2 && memcmp(p + have - 2, "\n\n", 2) == 0)
			return p;
		if (have + 1 == cap)
			p = realloc(p, cap *= 2);
	}
	free(p);
	return NULL;
}

static void *follow(void *ctx)
{
	struct uapi_script *s = ctx;

	while (s->served < s->n) {
		int fd = accept(s->fd, NULL, NULL);
		char *request;
		size_t n;

		if (fd < 0)
			return NULL; /* the script was ended early */
		request = read_request(fd);
		if (request) {
			n = s->answer_n[s->served] ? s->answer_n[s->served] : strlen(s->answers[s->served]);
			for (size_t at = 0; at < n;) {
				ssize_t sent = send(fd, s->answers[s->served] + at, n - at, MSG_NOSIGNAL);
				if (sent <= 0)
					break;
				at += (size_t)sent;
			}
			s->requests[s->served++] = request;
		}
		close(fd);
	}
	return NULL;
}

void uapi_script_begin(struct uapi_script *s, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	strcpy(s->dir, "/tmp/wgsuite-script.XXXXXX");
	if (!mkdtemp(s->dir))
		abort();
	snprintf(s->path, sizeof s->path, "%s/%s.sock", s->dir, name);
	strcpy(sa.sun_path, s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(s->fd, 8) < 0 ||
	    pthread_create(&s->thread, NULL, follow, s) != 0)
		abort();
}

void uapi_script_end(struct uapi_script *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	unlink(s->path);
	rmdir(s->dir);
}
