/* The descriptors of two network namespaces: the one outside and the one inside. */
#include "entered_netns.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

enum { TRIES = 3 };

static int outer_fd = -1, inner_fd = -1; /* while inside */

/* The kernel may be short of memory for a moment. It has no other reason to refuse, because this process was in it before. */
void netns_return(int fd)
{
	for (int tries = 0; tries < TRIES; tries++)
		if (setns(fd, CLONE_NEWNET) == 0)
			return;
	unreachable();
}

bool netns_is_inside(void)
{
	return outer_fd >= 0;
}

int netns_inside_fd(void)
{
	return inner_fd;
}

void netns_outside_begin(void)
{
	if (netns_is_inside())
		netns_return(outer_fd);
}

void netns_outside_end(void)
{
	if (netns_is_inside())
		netns_return(inner_fd);
}

void netns_leave_in_child(void)
{
	netns_outside_begin();
}

/* The own one first: where that is not allowed, there would be no way back. */
int netns_inside_begin(int own, int inner)
{
	if (setns(own, CLONE_NEWNET) < 0 || setns(inner, CLONE_NEWNET) < 0)
		return -errno;
	outer_fd = own;
	inner_fd = inner;
	return 0;
}

void netns_inside_end(void)
{
	netns_return(outer_fd);
	close(outer_fd);
	close(inner_fd);
	outer_fd = inner_fd = -1;
}
