/* Binding the UDP sockets to a device and to addresses. */
#include "binding.h"

#include <errno.h>
#include "daemon/process/log.h"
#include "daemon/process/sandbox.h"
#include "interface.h"
#include "restart.h"

#define REBIND_NS (NS_PER_S / 2) /* between two attempts to bind the sockets to the device */

/* The new sockets have the same port as the old ones, for a moment. */
static int replace_sockets(struct control *c, const struct wg_binding *b)
{
	struct udp_options o;
	struct udp fresh;
	int error;

	interface_socket_options(c, &o, b, c->fwmark);
	o.next_to = &c->udp;
	sandbox_raise(true);
	error = udp_open_bound(&fresh, c->listen_port, &o);
	sandbox_raise(false);
	if (error)
		return error;
	error = interface_replace_sockets(c, &fresh);
	if (error)
		udp_close(&fresh);
	else
		tunnel_clear_sources(c->tunnel);
	return error;
}

static bool has_link_local_without_device(const struct wg_binding *b)
{
	return !b->device[0] && ip_is_v6_link_local(&b->source[1]);
}

/* The part that the kernel may refuse, before anything changes. */
static int probe(struct control *c, const struct wg_binding *b)
{
	struct udp_options o;
	int error;

	if (has_link_local_without_device(b))
		return -EADDRNOTAVAIL;
	interface_socket_options(c, &o, b, 0);
	o.address_may_be_missing = b->may_be_missing;
	if (o.ifindex == UDP_NO_DEVICE && !b->may_be_missing)
		return -ENODEV;
	sandbox_raise(true);
	error = udp_probe_binding(&o);
	sandbox_raise(false);
	return error;
}

int control_set_binding(void *ctx, const struct wg_binding *b)
{
	struct control *c = ctx;
	int error = probe(c, b);

	interface_refresh(c);
	if (!error && c->up)
		error = replace_sockets(c, b);
	if (error)
		return error;
	c->binding = *b;
	c->binding.may_be_missing = false;
	c->binding_error = 0;
	if (!c->up) { /* perhaps the sockets could not be opened */
		c->retry_ns = NEVER;
		interface_refresh(c);
	}
	restart_changed(c);
	return 0;
}

void control_get_binding(void *ctx, struct wg_binding *b)
{
	*b = ((struct control *)ctx)->binding;
}

const char *control_binding_problem(struct control *c)
{
	int error;

	if (!c->up)
		return "the interface is down";
	error = probe(c, &c->binding);
	if (error == -ENODEV)
		return "the device does not exist";
	if (error == -EADDRNOTAVAIL)
		return "this host does not have the address";
	if (c->udp.ifindex == interface_bound_index(&c->binding))
		return NULL;
	return c->binding_error ? strerror(-c->binding_error) : "the device has another index now";
}

void control_follow_device(struct control *c, uint64_t now_ns)
{
	uint32_t before = c->udp.ifindex;
	int error;

	c->rebind_ns = NEVER;
	if (!c->up || interface_bound_index(&c->binding) == before)
		return;
	error = replace_sockets(c, &c->binding);
	if (!error && c->udp.ifindex == UDP_NO_DEVICE)
		log_verbose("device %s no longer exists: nothing is sent or received until it does", c->binding.device);
	else if (!error)
		log_verbose("bound to device %s, which has another index", c->binding.device);
	else if (error != -ENOPROTOOPT && error != c->binding_error) /* kernels before 5.0 stay bound to an interface that is gone */
		log_error("cannot bind to device %s: %s", c->binding.device, strerror(-error));
	c->binding_error = error;
	c->rebind_ns = error && error != -ENOPROTOOPT ? now_ns + REBIND_NS : NEVER;
}
