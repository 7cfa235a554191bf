/* without_netfilter COMMAND…: runs a command that cannot open netfilter netlink sockets, as on a kernel without them. */
#include <errno.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (argc < 2 || !filter ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0),
			     SCMP_A2(SCMP_CMP_EQ, NETLINK_NETFILTER, 0)) < 0 ||
	    seccomp_load(filter) < 0) {
		perror("without_netfilter");
		return 125;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
