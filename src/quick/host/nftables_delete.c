/* Deletes unused tables and chains: a batch of one message with NLM_F_NONREC (linux/netlink.h). */
#include "nftables_delete.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#ifndef NLM_F_NONREC
#define NLM_F_NONREC 0x100
#endif

enum {
	SEQUENCE = 1,
	ANSWER_LIMIT_S = 3,
	/* Names have fewer than 256 bytes (NFT_NAME_MAXLEN). */
	BATCH_BYTES = 1024,
	ANSWER_BYTES = 8192,
};

static void put_header(struct mnl_nlmsg_batch *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t id)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(b));
	struct nfgenmsg *body;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = SEQUENCE;
	body = mnl_nlmsg_put_extra_header(h, sizeof *body);
	body->nfgen_family = family;
	body->version = NFNETLINK_V0;
	body->res_id = htons(id);
}

static void put_deletion(struct mnl_nlmsg_batch *b, uint8_t family, const char *table, const char *chain)
{
	struct nlmsghdr *h = mnl_nlmsg_batch_current(b);

	put_header(b, NFNL_SUBSYS_NFTABLES << 8 | (chain ? NFT_MSG_DELCHAIN : NFT_MSG_DELTABLE), NLM_F_ACK | NLM_F_NONREC,
		   family, 0);
	if (chain) {
		mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, table);
		mnl_attr_put_strz(h, NFTA_CHAIN_NAME, chain);
	} else {
		mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
	}
}

static int send_batch(struct mnl_socket *s, uint8_t family, const char *table, const char *chain)
{
	char bytes[2 * BATCH_BYTES];
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(bytes, BATCH_BYTES);
	ssize_t n;

	if (!b)
		return -ENOMEM;
	put_header(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	mnl_nlmsg_batch_next(b);
	put_deletion(b, family, table, chain);
	mnl_nlmsg_batch_next(b);
	put_header(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	mnl_nlmsg_batch_next(b);
	n = mnl_socket_sendto(s, mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b));
	mnl_nlmsg_batch_stop(b);
	return n < 0 ? -errno : 0;
}

/* The first error, or the acknowledgement. */
static int receive_result(const struct mnl_socket *s)
{
	char answer[ANSWER_BYTES];
	ssize_t n;
	int r;

	do {
		do
			n = mnl_socket_recvfrom(s, answer, sizeof answer);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		errno = 0;
		r = mnl_cb_run(answer, (size_t)n, 0, mnl_socket_get_portid(s), NULL, NULL);
	} while (r > 0);
	return r < 0 ? -(errno ? errno : EIO) : 0;
}

int nftables_delete_unused(uint8_t family, const char *table, const char *chain)
{
	const struct timeval limit = { .tv_sec = ANSWER_LIMIT_S };
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int r;

	if (!s)
		return -errno;
	r = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ? -errno : 0;
	if (r == 0)
		r = send_batch(s, family, table, chain);
	if (r == 0)
		r = receive_result(s);
	mnl_socket_close(s);
	return r;
}
