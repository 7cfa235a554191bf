/* A scripted configuration socket, for tests and benchmarks of wg: answers each get and set with the contents of a file
 * and records the sets.
 *
 *   fake_uapi [-g GET_ANSWER] [-s SET_ANSWER] [-l LOG] [-x] SOCKET
 *
 * -g  file sent after "get=1" (default: errno=0 alone); read again when it changes
 * -s  file sent after a set (default: errno=0)
 * -l  file to which sets are appended
 * -x  closes the connection after each answer, and before the end of a set
 * Prints a line when it listens; ends on SIGTERM. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct answer {
	const char *path;
	struct timespec changed;
	char *p;
	size_t n;
};

static struct answer get_answer, set_answer;
static const char *log_path;
static bool hang_up;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void answer_load(struct answer *a)
{
	static const char ok[] = "errno=0\n\n";
	struct stat st;
	FILE *f;

	if (!a->path) {
		a->p = strdup(ok);
		a->n = sizeof ok - 1;
		a->path = "";
	}
	if (a->path[0] == '\0')
		return;
	f = fopen(a->path, "r");
	if (!f || fstat(fileno(f), &st) < 0)
		die(a->path);
	if (!a->p || st.st_mtim.tv_sec != a->changed.tv_sec || st.st_mtim.tv_nsec != a->changed.tv_nsec) {
		free(a->p);
		a->p = malloc((size_t)st.st_size + 1);
		a->n = fread(a->p, 1, (size_t)st.st_size, f);
		a->changed = st.st_mtim;
	}
	fclose(f);
}

static bool answer_send(int fd, struct answer *a)
{
	size_t at = 0;
	ssize_t n;

	answer_load(a);
	while (at < a->n) {
		n = send(fd, a->p + at, a->n - at, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static void log_request(const char *p, size_t n)
{
	int fd;

	if (!log_path)
		return;
	fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		die(log_path);
	close(fd);
}

/* The end of the first request in the buffer, after its blank line; 0: it is incomplete. */
static size_t request_end(const char *p, size_t n, size_t looked)
{
	const char *end = memmem(p + looked, n - looked, "\n\n", 2);

	return end ? (size_t)(end - p) + 2 : 0;
}

static void serve(int fd)
{
	static char *buffer;
	static size_t cap;
	size_t have = 0, looked = 0, end;
	ssize_t n;
	bool is_get;

	for (;;) {
		if (have == cap) {
			cap = cap ? cap * 2 : 1 << 16;
			buffer = realloc(buffer, cap);
		}
		n = recv(fd, buffer + have, cap - have, 0);
		if (n <= 0)
			return;
		have += (size_t)n;
		is_get = have >= 6 && memcmp(buffer, "get=1\n", 6) == 0;
		if (hang_up && !is_get && have >= 6) {
			answer_send(fd, &set_answer);
			return;
		}
		while ((end = request_end(buffer, have, looked)) > 0) {
			is_get = memcmp(buffer, "get=1\n", 6) == 0;
			if (!is_get)
				log_request(buffer, end);
			if (!answer_send(fd, is_get ? &get_answer : &set_answer) || hang_up)
				return;
			memmove(buffer, buffer + end, have - end);
			have -= end;
			looked = 0;
		}
		looked = have > 0 ? have - 1 : 0;
	}
}

int main(int argc, char *argv[])
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, client, option;

	while ((option = getopt(argc, argv, "g:s:l:x")) != -1) {
		switch (option) {
		case 'g': get_answer.path = optarg; break;
		case 's': set_answer.path = optarg; break;
		case 'l': log_path = optarg; break;
		case 'x': hang_up = true; break;
		default: return 2;
		}
	}
	if (optind + 1 != argc || strlen(argv[optind]) >= sizeof sa.sun_path)
		return 2;
	strcpy(sa.sun_path, argv[optind]);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || (unlink(sa.sun_path), bind(fd, (struct sockaddr *)&sa, sizeof sa)) < 0 ||
	    listen(fd, 64) < 0)
		die(sa.sun_path);
	puts("listening");
	fflush(stdout);
	while ((client = accept(fd, NULL, NULL)) >= 0 || errno == EINTR) {
		if (client < 0)
			continue;
		serve(client);
		close(client);
	}
	die("accept");
}
