/* The door: which transport serves a name, and what a backend too old for a request gets instead. */
#include "ipc.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <arpa/inet.h>

#include "transport.h"

void ipc_close(struct ipc *c)
{
	kernel_close(c);
}

void ipc_names_free(struct ipc_names *names)
{
	free(names->list);
	*names = (struct ipc_names){ 0 };
}

/* A socket of the same name as one of our kernel links is never asked, so it is no second device. */
static void drop_shadowed(struct ipc_names *names, size_t n_kernel)
{
	size_t kept = n_kernel;

	for (size_t i = n_kernel; i < names->n; i++) {
		size_t k = 0;

		while (k < n_kernel && strcmp(names->list[k].name, names->list[i].name) != 0)
			k++;
		if (k == n_kernel)
			names->list[kept++] = names->list[i];
	}
	names->n = kept;
}

int ipc_list(struct ipc *c, struct ipc_names *out)
{
	size_t n_kernel;
	int rc;

	*out = (struct ipc_names){ 0 };
	rc = kernel_list(c, out);
	if (rc)
		return rc;
	n_kernel = out->n;
	rc = socket_list(c->socket_dir, out);
	if (rc)
		ipc_names_free(out);
	else
		drop_shadowed(out, n_kernel);
	return rc;
}

/* The kernel's errors are also the answer for a name that nobody serves. */
static int get_from_socket(struct ipc *c, struct wg_device *out, const char *name)
{
	int fd, rc;

	fd = socket_open(c->socket_dir, name);
	if (fd == -ENOENT) {
		rc = kernel_get(c, out, name);
		if (rc == -ENODEV || rc == -EPROTONOSUPPORT) /* somebody else took it away */
			ipc_forget(c, name);
		return rc;
	}
	if (fd < 0)
		return fd;
	rc = socket_get(fd, out);
	if (rc == 0)
		memcpy(out->name, name, strlen(name) + 1);
	return rc;
}

int ipc_get(struct ipc *c, struct wg_device *out, const char *name)
{
	*out = (struct wg_device){ 0 };
	if (strlen(name) >= WG_NAME_MAX)
		return -ENAMETOOLONG;
	return kernel_has(c, name) ? kernel_get(c, out, name) : get_from_socket(c, out, name);
}

int ipc_get_listed(struct ipc *c, struct wg_device *out, const struct ipc_name *name)
{
	*out = (struct wg_device){ 0 };
	return name->backend == IPC_KERNEL ? kernel_get(c, out, name->name) :
					     get_from_socket(c, out, name->name);
}

static int set_once(struct ipc *c, const struct wg_device *patch)
{
	int fd;

	if (kernel_has(c, patch->name))
		return kernel_set(c, patch);
	fd = socket_open(c->socket_dir, patch->name);
	if (fd == -ENOENT)
		return kernel_set(c, patch);
	return fd < 0 ? fd : socket_set(fd, patch);
}

/* ---- backends that cannot take single allowed-ips away ---- */

static bool peer_takes_away(const struct wg_peer *peer)
{
	if (peer->flags & WG_PEER_REMOVE)
		return false;
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (peer->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			return true;
	return false;
}

static bool device_takes_away(const struct wg_device *patch)
{
	for (uint32_t i = 0; i < patch->n_peers; i++)
		if (peer_takes_away(&patch->peers[i]))
			return true;
	return false;
}

static void list_remove(struct wg_peer *peer, const struct ip_prefix *prefix)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (!prefix_equal(&peer->allowedips[i].prefix, prefix))
			peer->allowedips[kept++] = peer->allowedips[i];
	peer->n_allowedips = kept;
}

static bool list_add(struct wg_peer *peer, const struct ip_prefix *prefix)
{
	struct wg_allowedip *ip;

	list_remove(peer, prefix);
	ip = peer_add_allowedip(peer);
	if (ip)
		ip->prefix = *prefix;
	return ip != NULL;
}

