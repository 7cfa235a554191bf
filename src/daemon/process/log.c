/* Log lines, each written with one system call. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Priorities of syslog(3): the facility "daemon" with the severities "err" and "info". */
enum { SYSLOG_ERROR = 3 << 3 | 3, SYSLOG_INFO = 3 << 3 | 6 };

static enum log_level level = LOG_ERROR;
static char name[16] = ""; /* of the interface */
static int log_fd = STDERR_FILENO;
static bool to_syslog;     /* log_fd is an unconnected socket, so that it survives a restart of the syslog daemon */
static const struct sockaddr_un syslog_address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };

enum log_level log_parse_level(const char *word)
{
	if (word && strcmp(word, "silent") == 0)
		return LOG_SILENT;
	if (word && (strcmp(word, "verbose") == 0 || strcmp(word, "debug") == 0))
		return LOG_VERBOSE;
	return LOG_ERROR;
}

void log_init(enum log_level new_level, const char *interface)
{
	struct text t = text_fixed(name, sizeof name);

	level = new_level;
	text_add(&t, interface);
}

void log_to_syslog(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	log_fd = fd;
	to_syslog = true;
}

int log_to_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return -errno;
	log_fd = fd;
	to_syslog = false;
	return 0;
}

static void log_line(enum log_level of, const char *fmt, va_list ap)
{
	char line[512];
	struct text t = text_fixed(line, sizeof line);
	ssize_t n;

	if (to_syslog)
		text_f(&t, "<%u>wireguardd[%u]: ", (unsigned int)(of == LOG_ERROR ? SYSLOG_ERROR : SYSLOG_INFO),
		       (unsigned int)getpid());
	else
		text_add(&t, "wireguardd: ");
	text_f(&t, "%s%s", name, name[0] ? ": " : "");
	text_vf(&t, fmt, ap);
	if (t.failed)
		t.n = sizeof line - 2;
	if (to_syslog) {
		n = sendto(log_fd, line, t.n, MSG_NOSIGNAL, (const struct sockaddr *)&syslog_address,
			   sizeof syslog_address);
	} else {
		t.p[t.n++] = '\n';
		n = write(log_fd, line, t.n);
	}
	(void)n; /* there is nowhere to report a failure */
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	if (level < LOG_ERROR)
		return;
	va_start(ap, fmt);
	log_line(LOG_ERROR, fmt, ap);
	va_end(ap);
}

void log_verbose(const char *fmt, ...)
{
	va_list ap;

	if (level < LOG_VERBOSE)
		return;
	va_start(ap, fmt);
	log_line(LOG_VERBOSE, fmt, ap);
	va_end(ap);
}
