/* rtnetlink: routing policy rules. libnl-route 3.7 does not support "not" and suppress_prefixlength, and before 3.5 no
 * protocol, so these are added to its messages, and dumps are parsed here: its objects would lose them. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/rule.h>
#include <stdlib.h>

#include "rtnetlink.h"

static void rule_fill(struct rtnl_rule *out, const struct step_rule *r)
{
	rtnl_rule_set_family(out, r->family == IP_V4 ? AF_INET : AF_INET6);
	rtnl_rule_set_action(out, FR_ACT_TO_TBL);
	rtnl_rule_set_table(out, r->table);
	rtnl_rule_set_prio(out, r->pref);
	if (r->mark)
		rtnl_rule_set_mark(out, r->mark);
}

static int put_attributes(struct nl_msg *m, const struct step_rule *r, bool remove)
{
	int error = r->suppress ? nla_put_u32(m, FRA_SUPPRESS_PREFIXLEN, 0) : 0;

	/* systemd-networkd removes rules that it did not create, unless their protocol is "kernel". */
	if (!remove && !error)
		error = nla_put_u8(m, FRA_PROTOCOL, RTPROT_KERNEL);
	return error;
}

struct nl_msg *rtnetlink_build_rule(const struct step_rule *r, bool remove)
{
	struct rtnl_rule *rule = rtnl_rule_alloc();
	struct fib_rule_hdr *body;
	struct nl_msg *m = NULL;
	int error;

	if (!rule)
		return NULL;
	rule_fill(rule, r);
	error = remove ? rtnl_rule_build_delete_request(rule, 0, &m)
		       : rtnl_rule_build_add_request(rule, NLM_F_CREATE | NLM_F_EXCL, &m);
	rtnl_rule_put(rule);
	if (error < 0)
		return NULL;
	body = nlmsg_data(nlmsg_hdr(m));
	if (r->invert)
		body->flags |= FIB_RULE_INVERT;
	if (put_attributes(m, r, remove) == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

/* Reads an attribute. False: a selector or an action that wg-quick never uses. */
static bool read_attribute(struct step_rule *r, struct nlattr *a)
{
	switch (nla_type(a)) {
	case FRA_PRIORITY:
		r->pref = nla_get_u32(a);
		return true;
	case FRA_FWMARK:
		r->mark = nla_get_u32(a);
		return true;
	case FRA_TABLE:
		r->table = nla_get_u32(a);
		return true;
	case FRA_FWMASK:
		return nla_get_u32(a) == UINT32_MAX;
	case FRA_SUPPRESS_PREFIXLEN:
		r->suppress = nla_get_u32(a) == 0;
		return r->suppress || nla_get_u32(a) == UINT32_MAX;
	case FRA_PROTOCOL:
		r->own = nla_get_u8(a) == RTPROT_KERNEL;
		return true;
	case FRA_PAD:
		return true;
	}
	return false;
}

static bool is_final(uint8_t action)
{
	return action == FR_ACT_UNREACHABLE || action == FR_ACT_BLACKHOLE || action == FR_ACT_PROHIBIT;
}

/* Attributes are read one by one, because those that this kernel's headers do not know count as well. A rule that is
 * not one that wg-quick could have added has table 0. */
static void parse_rule(struct step_rule *r, struct nlmsghdr *h)
{
	struct fib_rule_hdr *body = nlmsg_data(h);
	bool known = !body->src_len && !body->dst_len && !body->tos;
	struct nlattr *a;
	int left;

	*r = (struct step_rule){ .family = body->family == AF_INET ? IP_V4 : IP_V6,
				 .invert = (body->flags & FIB_RULE_INVERT) != 0,
				 .table = body->table };
	nlmsg_for_each_attr(a, h, sizeof *body, left)
		known &= read_attribute(r, a);
	r->ends = known && is_final(body->action);
	if (!known || body->action != FR_ACT_TO_TBL)
		r->table = 0;
}

static int handle_rule(void *ctx, struct nl_msg *m)
{
	struct nlmsghdr *h = nlmsg_hdr(m);
	struct rules *rules = ctx;

	if (h->nlmsg_type != RTM_NEWRULE || !nlmsg_valid_hdr(h, sizeof(struct fib_rule_hdr)))
		return 0;
	if (!vector_reserve(&rules->list, &rules->cap, rules->n + 1, sizeof *rules->list))
		return -ENOMEM;
	parse_rule(&rules->list[rules->n++], h);
	return 0;
}

int rtnetlink_rules(struct rtnetlink *rt, uint8_t family, struct rules *out)
{
	struct fib_rule_hdr body = { .family = family == IP_V4 ? AF_INET : AF_INET6 };
	struct nl_msg *m = nlmsg_alloc_size(128);
	int r;

	if (!m || !nlmsg_put(m, 0, 0, RTM_GETRULE, 0, 0) ||
	    nlmsg_append(m, &body, sizeof body, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	r = rtnetlink_dump(rt, m, handle_rule, out, &out->n);
	return r == -EOPNOTSUPP || r == -EAFNOSUPPORT ? 0 : r; /* the kernel lacks this family */
}