/* Applies the words of the patch's peer to the list it has now, which starts empty when it replaces. */
static bool list_apply(struct wg_peer *now, const struct wg_peer *patch)
{
	bool ok = true;

	if (patch->flags & (WG_PEER_REMOVE | WG_PEER_REPLACE_ALLOWEDIPS))
		now->n_allowedips = 0;
	if (patch->flags & WG_PEER_REMOVE)
		return true;
	for (uint32_t i = 0; ok && i < patch->n_allowedips; i++) {
		if (patch->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			list_remove(now, &patch->allowedips[i].prefix);
		else
			ok = list_add(now, &patch->allowedips[i].prefix);
	}
	return ok;
}

/* Gives the patch's peer the list that *now has after it. */
static bool peer_spell_out(struct wg_peer *peer, const struct wg_peer *now)
{
	struct wg_peer whole;

	if (!peer_copy(&whole, now))
		return false;
	free(peer->allowedips);
	peer->allowedips = whole.allowedips;
	peer->n_allowedips = whole.n_allowedips;
	peer->cap_allowedips = whole.cap_allowedips;
	peer->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	whole.allowedips = NULL;
	whole.n_allowedips = whole.cap_allowedips = 0;
	peer_free(&whole);
	return true;
}

/* Read, modify: the patch with every peer's full list in place of "+" and "-". */
static bool spell_out(struct wg_device *patch, struct wg_device *now)
{
	struct wg_peer stranger = { 0 };
	struct peer_index index;
	bool ok = peer_index_build(&index, now);

	for (uint32_t i = 0; ok && i < patch->n_peers; i++) {
		struct wg_peer *peer = &patch->peers[i];
		struct wg_peer *known = NULL;

		if (!(patch->flags & WG_DEVICE_REPLACE_PEERS))
			known = peer_index_find(&index, now, &peer->public_key);
		if (!known) {
			peer_free(&stranger);
			known = &stranger;
		}
		ok = list_apply(known, peer);
		if (ok && peer_takes_away(peer))
			ok = peer_spell_out(peer, known);
	}
	peer_free(&stranger);
	peer_index_free(&index);
	return ok;
}

static int set_spelled_out(struct ipc *c, const struct wg_device *patch)
{
	struct wg_device now = { 0 }, whole = { 0 };
	int rc = ipc_get(c, &now, patch->name);

	if (rc == 0 && (!device_copy(&whole, patch) || !spell_out(&whole, &now)))
		rc = -ENOMEM;
	if (rc == 0)
		rc = set_once(c, &whole);
	device_free(&now);
	device_free(&whole);
	return rc;
}

int ipc_set(struct ipc *c, const struct wg_device *patch)
{
	int rc = set_once(c, patch);

	if (rc == -EINVAL && device_takes_away(patch))
		rc = set_spelled_out(c, patch);
	if (rc == 0)
		asked_note(c, patch);
	return rc;
}

/* ---- names the pure rooms cannot look up ---- */

static bool scope_index(uint32_t *index, struct span name)
{
	char text[IF_NAMESIZE];

	if (name.n == 0 || name.n >= sizeof text)
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	*index = if_nametoindex(text);
	return *index != 0;
}

static bool scope_name(char name[16], uint32_t index)
{
	return if_indextoname(index, name) != NULL;
}

const struct ip_scopes ipc_scopes = { .index_of = scope_index, .name_of = scope_name };

enum { SERVICE_LINE_MAX = 1 << 20 };

bool ipc_service(uint16_t *port, struct span name)
{
	struct servent entry, *found = NULL;
	char text[256], *buffer = NULL, *larger;
	int rc = ERANGE;

	if (name.n == 0 || name.n >= sizeof text)
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	/* One line of /etc/services that does not fit would hide them all. */
	for (size_t room = 1024; rc == ERANGE && room <= SERVICE_LINE_MAX; room *= 4) {
		larger = realloc(buffer, room);
		if (!larger)
			break;
		buffer = larger;
		rc = getservbyname_r(text, "udp", &entry, buffer, room, &found);
	}
	if (rc == 0 && found)
		*port = ntohs((uint16_t)found->s_port);
	free(buffer);
	return rc == 0 && found;
}
