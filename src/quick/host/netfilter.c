/* The packet filters of the kernel. */
#include "netfilter.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"

static int netlink_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
}

int netfilter_probe(void)
{
	int fd = netlink_open();

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* The kernel's answer to a question that every version of nftables understands: 0 or -errno. */
static int ask_generation(int fd)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg body;
	} question = { { .nlmsg_len = sizeof question,
			 .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
			 .nlmsg_flags = NLM_F_REQUEST },
		       { .version = NFNETLINK_V0 } };
	union {
		struct nlmsghdr header;
		char bytes[1024];
	} answer;
	struct nlmsgerr *error = NLMSG_DATA(&answer.header);
	ssize_t n;

	if (send(fd, &question, sizeof question, 0) < 0)
		return -errno;
	do
		n = recv(fd, &answer, sizeof answer, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n >= NLMSG_LENGTH(sizeof *error) && answer.header.nlmsg_type == NLMSG_ERROR)
		return error->error;
	return 0;
}

/* Without privileges the kernel cannot be asked: it counts as complete, as it does when it is short of something. */
static bool is_unknown(int error)
{
	return error == -EPERM || error == -EACCES || error == -ENOMEM || error == -ENOBUFS || error == -EMFILE ||
	       error == -ENFILE || error == -EIO;
}

bool netfilter_has_nftables(void)
{
	int fd = netlink_open(), r;

	if (fd < 0)
		return is_unknown(-errno);
	r = ask_generation(fd);
	close(fd);
	return r == 0 || is_unknown(r);
}

bool netfilter_has_xtables(uint8_t family)
{
	/* Without /proc it is not known. */
	return access("/proc/net", F_OK) < 0 ||
	       access(family == IP_V4 ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names", F_OK) == 0;
}
