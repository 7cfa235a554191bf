/* Messages in the journal of systemd: its native protocol, a datagram of fields. */
#include "unit_log.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

bool unit_log(const char *name, enum unit_log_level level, const char *text)
{
	static const struct sockaddr_un journal = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
	char message[1024];
	struct text t = text_fixed(message, sizeof message);
	bool sent;
	int fd;

	if (!getenv("JOURNAL_STREAM") || strchr(text, '\n'))
		return false;
	text_f(&t, "PRIORITY=%d\nSYSLOG_IDENTIFIER=wg-quick\nOBJECT_SYSTEMD_UNIT=wg-quick@%s.service\nMESSAGE=%s: %s\n", (int)level, name,
	       name, text);
	fd = t.failed ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	sent = sendto(fd, t.p, t.n, 0, (const struct sockaddr *)&journal, sizeof journal) == (ssize_t)t.n;
	close(fd);
	return sent;
}
