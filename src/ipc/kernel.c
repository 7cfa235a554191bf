/* Requests to the wireguard family, and the order in which a large patch is sent. */
#include "kernel.h"

#include <assert.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <unistd.h>

#include "genl_abi.h"
#include "genl_codec.h"
#include "link.h"

static_assert(sizeof(struct genlmsghdr) == 4 && GENL_HDRLEN == 4, "the generic netlink header is 4 bytes");

static int open_rt(struct ipc_kernel *k)
{
	return k->rt.requests ? 0 : netlink_open(&k->rt, NETLINK_ROUTE);
}

void kernel_close(struct ipc_kernel *k)
{
	netlink_close(&k->rt);
	netlink_close(&k->genl);
	*k = (struct ipc_kernel){ 0 };
}

static size_t genl_header(uint8_t *out, uint8_t command, uint8_t version)
{
	struct genlmsghdr h = { .cmd = command, .version = version };

	memcpy(out, &h, sizeof h);
	return sizeof h;
}

static int family_reply(void *ctx, uint16_t type, const uint8_t *p, size_t n)
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

static int open_genl(struct ipc_kernel *k)
{
	uint8_t *body;
	size_t n;
	int rc = 0;

	if (!k->genl.requests)
		rc = netlink_open(&k->genl, NETLINK_GENERIC);
	if (rc || k->family)
		return rc;
	body = netlink_body(&k->genl);
	n = genl_header(body, CTRL_CMD_GETFAMILY, 1);
	n += genl_attr_put(body + n, CTRL_ATTR_FAMILY_NAME, GENL_FAMILY_NAME, sizeof GENL_FAMILY_NAME);
	rc = netlink_request(&k->genl, GENL_ID_CTRL, 0, n, family_reply, &k->family);
	if (rc == -ENOENT || (rc == 0 && k->family == 0))
		return -EPROTONOSUPPORT;
	return rc;
}

int kernel_list(struct ipc_kernel *k, struct ipc_names *out)
{
	int rc = open_rt(k);

	return rc ? rc : link_list(&k->rt, out);
}

/* Without the module, loaded or built in, there is no link of its kind. Testing that first saves the netlink socket and a
 * request. */
static bool module_may_be_present(void)
{
	return access("/sys/module/wireguard", F_OK) == 0 || errno != ENOENT ||
	       access("/sys/module", F_OK) != 0;
}

int kernel_index(struct ipc_kernel *k, const char *name, uint32_t *ifindex)
{
	int rc = module_may_be_present() ? open_rt(k) : -ENODEV;

	if (rc == 0)
		rc = link_index(&k->rt, name, ifindex);
	return rc == 0 && *ifindex == 0 ? -ENODEV : rc;
}

struct dump {
	struct wg_device *out;
	uint16_t family;
};

static int device_reply(void *ctx, uint16_t type, const uint8_t *p, size_t n)
{
	struct dump *d = ctx;

	if (type != d->family)
		return 0;
	if (n < GENL_HDRLEN)
		return -EPROTO;
	return genl_decode(d->out, p + GENL_HDRLEN, n - GENL_HDRLEN);
}

int kernel_get(struct ipc_kernel *k, struct wg_device *out, const char *name)
{
	struct dump d = { .out = out };
	uint8_t *body;
	size_t n;
	int rc = open_genl(k);

	*out = (struct wg_device){ 0 };
	if (rc)
		return rc;
	d.family = k->family;
	do { /* the device changed during the dump: repeat it for a consistent state */
		device_free(out);
		body = netlink_body(&k->genl);
		n = genl_header(body, GENL_GET_DEVICE, GENL_FAMILY_VERSION);
		n += genl_encode_get(body + n, name);
		rc = netlink_request(&k->genl, d.family, NLM_F_DUMP, n, device_reply, &d);
	} while (rc == -EINTR);
	if (rc == 0 && out->name[0] == '\0')
		rc = -EPROTO; /* an empty dump */
	if (rc)
		device_free(out);
	return rc;
}

/* True if no two peers of the patch have the same key, so that no two messages change the same peer. */
static bool keys_are_distinct(const struct wg_device *patch)
{
	struct peer_index index;
	bool distinct = peer_index_build(&index, patch);

	for (uint32_t i = 0; distinct && i < patch->n_peers; i++)
		distinct = peer_index_find(&index, patch, &patch->peers[i].public_key) == &patch->peers[i];
	peer_index_free(&index);
	return distinct;
}

/* Queues the next message of the patch. False: all are queued, or the encoder failed. */
static bool queue_next(struct netlink *s, struct genl_encoder *e, uint16_t family)
{
	size_t space = netlink_body_space(s) - GENL_HDRLEN;
	size_t head = genl_header(netlink_body(s), GENL_SET_DEVICE, GENL_FAMILY_VERSION);
	size_t n = genl_encode(e, netlink_body(s) + head, space < GENL_PAYLOAD_MAX ? space : GENL_PAYLOAD_MAX);

	if (n > 0)
		netlink_queue(s, family, 0, head + n);
	return n > 0;
}

/* Messages are about 64 KiB; up to three go out in one send if they are independent. The kernel processes them in
 * order and continues after one that it refuses. Therefore
 *  - the first message, with the device's own settings and "replace peers", is acknowledged before the next: new
 *    peers must not be added to the old ones if, for example, the port is in use;
 *  - the rest of a peer that spans messages waits for the acknowledgement of its beginning, and nothing is combined
 *    if a key occurs twice in the patch: otherwise a peer could end up without its preshared key.
 * All other messages hold whole peers: after a refusal each peer is either unchanged or as requested, and nothing
 * more is sent. The gain is small because the kernel works inside send(): 2,000 peers in an emulated machine, best of
 * twelve, took 10.4 ms one message at a time, 10.1 ms three at a time, 10.9 ms in messages of 4 KiB. */
int kernel_set(struct ipc_kernel *k, const struct wg_device *patch)
{
	struct genl_encoder e;
	struct netlink *s = &k->genl;
	bool first = true, combine = false;
	int rc = open_genl(k);

	if (rc)
		return rc;
	genl_encoder_init(&e, patch);
	while (rc == 0 && queue_next(s, &e, k->family)) {
		if (combine && !e.peer_begun && netlink_body_space(s) >= GENL_HDRLEN + GENL_PAYLOAD_MAX)
			continue;
		rc = netlink_flush(s);
		if (first)
			combine = e.peer < patch->n_peers && keys_are_distinct(patch);
		first = false;
	}
	if (rc == 0)
		rc = netlink_flush(s);
	return rc == 0 && e.failed ? -EINVAL : rc;
}
