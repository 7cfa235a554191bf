/* The index of a link is reused only after all others, and a daemon creates a new file whenever it binds its socket. */
#include "identity.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "netns.h"
#include "socket.h"

static bool read_boot_id(char out[BOOT_ID_BYTES])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, BOOT_ID_BYTES);

	if (fd >= 0)
		close(fd);
	return n == BOOT_ID_BYTES;
}

static bool of_link(struct identity *out, uint32_t ifindex)
{
	struct netns netns;

	if (netns_read(&netns) < 0 || netns.inode == 0)
		return false;
	out->backend = IPC_KERNEL;
	out->namespace = netns.inode;
	out->cookie = netns.cookie;
	out->number = ifindex;
	return true;
}

/* 0, or -errno: -ENOENT if the device has no socket. */
static int of_socket(struct identity *out, const char *dir, const char *name)
{
	struct stat st;
	int rc = socket_stat(&st, dir, name);

	if (rc)
		return rc;
	out->backend = IPC_SOCKET;
	out->cookie = st.st_dev;
	out->number = st.st_ino;
	out->time_ns = (uint64_t)st.st_mtim.tv_sec * NS_PER_S + (uint64_t)st.st_mtim.tv_nsec;
	return 0;
}

bool identity_of(struct identity *out, struct ipc_kernel *k, const char *socket_dir, const char *name)
{
	uint32_t ifindex;
	int rc;

	*out = (struct identity){ 0 };
	if (!read_boot_id(out->boot))
		return false;
	rc = kernel_index(k, name, &ifindex);
	return rc == 0 ? of_link(out, ifindex) : of_socket(out, socket_dir, name) == 0;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->backend == b->backend && memcmp(a->boot, b->boot, sizeof a->boot) == 0 &&
	       a->namespace == b->namespace && a->cookie == b->cookie && a->number == b->number &&
	       a->time_ns == b->time_ns;
}

/* ---- existence ---- */

static int compare_index(const void *number, const void *name)
{
	uint64_t a = *(const uint64_t *)number, b = ((const struct ipc_name *)name)->ifindex;

	return (a > b) - (a < b);
}

static enum existence existence_here(uint64_t number, struct ipc_kernel *k, const struct ipc_names *links, const char *name)
{
	const struct ipc_name *found;
	uint32_t ifindex;
	int rc;

	if (!links) {
		rc = kernel_index(k, name, &ifindex);
		return rc == 0 && ifindex == number ? EXISTS : rc == 0 || rc == -ENODEV ? IS_GONE : MAY_EXIST;
	}
	found = links->n > 0 ? bsearch(&number, links->list, links->n, sizeof *links->list, compare_index) : NULL;
	return found && strcmp(found->name, name) == 0 ? EXISTS : IS_GONE;
}

static enum existence existence_of_link(const struct identity *id, struct ipc_kernel *k, const struct ipc_names *links,
					const char *name)
{
	struct netns netns;

	if (netns_read(&netns) < 0 || netns.inode == 0)
		return MAY_EXIST;
	if (id->namespace != netns.inode)
		return id->netns_name[0] && netns_name_is_stale(id->netns_name, id->namespace) ? IS_GONE : MAY_EXIST;
	if (id->cookie != netns.cookie)
		return IS_GONE; /* the inode of its namespace is that of a later one */
	return existence_here(id->number, k, links, name);
}

enum existence identity_existence(const struct identity *id, struct ipc_kernel *k, const struct ipc_names *links,
				  const char *socket_dir, const char *name)
{
	struct identity now = *id;
	int rc;

	if (!read_boot_id(now.boot))
		return MAY_EXIST;
	if (memcmp(id->boot, now.boot, sizeof now.boot) != 0)
		return IS_GONE;
	if (id->backend == IPC_KERNEL)
		return existence_of_link(id, k, links, name);
	rc = of_socket(&now, socket_dir, name);
	if (rc < 0 && rc != -ENOENT)
		return MAY_EXIST;
	return rc == 0 && identity_equal(id, &now) ? EXISTS : IS_GONE;
}

/* ---- bytes ---- */

enum {
	/* Integers are big endian. */
	AT_MAGIC = 0,
	AT_BOOT = 8,
	AT_ZERO = AT_BOOT + BOOT_ID_BYTES, /* three bytes */
	AT_BACKEND = AT_ZERO + 3,
	AT_NAMESPACE = 48,
	AT_COOKIE = 56,
	AT_NUMBER = 64,
	AT_TIME = 72,
	AT_NETNS_NAME = 80,
};
static_assert(AT_BACKEND + 1 == AT_NAMESPACE && AT_NETNS_NAME + sizeof((struct identity *)0)->netns_name == IDENTITY_BYTES,
	      "the parts fit");

static const uint8_t magic[AT_BOOT] = { 'w', 'g', 's', 'u', 'i', 't', 'e', 1 };

void identity_encode(uint8_t out[IDENTITY_BYTES], const struct identity *id)
{
	memset(out, 0, IDENTITY_BYTES);
	memcpy(out + AT_MAGIC, magic, sizeof magic);
	memcpy(out + AT_BOOT, id->boot, sizeof id->boot);
	out[AT_BACKEND] = id->backend;
	store_be64(out + AT_NAMESPACE, id->namespace);
	store_be64(out + AT_COOKIE, id->cookie);
	store_be64(out + AT_NUMBER, id->number);
	store_be64(out + AT_TIME, id->time_ns);
	memcpy(out + AT_NETNS_NAME, id->netns_name, sizeof id->netns_name);
}

bool identity_decode(struct identity *out, const uint8_t p[IDENTITY_BYTES])
{
	*out = (struct identity){
		.backend = p[AT_BACKEND],
		.namespace = load_be64(p + AT_NAMESPACE),
		.cookie = load_be64(p + AT_COOKIE),
		.number = load_be64(p + AT_NUMBER),
		.time_ns = load_be64(p + AT_TIME),
	};
	memcpy(out->boot, p + AT_BOOT, sizeof out->boot);
	memcpy(out->netns_name, p + AT_NETNS_NAME, sizeof out->netns_name);
	return memcmp(p + AT_MAGIC, magic, sizeof magic) == 0 && out->netns_name[sizeof out->netns_name - 1] == '\0' &&
	       (out->backend == IPC_KERNEL || out->backend == IPC_SOCKET);
}
