/* Socket filters. A message is a struct nlmsghdr, the body of its kind, and attributes. Loads are in network order, so what the
 * kernel keeps in host order is compared with the converted constant. */
#include "event_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/vector.h"
#include "quick/config/table_name.h"

/* ---- what concerns tunnels ---- */

static int add_number(uint32_t **list, size_t *n, size_t *cap, uint32_t number)
{
	for (size_t i = 0; i < *n; i++)
		if ((*list)[i] == number)
			return 0;
	if (!vector_reserve(list, cap, *n + 1, sizeof **list))
		return -ENOMEM;
	(*list)[(*n)++] = number;
	return 0;
}

int event_interest_add_link(struct event_interest *i, uint32_t link)
{
	return add_number(&i->links, &i->n_links, &i->cap_links, link);
}

int event_interest_add_table(struct event_interest *i, uint32_t table)
{
	return add_number(&i->tables, &i->n_tables, &i->cap_tables, table);
}

int event_interest_add_address(struct event_interest *i, const struct ip_addr *a)
{
	if (i->n_addresses > INTEREST_MAX)
		return 0;
	for (size_t k = 0; k < i->n_addresses; k++)
		if (ip_equal(&i->addresses[k], a))
			return 0;
	if (!vector_reserve(&i->addresses, &i->cap_addresses, i->n_addresses + 1, sizeof *i->addresses))
		return -ENOMEM;
	i->addresses[i->n_addresses++] = *a;
	return 0;
}

void event_interest_free(struct event_interest *i)
{
	free(i->links);
	free(i->tables);
	free(i->addresses);
	*i = (struct event_interest){ 0 };
}

/* ---- programs ---- */

enum { ACCEPT = 0x7fffffff, DROP = 0 };
enum { AT_LENGTH = 0, AT_TYPE = 4, AT_BODY = NLMSG_HDRLEN };
enum { WORD_OF_FIRST = 0 }; /* of scratch memory */

struct program {
	struct sock_filter *list; /* owned */
	size_t n, cap;
	bool failed;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (!vector_reserve(&p->list, &p->cap, p->n + 1, sizeof *p->list)) {
		p->failed = true;
		return;
	}
	p->list[p->n++] = (struct sock_filter){ code, yes, no, k };
}

static void verdict(struct program *p, uint32_t bytes)
{
	add(p, BPF_RET | BPF_K, bytes, 0, 0);
}

static void verdict_if_equal(struct program *p, uint32_t k, uint32_t bytes)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	verdict(p, bytes);
}

/* Continues with the instruction after the next one where the value is k, else with that next one, which is a verdict. */
static void require(struct program *p, uint32_t k, uint32_t otherwise)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	verdict(p, otherwise);
}

static void load_half(struct program *p, uint32_t at)
{
	add(p, BPF_LD | BPF_H | BPF_ABS, at, 0, 0);
}

static void load_byte(struct program *p, uint32_t at)
{
	add(p, BPF_LD | BPF_B | BPF_ABS, at, 0, 0);
}

/* Where the attribute is, in X; the next instructions, `skipped` of them, are left out if the message has none. */
static void find_attribute(struct program *p, uint32_t first, uint32_t type, uint8_t skipped)
{
	add(p, BPF_LDX | BPF_IMM, type, 0, 0);
	add(p, BPF_LD | BPF_IMM, first, 0, 0);
	add(p, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR), 0, 0);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(skipped + 1), 0);
	add(p, BPF_MISC | BPF_TAX, 0, 0, 0);
}

static void load_attribute(struct program *p)
{
	add(p, BPF_LD | BPF_W | BPF_IND, NLA_HDRLEN, 0, 0);
}

