/* The end of a userspace daemon. */
#include "daemon_end.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>

#include "clock.h"
#include "daemon.h"

int daemon_kill(const char *name, int pid)
{
	enum { LIMIT_MS = 5000 };
	struct daemon_process d;
	uint64_t end_ms = clock_boot_ms() + LIMIT_MS;

	if (pid <= 0 || !daemon_find(&d, name) || d.pid != pid)
		return -ESRCH;
	if (kill(pid, SIGKILL) < 0)
		return -errno;
	while (daemon_find(&d, name) && d.pid == pid) {
		if (clock_boot_ms() >= end_ms)
			return -ETIMEDOUT;
		clock_wait_ms(1);
	}
	return 0;
}

bool interface_exists(uint32_t index)
{
	char name[IF_NAMESIZE];

	return if_indextoname(index, name) != NULL;
}

static enum daemon_state state_now(const char *name, struct rtnetlink *rt)
{
	struct daemon_process d;
	struct link_info link;

	if (rtnetlink_link_find(rt, name, 0, &link) == -ENODEV)
		return DAEMON_GONE;
	return daemon_find(&d, name) ? DAEMON_SERVES : DAEMON_MISSING;
}

enum daemon_state daemon_await_end(const char *name, struct rtnetlink *rt, bool may_return, unsigned int limit_ms)
{
	uint64_t end_ms = clock_boot_ms() + limit_ms;

	for (;;) {
		enum daemon_state s = state_now(name, rt);
		if (s == DAEMON_SERVES || (s == DAEMON_GONE && !may_return) || clock_boot_ms() >= end_ms)
			return s;
		clock_wait_ms(1);
	}
}
