/* rtnetlink: routing policy rules. libnl-route 3.7 does not support "not" and suppress_prefixlength, so these two are
 * added to its messages, and dumps are parsed here: its objects would lose them. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/rule.h>
#include <stdlib.h>

#include "rtnetlink.h"

/* systemd-networkd removes rules that it did not create, unless their protocol is "kernel". */
static void rule_fill(struct rtnl_rule *out, const struct step_rule *r, bool remove)
{
	rtnl_rule_set_family(out, r->family == IP_V4 ? AF_INET : AF_INET6);
	rtnl_rule_set_action(out, FR_ACT_TO_TBL);
	rtnl_rule_set_table(out, r->table);
	rtnl_rule_set_prio(out, r->pref);
	if (r->mark)
		rtnl_rule_set_mark(out, r->mark);
	if (!remove)
		rtnl_rule_set_protocol(out, RTPROT_KERNEL);
}

struct nl_msg *rtnetlink_build_rule(const struct step_rule *r, bool remove)
{
	struct rtnl_rule *rule = rtnl_rule_alloc();
	struct fib_rule_hdr *body;
	struct nl_msg *m = NULL;
	int error;

	if (!rule)
		return NULL;
	rule_fill(rule, r, remove);
	error = remove ? rtnl_rule_build_delete_request(rule, 0, &m)
		       : rtnl_rule_build_add_request(rule, NLM_F_CREATE | NLM_F_EXCL, &m);
	rtnl_rule_put(rule);
	if (error < 0)
		return NULL;
	body = nlmsg_data(nlmsg_hdr(m));
	if (r->invert)
		body->flags |= FIB_RULE_INVERT;
	if (!r->suppress || nla_put_u32(m, FRA_SUPPRESS_PREFIXLEN, 0) == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

static uint32_t u32_or(struct nlattr *a, uint32_t otherwise)
{
	return a ? nla_get_u32(a) : otherwise;
}

static int handle_rule(void *ctx, struct nl_msg *m)
{
	struct nlmsghdr *h = nlmsg_hdr(m);
	struct rules *rules = ctx;
	struct fib_rule_hdr *body = nlmsg_data(h);
	struct nlattr *a[FRA_MAX + 1];
	struct step_rule *r;

	if (h->nlmsg_type != RTM_NEWRULE || nlmsg_parse(h, sizeof *body, a, FRA_MAX, NULL) < 0)
		return 0;
	if (!vector_reserve(&rules->list, &rules->cap, rules->n + 1, sizeof *rules->list))
		return -ENOMEM;
	r = &rules->list[rules->n++];
	*r = (struct step_rule){ .family = body->family == AF_INET ? IP_V4 : IP_V6,
				 .invert = (body->flags & FIB_RULE_INVERT) != 0,
				 .suppress = u32_or(a[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX) == 0,
				 .pref = u32_or(a[FRA_PRIORITY], 0),
				 .mark = u32_or(a[FRA_FWMARK], 0) };
	if (body->action == FR_ACT_TO_TBL)
		r->table = u32_or(a[FRA_TABLE], body->table);
	/* A rule with selectors that wg-quick never uses is not one of its rules: table 0 matches none of them. */
	if (body->src_len || body->dst_len || body->tos || a[FRA_IIFNAME] || a[FRA_OIFNAME] ||
	    u32_or(a[FRA_FWMASK], UINT32_MAX) != UINT32_MAX)
		r->table = 0;
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
