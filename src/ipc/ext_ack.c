/* Finds the text: after the error, and after the request or its header, which an NLMSG_ERROR repeats. */
#include "ext_ack.h"

#include <linux/netlink.h>

#include "genl_codec.h"

static void add_printable(struct text *t, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && p[i]; i++)
		text_char(t, p[i] >= ' ' && p[i] < 0x7f ? (char)p[i] : '?');
}

void ext_ack_text(struct text *t, const uint8_t *message, size_t n)
{
	struct nlmsghdr h, request;
	struct genl_attr a;
	size_t skip = NLMSG_HDRLEN + sizeof(int);

	if (n < skip)
		return;
	memcpy(&h, message, sizeof h);
	if (!(h.nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (h.nlmsg_type == NLMSG_ERROR) {
		if (n < skip + sizeof request)
			return;
		memcpy(&request, message + skip, sizeof request);
		skip += !(h.nlmsg_flags & NLM_F_CAPPED) && request.nlmsg_len > sizeof request ?
				NLMSG_ALIGN((size_t)request.nlmsg_len) :
				sizeof request;
	}
	if (skip >= n)
		return;
	message += skip;
	n -= skip;
	while (genl_attr_next(&a, &message, &n))
		if (a.type == NLMSGERR_ATTR_MSG) {
			add_printable(t, a.p, a.n);
			return;
		}
}
