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

	return kernel_may_have_any() && kernel_open_rt(c) == 0 && link_look(&c->kernel->rt, name, &is_wireguard) == 0 &&
	       is_wireguard;
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

/* Piece by piece: the kernel has applied one before it takes the next, so the first refusal ends it. */
int kernel_set(struct ipc *c, const struct wg_device *patch)
{
	struct genl_encoder e;
	uint8_t *body;
	size_t head, n;
	int rc = kernel_open(c);

	if (rc)
		return rc;
	genl_encoder_init(&e, patch);
	body = netlink_body(&c->kernel->genl);
	while (rc == 0) {
		head = genl_header(body, GENL_SET_DEVICE, WG_GENL_VERSION);
		n = genl_encode(&e, body + head, GENL_PAYLOAD_MAX);
		if (n == 0)
			return e.failed ? -EINVAL : 0;
		rc = netlink_ask(&c->kernel->genl, c->kernel->family, 0, head + n, NULL, NULL);
	}
	return rc;
}
