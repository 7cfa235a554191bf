/* torn NAME SECONDS: dumps the device repeatedly, without retrying, until the kernel has marked three dumps as interrupted
 * (NLM_F_DUMP_INTR) and three not, for at most SECONDS, and prints their numbers: proof that the retry of ipc_get is
 * exercised. Exit status 1 if there were only dumps of one kind. */
#include <errno.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ipc/genl_abi.h"
#include "ipc/genl_codec.h"
#include "ipc/netlink.h"

static size_t head(uint8_t *p, uint8_t command, uint8_t version)
{
	struct genlmsghdr h = { .cmd = command, .version = version };

	memcpy(p, &h, sizeof h);
	return sizeof h;
}

static int take_family(void *ctx, uint16_t type, const uint8_t *p, size_t n)
{
	struct genl_attr a;

	(void)type;
	p += GENL_HDRLEN;
	n -= GENL_HDRLEN;
	while (genl_attr_next(&a, &p, &n))
		if (a.type == CTRL_ATTR_FAMILY_ID)
			memcpy(ctx, a.p, 2);
	return 0;
}

int main(int argc, char *argv[])
{
	unsigned long torn = 0, whole = 0;
	struct netlink s;
	uint16_t family = 0;
	time_t end;
	size_t n;

	if (argc != 3 || netlink_open(&s, NETLINK_GENERIC) != 0)
		return 1;
	n = head(netlink_body(&s), CTRL_CMD_GETFAMILY, 1);
	n += genl_attr_put(netlink_body(&s) + n, CTRL_ATTR_FAMILY_NAME, GENL_FAMILY_NAME, sizeof GENL_FAMILY_NAME);
	if (netlink_request(&s, GENL_ID_CTRL, 0, n, take_family, &family) != 0)
		return 1;
	end = time(NULL) + atoi(argv[2]);
	while (time(NULL) < end && (torn < 3 || whole < 3)) {
		n = head(netlink_body(&s), GENL_GET_DEVICE, GENL_FAMILY_VERSION);
		n += genl_encode_get(netlink_body(&s) + n, argv[1]);
		switch (netlink_request(&s, family, NLM_F_DUMP, n, NULL, NULL)) {
		case 0: whole++; break;
		case -EINTR: torn++; break;
		default: return 1;
		}
	}
	netlink_close(&s);
	printf("%lu torn, %lu whole\n", torn, whole);
	return torn > 0 && whole > 0 ? 0 : 1;
}
