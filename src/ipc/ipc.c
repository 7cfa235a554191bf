/* Choice of the transport, and the retry for backends that cannot remove single allowed IPs. */
#include "ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "full_lists.h"
#include "kernel.h"
#include "last_request.h"
#include "socket.h"

/* On the heap, so that users of ipc.h do not see netlink. */
static int open_kernel(struct ipc *c)
{
	if (!c->kernel)
		c->kernel = calloc(1, sizeof *c->kernel);
	if (!c->kernel)
		return -ENOMEM;
	c->kernel->genl.refusal[0] = '\0';
	return 0;
}

const char *ipc_extack(const struct ipc *c)
{
	return c->kernel && c->kernel->genl.refusal[0] ? c->kernel->genl.refusal : NULL;
}

void ipc_close(struct ipc *c)
{
	if (!c->kernel)
		return;
	kernel_close(c->kernel);
	free(c->kernel);
	c->kernel = NULL;
}

/* A socket with the name of a kernel link is never used, so it is not a second device. */
static void drop_shadowed(struct ipc_names *names, size_t n_kernel)
{
	size_t n = n_kernel;

	for (size_t i = n_kernel; i < names->n; i++) {
		size_t k = 0;

		while (k < n_kernel && strcmp(names->list[k].name, names->list[i].name) != 0)
			k++;
		if (k == n_kernel)
			names->list[n++] = names->list[i];
	}
	names->n = n;
}

struct existing {
	struct ipc *c;
	const struct ipc_names *links; /* may be null */
};

static enum existence exists(void *ctx, const char *name, const struct identity *id)
{
	const struct existing *e = ctx;

	return identity_existence(id, e->c->kernel, e->links, e->c->socket_dir, name);
}

/* Of devices that are gone. */
static void clean_last_requests(struct ipc *c, const struct ipc_names *links)
{
	struct existing e = { c, links };

	last_request_clean(c->last_request_dir, exists, &e);
}

int ipc_list(struct ipc *c, struct ipc_names *out)
{
	struct ipc_names links;
	int rc = open_kernel(c);

	*out = (struct ipc_names){ 0 };
	if (rc == 0)
		rc = kernel_list(c->kernel, out);
	if (rc)
		return rc;
	links = *out;
	rc = socket_list(c->socket_dir, out);
	if (rc) {
		ipc_names_free(out);
		return rc;
	}
	links.list = out->list; /* the first part of it */
	drop_shadowed(out, links.n);
	clean_last_requests(c, &links);
	return 0;
}

/* If the kernel does not have the name either, the error that its daemon has died is more specific. */
static int error_without_daemon(int kernel, int socket)
{
	return socket == -ECONNREFUSED && (kernel == -ENODEV || kernel == -EPROTONOSUPPORT) ? socket : kernel;
}

/* Without a socket the kernel's error is also the result for a name that nothing serves. */
static int get_from_socket(struct ipc *c, struct wg_device *out, const char *name)
{
	struct stat st;
	int fd, rc;

	fd = socket_open(c->socket_dir, name);
	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		rc = kernel_get(c->kernel, out, name);
		/* Deleted by another program, and not only out of reach. */
		if ((rc == -ENODEV || rc == -EPROTONOSUPPORT) && socket_stat(&st, c->socket_dir, name) == -ENOENT)
			last_request_remove(c->last_request_dir, name);
		return error_without_daemon(rc, fd);
	}
	if (fd < 0)
		return fd;
	rc = socket_get(fd, out);
	if (rc == 0)
		memcpy(out->name, name, strlen(name) + 1);
	return rc;
}

bool ipc_socket_is_refused(const struct ipc *c, const char *name)
{
	return socket_is_refused(c->socket_dir, name);
}

int ipc_get(struct ipc *c, struct wg_device *out, const char *name)
{
	uint32_t ifindex;
	int rc;

	*out = (struct wg_device){ 0 };
	if (strlen(name) >= WG_NAME_MAX)
		return -ENAMETOOLONG;
	rc = open_kernel(c);
	if (rc)
		return rc;
	return kernel_index(c->kernel, name, &ifindex) == 0 ? kernel_get(c->kernel, out, name) :
							      get_from_socket(c, out, name);
}

int ipc_get_listed(struct ipc *c, struct wg_device *out, const struct ipc_name *name)
{
	int rc = open_kernel(c);

	*out = (struct wg_device){ 0 };
	if (rc)
		return rc;
	return name->backend == IPC_KERNEL ? kernel_get(c->kernel, out, name->name) :
					     get_from_socket(c, out, name->name);
}

bool ipc_error_is_no_device(int error)
{
	return error == -ENODEV || error == -EOPNOTSUPP || error == -EPROTONOSUPPORT || error == -ENOENT;
}

static int set_once(struct ipc *c, const struct wg_device *patch)
{
	uint32_t ifindex;
	int fd, rc = open_kernel(c);

	if (rc)
		return rc;
	if (kernel_index(c->kernel, patch->name, &ifindex) == 0)
		return kernel_set(c->kernel, patch);
	fd = socket_open(c->socket_dir, patch->name);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return error_without_daemon(kernel_set(c->kernel, patch), fd);
	return fd < 0 ? fd : socket_set(fd, patch);
}

static int set_with_full_lists(struct ipc *c, const struct wg_device *patch)
{
	struct wg_device state = { 0 }, full = { 0 };
	int rc = ipc_get(c, &state, patch->name);

	if (rc == 0 && (!device_copy(&full, patch) || !full_lists_write(&full, &state)))
		rc = -ENOMEM;
	if (rc == 0)
		rc = set_once(c, &full);
	device_free(&state);
	device_free(&full);
	return rc;
}

/* The identity is that from before the request: if another device takes the name meanwhile, it is not that one's. */
int ipc_set(struct ipc *c, const struct wg_device *patch)
{
	struct identity id;
	bool save = last_request_changes(patch) && open_kernel(c) == 0 &&
		    identity_of(&id, c->kernel, c->socket_dir, patch->name);
	int rc = set_once(c, patch);

	if (rc == -EINVAL && full_lists_are_needed(patch))
		rc = set_with_full_lists(c, patch);
	if (rc == 0 && save && last_request_save(c->last_request_dir, &id, patch))
		clean_last_requests(c, NULL);
	return rc;
}

int ipc_connect(struct ipc *c, const char *name)
{
	uint32_t ifindex;
	int fd = open_kernel(c);

	if (fd == 0)
		fd = kernel_index(c->kernel, name, &ifindex) == 0 ? -EOPNOTSUPP : socket_open(c->socket_dir, name);
	return fd == -ENOENT ? -EOPNOTSUPP : fd;
}

int ipc_set_connected(int take_fd, const struct wg_device *patch)
{
	return socket_set(take_fd, patch);
}

int ipc_last_request(struct ipc *c, struct wg_device *out, const char *name, const struct wg_device *of)
{
	struct identity id;
	int rc = open_kernel(c);

	*out = (struct wg_device){ 0 };
	if (rc)
		return rc;
	if (!identity_of(&id, c->kernel, c->socket_dir, name))
		return 0;
	return last_request_read(c->last_request_dir, &id, out, name, of);
}

void ipc_drop_last_request(struct ipc *c, const char *name)
{
	last_request_remove(c->last_request_dir, name);
}
