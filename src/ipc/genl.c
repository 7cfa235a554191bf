/* The kernel's WireGuard devices over generic netlink: one socket and one family id for all of them. */
#include <errno.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <unistd.h>

#include "genl_abi.h"
#include "genl_codec.h"
#include "link.h"
#include "transport.h"

struct ipc_kernel {
	struct netlink rt;   /* request is null until opened */
	struct netlink genl;
	uint16_t family;     /* 0: not asked yet */
};

static int kernel_open_rt(struct ipc *c)
{
	if (!c->kernel)
		c->kernel = calloc(1, sizeof *c->kernel);
	if (!c->kernel)
		return -ENOMEM;
	return c->kernel->rt.request ? 0 : netlink_open(&c->kernel->rt, NETLINK_ROUTE);
}

void kernel_close(struct ipc *c)
{
	if (!c->kernel)
		return;
	netlink_close(&c->kernel->rt);
	netlink_close(&c->kernel->genl);
	free(c->kernel);
	c->kernel = NULL;
}

static size_t genl_header(uint8_t *out, uint8_t command, uint8_t version)
{
	struct genlmsghdr h = { .cmd = command, .version = version };

	memcpy(out, &h, sizeof h);
	return sizeof h;
}

static int take_family(void *ctx, uint16_t type, const uint8_t *p, size_t n)
{
	uint16_t *family = ctx;
	struct genl_attr a;

	if (type != GENL_ID_CTRL || n < GENL_HDRLEN)
		return 0;
	p += GENL_HDRLEN;
	n -= GENL_HDRLEN;
	while (genl_attr_next(&a, &p, &n))
		if (a.type == CTRL_ATTR_FAMILY_ID && a.n == sizeof *family)
			memcpy(family, a.p, sizeof *family);
	return 0;
}

/* -EPROTONOSUPPORT: this kernel has no WireGuard. */
static int kernel_open(struct ipc *c)
{
	struct ipc_kernel *k;
	uint8_t *body;
	size_t n;
	int rc = kernel_open_rt(c);

	if (rc)
		return rc;
	k = c->kernel;
	if (!k->genl.request)
		rc = netlink_open(&k->genl, NETLINK_GENERIC);
	if (rc || k->family)
		return rc;
	body = netlink_body(&k->genl);
	n = genl_header(body, CTRL_CMD_GETFAMILY, 1);
	n += genl_attr_put(body + n, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME, sizeof WG_GENL_NAME);
	rc = netlink_ask(&k->genl, GENL_ID_CTRL, 0, n, take_family, &k->family);
	if (rc == -ENOENT || (rc == 0 && k->family == 0))
		return -EPROTONOSUPPORT;
	return rc;
}

int kernel_list(struct ipc *c, struct ipc_names *out)
{
	int rc = kernel_open_rt(c);

	return rc ? rc : link_list(&c->kernel->rt, out);
}

/* The module shows itself there, loaded or built in. Without it no link is of its kind, and libmnl need
 * not be loaded to learn that: a tenth of the time of a small `wg show`. */
static bool kernel_may_have_any(void)
{
	return access("/sys/module/wireguard", F_OK) == 0 || errno != ENOENT ||
	       access("/sys/module", F_OK) != 0;
}

bool kernel_has(struct ipc *c, const char *name)
{
	bool is_wireguard;

	return kernel_may_have_any() && kernel_open_rt(c) == 0 &&
	       link_look(&c->kernel->rt, name, &is_wireguard) == 0 && is_wireguard;
}

struct dump {
	struct wg_device *out;
	uint16_t family;
};

static int take_device(void *ctx, uint16_t type, const uint8_t *p, size_t n)
{
	struct dump *d = ctx;

	if (type != d->family)
		return 0;
	if (n < GENL_HDRLEN)
		return -EPROTO;
	return genl_decode(d->out, p + GENL_HDRLEN, n - GENL_HDRLEN);
}

int kernel_get(struct ipc *c, struct wg_device *out, const char *name)
{
	struct dump d = { .out = out };
	uint8_t *body;
	size_t n;
	int rc = kernel_open(c);

	*out = (struct wg_device){ 0 };
	if (rc)
		return rc;
	d.family = c->kernel->family;
	do { /* a dump that the device changed under is no state it ever had */
		device_free(out);
		body = netlink_body(&c->kernel->genl);
		n = genl_header(body, GENL_GET_DEVICE, WG_GENL_VERSION);
		n += genl_encode_get(body + n, name);
		rc = netlink_ask(&c->kernel->genl, d.family, NLM_F_DUMP, n, take_device, &d);
	} while (rc == -EINTR);
	if (rc == 0 && out->name[0] == '\0')
		rc = -EPROTO; /* a dump of nothing */
	if (rc)
		device_free(out);
	return rc;
}

/* No key twice: what a message does to its peers, no other message of the patch changes. */
static bool peers_differ(const struct wg_device *patch)
{
	struct peer_index index;
	bool differ = peer_index_build(&index, patch);

	for (uint32_t i = 0; differ && i < patch->n_peers; i++)
		differ = peer_index_find(&index, patch, &patch->peers[i].public_key) ==
			 &patch->peers[i];
	peer_index_free(&index);
	return differ;
}

/* Queues the next message of the patch; false: there is none. */
static bool queue_next(struct netlink *s, struct genl_encoder *e, uint16_t family)
{
	size_t room = netlink_body_room(s) - GENL_HDRLEN;
	size_t head = genl_header(netlink_body(s), GENL_SET_DEVICE, WG_GENL_VERSION);
	size_t n = genl_encode(e, netlink_body(s) + head,
			       room < GENL_PAYLOAD_MAX ? room : GENL_PAYLOAD_MAX);

	if (n > 0)
		netlink_queue(s, family, 0, head + n);
	return n > 0;
}

/* Messages of about 64 KiB, three in a send where none needs another. The kernel obeys one before it
 * looks at the next, and goes on after one that it refuses. So the first, with what is the device's own
 * and the order to drop all peers, is awaited alone: new peers beside old ones, because the port was
 * taken, are nobody's wish. The rest of a peer that was cut is not sent before its beginning is
 * acknowledged, nor anything together when a key stands twice in the patch: else a peer could come to be
 * without its preshared key. What is left are whole peers: after a refusal each is as it was or as asked,
 * and no more is sent.
 * There is little to win, as the kernel does its work inside send(). 2,000 peers, emulated, the least of
 * twelve: 10.4 ms one by one, 10.1 three at a time; 10.9 in messages of 4 KiB. */
int kernel_set(struct ipc *c, const struct wg_device *patch)
{
	struct genl_encoder e;
	struct netlink *s;
	bool first = true, together = false;
	int rc = kernel_open(c);

	if (rc)
		return rc;
	s = &c->kernel->genl;
	genl_encoder_init(&e, patch);
	while (rc == 0 && queue_next(s, &e, c->kernel->family)) {
		if (together && !e.peer_begun && netlink_body_room(s) >= GENL_HDRLEN + GENL_PAYLOAD_MAX)
			continue;
		rc = netlink_flush(s);
		if (first)
			together = e.peer < patch->n_peers && peers_differ(patch);
		first = false;
	}
	if (rc == 0)
		rc = netlink_flush(s);
	return rc == 0 && e.failed ? -EINVAL : rc;
}
