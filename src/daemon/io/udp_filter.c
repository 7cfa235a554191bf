/* The filter and the choice of the socket, in classic BPF. Instructions are numbered, because jumps name them. */
#include "udp_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

/* The first word of a message as BPF loads it, in network byte order: a little-endian type, of which the three upper bytes
 * are reserved and zero (whitepaper, 5.4). */
enum { INITIATION = 0x01000000, RESPONSE = 0x02000000, COOKIE_REPLY = 0x03000000, DATA = 0x04000000 };
enum { INITIATION_BYTES = 148, RESPONSE_BYTES = 92, COOKIE_REPLY_BYTES = 64, DATA_MIN_BYTES = 32 };
enum { RECEIVER_INDEX = 4 }; /* its place in a data message */
enum { HEADER = 8 }; /* of UDP: the filter sees it, and its length includes it; the choice does not */

#define LOAD(mode, at) BPF_STMT(BPF_LD | BPF_W | (mode), at)
#define LOAD_X(value) BPF_STMT(BPF_LDX | BPF_IMM, value)
#define COMPUTE(operation, operand, value) BPF_STMT(BPF_ALU | (operation) | (operand), value)
#define GO(from, to) BPF_STMT(BPF_JMP | BPF_JA, (to) - (from) - 1)
#define IF(from, test, value, yes, no) \
	BPF_JUMP(BPF_JMP | (test) | BPF_K, value, (yes) - (from) - 1, (no) - (from) - 1)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static int attach(int fd, int name, struct sock_filter *code, size_t n)
{
	struct sock_fprog program = { (unsigned short)n, code };

	return setsockopt(fd, SOL_SOCKET, name, &program, sizeof program) == 0 ? 0 : -errno;
}

/* A socket with UDP_GRO may get several datagrams joined, as one: all have the length of the first, but for the last, which
 * may be shorter. If the first is a handshake message, its type tells that length, and so where the last one begins,
 * which is checked as well. A load behind the end returns 0, which drops. */
enum { JOINED = 12, LAST = 17, ONE_DATA = 25, ONE_INITIATION = 27, ONE_RESPONSE = 29, ONE_COOKIE_REPLY = 31,
       DROP = 33, KEEP };
static const struct sock_filter messages[] = {
	/* X: the length of every datagram but the last */
	[0] = LOAD(BPF_ABS, HEADER),
	[1] = IF(1, BPF_JEQ, DATA, 2, 4),
	[2] = LOAD_X(0), /* not known: only the first datagram is checked */
	[3] = GO(3, LAST),
	[4] = IF(4, BPF_JEQ, INITIATION, 5, 7),
	[5] = LOAD_X(INITIATION_BYTES),
	[6] = GO(6, JOINED),
	[7] = IF(7, BPF_JEQ, RESPONSE, 8, 10),
	[8] = LOAD_X(RESPONSE_BYTES),
	[9] = GO(9, JOINED),
	[10] = IF(10, BPF_JEQ, COOKIE_REPLY, 11, DROP),
	[11] = LOAD_X(COOKIE_REPLY_BYTES),
	/* X: where the last datagram begins */
	[JOINED] = LOAD(BPF_LEN, 0),
	[13] = COMPUTE(BPF_SUB, BPF_K, HEADER + 1),
	[14] = COMPUTE(BPF_DIV, BPF_X, 0),
	[15] = COMPUTE(BPF_MUL, BPF_X, 0),
	[16] = BPF_STMT(BPF_MISC | BPF_TAX, 0),
	/* M[0]: its length, and HEADER */
	[LAST] = LOAD(BPF_LEN, 0),
	[18] = COMPUTE(BPF_SUB, BPF_X, 0),
	[19] = BPF_STMT(BPF_ST, 0),
	[20] = LOAD(BPF_IND, HEADER),
	[21] = IF(21, BPF_JEQ, DATA, ONE_DATA, 22),
	[22] = IF(22, BPF_JEQ, INITIATION, ONE_INITIATION, 23),
	[23] = IF(23, BPF_JEQ, RESPONSE, ONE_RESPONSE, 24),
	[24] = IF(24, BPF_JEQ, COOKIE_REPLY, ONE_COOKIE_REPLY, DROP),
	[ONE_DATA] = LOAD(BPF_MEM, 0),
	[26] = IF(26, BPF_JGE, HEADER + DATA_MIN_BYTES, KEEP, DROP),
	[ONE_INITIATION] = LOAD(BPF_MEM, 0),
	[28] = IF(28, BPF_JEQ, HEADER + INITIATION_BYTES, KEEP, DROP),
	[ONE_RESPONSE] = LOAD(BPF_MEM, 0),
	[30] = IF(30, BPF_JEQ, HEADER + RESPONSE_BYTES, KEEP, DROP),
	[ONE_COOKIE_REPLY] = LOAD(BPF_MEM, 0),
	[32] = IF(32, BPF_JEQ, HEADER + COOKIE_REPLY_BYTES, KEEP, DROP),
	[DROP] = RETURN(0),
	[KEEP] = RETURN(UINT32_MAX), /* bytes */
};

