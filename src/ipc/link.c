/* RTM_GETLINK for one name and as a dump. */
#include "link.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "genl_codec.h"

static_assert(sizeof(struct ifinfomsg) == 16, "link messages start with 16 bytes");

static const char KIND[] = "wireguard";

static bool is_text(const struct genl_attr *a, const char *text)
{
	size_t n = strnlen((const char *)a->p, a->n);

	return n == strlen(text) && memcmp(a->p, text, n) == 0;
}

static bool info_is_wireguard(const struct genl_attr *info)
{
	const uint8_t *p = info->p;
	size_t n = info->n;
	struct genl_attr a;

	while (genl_attr_next(&a, &p, &n))
		if (a.type == IFLA_INFO_KIND)
			return is_text(&a, KIND);
	return false;
}

/* Index, name and kind from a link message. False for any other message. */
static bool link_read(struct ipc_name *out, bool *is_wireguard, uint16_t type, const uint8_t *p,
		      size_t n)
{
	struct ifinfomsg head;
	struct genl_attr a;
	size_t length;

	*out = (struct ipc_name){ .backend = IPC_KERNEL };
	*is_wireguard = false;
	if (type != RTM_NEWLINK || n < sizeof head)
		return false;
	memcpy(&head, p, sizeof head);
	out->ifindex = (uint32_t)head.ifi_index;
	p += sizeof head;
	n -= sizeof head;
	while (genl_attr_next(&a, &p, &n)) {
		length = strnlen((const char *)a.p, a.n);
		if (a.type == IFLA_IFNAME && length < sizeof out->name)
			memcpy(out->name, a.p, length);
		if (a.type == IFLA_LINKINFO)
			*is_wireguard = info_is_wireguard(&a);
	}
	return out->name[0] != '\0';
}

/* The fixed part of the request, and no statistics in the reply. */
static size_t link_request(uint8_t *out)
{
	struct ifinfomsg head = { .ifi_family = 0 };
	uint32_t mask = RTEXT_FILTER_SKIP_STATS;

	memcpy(out, &head, sizeof head);
	return sizeof head + genl_attr_put(out + sizeof head, IFLA_EXT_MASK, &mask, sizeof mask);
}

static int index_reply(void *ctx, uint16_t type, const uint8_t *p, size_t n)
{
	uint32_t *ifindex = ctx;
	struct ipc_name name;
	bool is_wireguard;

	if (link_read(&name, &is_wireguard, type, p, n))
		*ifindex = is_wireguard ? name.ifindex : 0;
	return 0;
}

int link_index(struct netlink *rt, const char *name, uint32_t *ifindex)
{
	uint8_t *body = netlink_body(rt);
	size_t n = link_request(body);

	*ifindex = 0;
	n += genl_attr_put(body + n, IFLA_IFNAME, name, strlen(name) + 1);
	return netlink_request(rt, RTM_GETLINK, 0, n, index_reply, ifindex);
}

static int list_reply(void *ctx, uint16_t type, const uint8_t *p, size_t n)
{
	struct ipc_name name;
	bool is_wireguard;

	if (!link_read(&name, &is_wireguard, type, p, n) || !is_wireguard)
		return 0;
	return ipc_names_add(ctx, &name);
}

static int by_index(const void *a, const void *b)
{
	const struct ipc_name *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

/* Asks the kernel to filter the dump; kernels without filters, or without the kind, dump every link. */
static size_t kind_filter(uint8_t *out)
{
	uint8_t info[32];
	size_t n = genl_attr_put(info, IFLA_INFO_KIND, KIND, sizeof KIND);

	return genl_attr_put(out, IFLA_LINKINFO, info, n);
}

int link_list(struct netlink *rt, struct ipc_names *out)
{
	enum { TRIES = 8 };
	int rc = -EINTR;

	for (int i = 0; i < TRIES && rc == -EINTR; i++) { /* a change during the dump makes it inconsistent */
		uint8_t *body = netlink_body(rt);
		size_t n = link_request(body);

		n += kind_filter(body + n);
		ipc_names_free(out);
		rc = netlink_request(rt, RTM_GETLINK, NLM_F_DUMP, n, list_reply, out);
	}
	if (rc && rc != -EINTR) {
		ipc_names_free(out);
		return rc;
	}
	if (out->n > 1)
		qsort(out->list, out->n, sizeof *out->list, by_index);
	return 0;
}