static int attach(int fd, struct program *p)
{
	struct sock_fprog program = { .len = (unsigned short)p->n, .filter = p->list };
	int r = p->failed ? -ENOMEM : p->n > BPF_MAXINSNS ? -E2BIG : 0;

	if (r == 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
		r = -errno;
	free(p->list);
	return r;
}

/* ---- routes ---- */

enum { AT_FAMILY = AT_BODY + offsetof(struct rtmsg, rtm_family), AT_BITS = AT_BODY + offsetof(struct rtmsg, rtm_dst_len),
       AT_TABLE = AT_BODY + offsetof(struct rtmsg, rtm_table),
       AT_ATTRIBUTES = AT_BODY + NLMSG_ALIGN(sizeof(struct rtmsg)) };

/* A list of values of which any is accepted, for an attribute in host order; zero stands for its absence. */
static void accept_values(struct program *p, uint32_t type, const uint32_t *list, size_t n)
{
	find_attribute(p, AT_ATTRIBUTES, type, 1);
	load_attribute(p);
	for (size_t i = 0; i < n; i++)
		verdict_if_equal(p, htonl(list[i]), ACCEPT);
}

/* Of IPv6, the first four bytes: a few routes too many are events. X is the number of low bits that do not count. */
static void accept_covering(struct program *p, const struct event_interest *interest, uint8_t family)
{
	load_byte(p, AT_BITS);
	add(p, BPF_JMP | BPF_JGT | BPF_K, 32, 0, 1);
	add(p, BPF_LD | BPF_IMM, 32, 0, 0);
	add(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	add(p, BPF_LD | BPF_IMM, 32, 0, 0);
	add(p, BPF_ALU | BPF_SUB | BPF_X, 0, 0, 0);
	add(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	for (size_t i = 0; i < interest->n_addresses; i++) {
		const struct ip_addr *a = &interest->addresses[i];
		if (a->family != family)
			continue;
		add(p, BPF_LD | BPF_MEM, WORD_OF_FIRST, 0, 0);
		add(p, BPF_ALU | BPF_XOR | BPF_K, load_be32(a->b), 0, 0);
		add(p, BPF_ALU | BPF_RSH | BPF_X, 0, 0, 0);
		verdict_if_equal(p, 0, ACCEPT);
	}
	verdict(p, DROP);
}

static bool is_too_large(const struct event_interest *i)
{
	return i->n_links > INTEREST_MAX || i->n_tables > INTEREST_MAX || i->n_addresses > INTEREST_MAX;
}

static void accept_routes(struct program *p, const struct event_interest *i)
{
	struct program v6 = { 0 };

	load_byte(p, AT_BITS);
	verdict_if_equal(p, 0, ACCEPT);
	accept_values(p, RTA_OIF, i->links, i->n_links);
	accept_values(p, RTA_TABLE, i->tables, i->n_tables);
	load_byte(p, AT_TABLE);
	require(p, RT_TABLE_MAIN, DROP);
	find_attribute(p, AT_ATTRIBUTES, RTA_DST, 1);
	load_attribute(p);
	add(p, BPF_ST, WORD_OF_FIRST, 0, 0);
	accept_covering(&v6, i, IP_V6);
	load_byte(p, AT_FAMILY);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1);
	add(p, BPF_JMP | BPF_JA, 1, 0, 0);
	add(p, BPF_JMP | BPF_JA, (uint32_t)v6.n, 0, 0);
	for (size_t k = 0; k < v6.n; k++)
		add(p, v6.list[k].code, v6.list[k].k, v6.list[k].jt, v6.list[k].jf);
	p->failed |= v6.failed;
	free(v6.list);
	accept_covering(p, i, IP_V4);
}

int event_filter_routes(int fd, const struct event_interest *i)
{
	struct program p = { 0 };

	load_half(&p, AT_TYPE);
	add(&p, BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 2, 0);
	add(&p, BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 1, 0);
	verdict(&p, ACCEPT);
	if (is_too_large(i)) {
		load_byte(&p, AT_TABLE);
		verdict_if_equal(&p, RT_TABLE_LOCAL, DROP);
		verdict(&p, ACCEPT);
	} else {
		accept_routes(&p, i);
	}
	return attach(fd, &p);
}

/* ---- nftables ---- */

enum { MESSAGES_READ = 24, WORD_OF_LENGTH = 1, WORD_OF_OFFSET = 2 };

/* X, the offset of a message, becomes that of the next one. Messages are shorter than 64 KiB. */
static void go_to_next(struct program *p)
{
	static const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	add(p, BPF_STX, WORD_OF_OFFSET, 0, 0);
	add(p, BPF_LD | BPF_B | BPF_IND, AT_LENGTH + (little ? 1 : 2), 0, 0);
	add(p, BPF_ALU | BPF_LSH | BPF_K, 8, 0, 0);
	add(p, BPF_ST, WORD_OF_LENGTH, 0, 0);
	add(p, BPF_LD | BPF_B | BPF_IND, AT_LENGTH + (little ? 0 : 3), 0, 0);
	add(p, BPF_LDX | BPF_MEM, WORD_OF_LENGTH, 0, 0);
	add(p, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
	add(p, BPF_ALU | BPF_ADD | BPF_K, NLMSG_ALIGNTO - 1, 0, 0);
	add(p, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)(NLMSG_ALIGNTO - 1), 0, 0);
	add(p, BPF_LDX | BPF_MEM, WORD_OF_OFFSET, 0, 0);
	add(p, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
	add(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	/* Until the end of the packet. */
	add(p, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
	add(p, BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0);
	verdict(p, DROP);
}

/* Of the message at X. The name of the table is the first attribute of all kinds. */
static void accept_removal(struct program *p)
{
	/* The first four bytes of names of tables; raw and mangle are those of iptables-nft. */
	static const char names[][4] = { { 'w', 'g', '-', 'q' }, { 'w', 'g', 's', 'u' }, { 'r', 'a', 'w', '\0' }, { 'm', 'a', 'n', 'g' } };
	static const uint8_t kinds[] = { NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE };
	const uint32_t name = AT_BODY + NLMSG_ALIGN(sizeof(struct nfgenmsg)) + NLA_HDRLEN;

	add(p, BPF_LD | BPF_H | BPF_IND, AT_TYPE, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		add(p, BPF_JMP | BPF_JEQ | BPF_K, htons((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | kinds[i])), (uint8_t)(ARRAY_LEN(kinds) - i), 0);
	add(p, BPF_JMP | BPF_JA, 1 + 2 * ARRAY_LEN(names), 0, 0);
	add(p, BPF_LD | BPF_W | BPF_IND, name, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		verdict_if_equal(p, load_be32((const uint8_t *)names[i]), ACCEPT);
}

/* The kernel puts several messages into one packet; one with more than are read here is an event. */
int event_filter_firewall(int fd)
{
	struct program p = { 0 };

	add(&p, BPF_LDX | BPF_IMM, 0, 0, 0);
	for (int i = 0; i < MESSAGES_READ; i++) {
		accept_removal(&p);
		go_to_next(&p);
	}
	verdict(&p, ACCEPT);
	return attach(fd, &p);
}