int udp_filter_attach(int fd)
{
	struct sock_filter code[ARRAY_LEN(messages)];

	memcpy(code, messages, sizeof messages);
	return attach(fd, SO_ATTACH_FILTER, code, ARRAY_LEN(code));
}

/* The same after these instructions, which end it for what was broadcast on the link and is of another kind. The sockets of
 * the port get a copy each of what was sent to a broadcast address. */
int udp_filter_attach_kind(int fd, enum udp_kind kind)
{
	enum { BY_TYPE = 2, OTHER = 5, MESSAGES };
	const uint32_t type = kind == UDP_DATA ? DATA : kind == UDP_INITIATIONS ? INITIATION : RESPONSE;
	const struct sock_filter broadcasts[MESSAGES] = {
		[0] = LOAD(BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		[1] = IF(1, BPF_JEQ, PACKET_BROADCAST, BY_TYPE, MESSAGES),
		[BY_TYPE] = LOAD(BPF_ABS, HEADER),
		[3] = IF(3, BPF_JEQ, type, MESSAGES, 4),
		[4] = IF(4, BPF_JEQ, kind == UDP_REPLIES ? COOKIE_REPLY : type, MESSAGES, OTHER),
		[OTHER] = RETURN(0),
	};
	struct sock_filter code[MESSAGES + ARRAY_LEN(messages)];

	memcpy(code, broadcasts, sizeof broadcasts);
	memcpy(code + MESSAGES, messages, sizeof messages);
	return attach(fd, SO_ATTACH_FILTER, code, ARRAY_LEN(code));
}

int udp_filter_attach_drop(int fd)
{
	struct sock_filter code[] = { RETURN(0) };

	return attach(fd, SO_ATTACH_FILTER, code, ARRAY_LEN(code));
}

/* A datagram that is too short for a load returns 0, the first socket for data. */
int udp_filter_attach_choice(int fd, unsigned int n_data)
{
	enum { BY_INDEX = 4, MORE = 7, FIRST = 9, TO_INITIATIONS, TO_REPLIES };
	struct sock_filter code[] = {
		[0] = LOAD(BPF_ABS, 0),
		[1] = IF(1, BPF_JEQ, INITIATION, TO_INITIATIONS, 2),
		[2] = IF(2, BPF_JEQ, RESPONSE, TO_REPLIES, 3),
		[3] = IF(3, BPF_JEQ, COOKIE_REPLY, TO_REPLIES, BY_INDEX),
		[BY_INDEX] = LOAD(BPF_ABS, RECEIVER_INDEX),
		[5] = COMPUTE(BPF_MOD, BPF_K, n_data),
		[6] = IF(6, BPF_JEQ, 0, FIRST, MORE),
		[MORE] = COMPUTE(BPF_ADD, BPF_K, UDP_REPLIES),
		[8] = BPF_STMT(BPF_RET | BPF_A, 0),
		[FIRST] = RETURN(UDP_DATA),
		[TO_INITIATIONS] = RETURN(UDP_INITIATIONS),
		[TO_REPLIES] = RETURN(UDP_REPLIES),
	};

	return attach(fd, SO_ATTACH_REUSEPORT_CBPF, code, ARRAY_LEN(code));
}
