/* An LD_PRELOAD library: a kernel with the generic netlink family "wireguard" that refuses every request of it with
 * EINVAL and, unless REFUSAL is empty, that text. It answers through libmnl's sendto(2) and recvmsg(2); all other
 * messages reach the real kernel. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { FAMILY = 0x21 };

static unsigned char answers[4096];
static size_t n_answers;

static void *put(const void *p, size_t n)
{
	void *at = memcpy(answers + n_answers, p, n);

	n_answers += NLMSG_ALIGN(n);
	return at;
}

static void put_attribute(unsigned short type, const void *p, size_t n)
{
	struct nlattr a = { .nla_len = (unsigned short)(sizeof a + n), .nla_type = type };

	put(&a, sizeof a);
	put(p, n);
}

static void answer(const struct nlmsghdr *request, int error, const char *text)
{
	struct nlmsghdr h = { .nlmsg_type = NLMSG_ERROR, .nlmsg_flags = NLM_F_CAPPED, .nlmsg_seq = request->nlmsg_seq };
	size_t begin = n_answers;
	struct nlmsghdr *written = put(&h, sizeof h);

	put(&error, sizeof error);
	put(request, sizeof *request);
	if (text && *text) {
		written->nlmsg_flags |= NLM_F_ACK_TLVS;
		put_attribute(NLMSGERR_ATTR_MSG, text, strlen(text) + 1);
	}
	written->nlmsg_len = (unsigned int)(n_answers - begin);
}

static void answer_family(const struct nlmsghdr *request)
{
	struct nlmsghdr h = { .nlmsg_type = GENL_ID_CTRL, .nlmsg_seq = request->nlmsg_seq };
	struct genlmsghdr g = { .cmd = CTRL_CMD_NEWFAMILY, .version = 2 };
	unsigned short id = FAMILY;
	size_t begin = n_answers;
	struct nlmsghdr *written = put(&h, sizeof h);

	put(&g, sizeof g);
	put_attribute(CTRL_ATTR_FAMILY_ID, &id, sizeof id);
	written->nlmsg_len = (unsigned int)(n_answers - begin);
	answer(request, 0, NULL);
}

static int is_generic(int fd)
{
	int protocol;
	socklen_t n = sizeof protocol;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &protocol, &n) == 0 && protocol == AF_NETLINK &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n) == 0 && protocol == NETLINK_GENERIC;
}

ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t to_n)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
	const struct nlmsghdr *h = p;
	int left = (int)n;

	if (!is_generic(fd))
		return real(fd, p, n, flags, to, to_n);
	for (n_answers = 0; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == GENL_ID_CTRL)
			answer_family(h);
		else
			answer(h, -EINVAL, getenv("REFUSAL"));
	}
	return (ssize_t)n;
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int) = dlsym(RTLD_NEXT, "recvmsg");
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK }, own;
	socklen_t own_n = sizeof own;
	size_t n = n_answers;

	if (!is_generic(fd))
		return real(fd, m, flags);
	getsockname(fd, (struct sockaddr *)&own, &own_n);
	for (struct nlmsghdr *h = (void *)answers; (unsigned char *)h < answers + n;
	     h = (void *)((char *)h + NLMSG_ALIGN(h->nlmsg_len)))
		h->nlmsg_pid = own.nl_pid;
	memcpy(m->msg_name, &kernel, sizeof kernel);
	m->msg_namelen = sizeof kernel;
	memcpy(m->msg_iov[0].iov_base, answers, n);
	m->msg_flags = 0;
	n_answers = 0;
	return (ssize_t)n;
}
