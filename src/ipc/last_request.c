/* What was last asked for: the configured endpoint of each peer, in a file per device and network
 * namespace. A device only knows where its peers are now; with this, a peer that roamed is told from
 * a file that was edited. Best effort: without the file nothing is known, and nothing fails. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport.h"

enum {
	RECORD_BYTES = 56, /* key 32, address 16, scope 4, port 2, family 1, zero 1; big endian */
	PIECE_RECORDS = 512,
	PATH_BYTES = 256,
	FILE_MAX = 1 << 28,
};

static const char *dir_of(const struct ipc *c)
{
	return c->asked_dir ? c->asked_dir : RUNSTATEDIR "/wgsuite";
}

static void path_of(char path[PATH_BYTES], const struct ipc *c, const char *name, const char *suffix)
{
	struct text t = text_fixed(path, PATH_BYTES);
	struct stat st = { 0 };

	(void)stat("/proc/self/ns/net", &st);
	text_f(&t, "%s/endpoints.%s@%llu%s", dir_of(c), name, (unsigned long long)st.st_ino, suffix);
}

static void record_write(uint8_t *p, const struct wg_peer *peer)
{
	memcpy(p, peer->public_key.b, KEY_BYTES);
	memcpy(p + 32, peer->endpoint.addr.b, 16);
	store_be32(p + 48, peer->endpoint.scope);
	store_be16(p + 52, peer->endpoint.port);
	p[54] = peer->endpoint.addr.family;
	p[55] = 0;
}

/* Those that are wanted, as they come by. */
struct wish {
	const struct wg_device *of; /* null: all */
	struct peer_index index;
};

static bool record_read(struct wg_device *d, const uint8_t *p, const struct wish *w)
{
	struct wg_public key;
	struct wg_peer *peer;

	memcpy(key.b, p, KEY_BYTES);
	if (w->of && !peer_index_find(&w->index, w->of, &key))
		return true;
	peer = device_add_peer(d);
	if (!peer)
		return false;
	peer->public_key = key;
	peer->endpoint.addr = p[54] == IP_V6 ? ip_v6(p + 32) : ip_v4(p + 32);
	peer->endpoint.scope = load_be32(p + 48);
	peer->endpoint.port = load_be16(p + 52);
	peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT;
	return true;
}

/* A file of another size or kind is none of ours; one that cannot be read ends where it does. */
static int read_records(struct wg_device *out, int fd, const struct wish *w)
{
	uint8_t piece[RECORD_BYTES * PIECE_RECORDS];
	struct stat st;
	ssize_t n;
	int rc = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX ||
	    st.st_size % RECORD_BYTES != 0)
		return 0;
	while (rc == 0 && (n = read(fd, piece, sizeof piece)) > 0)
		for (ssize_t at = 0; rc == 0 && at + RECORD_BYTES <= n; at += RECORD_BYTES)
			rc = record_read(out, piece + at, w) ? 0 : -ENOMEM;
	if (rc)
		device_free(out);
	return rc;
}

int ipc_asked(struct ipc *c, struct wg_device *out, const char *name, const struct wg_device *of)
{
	struct wish w = { .of = of };
	char path[PATH_BYTES];
	int fd, rc;

	*out = (struct wg_device){ 0 };
	path_of(path, c, name, "");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return 0;
	rc = of && !peer_index_build(&w.index, of) ? -ENOMEM : read_records(out, fd, &w);
	peer_index_free(&w.index);
	close(fd);
	return rc;
}

void ipc_forget(struct ipc *c, const char *name)
{
	char path[PATH_BYTES];

	path_of(path, c, name, "");
	(void)unlink(path);
	path_of(path, c, name, ".new"); /* of a wg that was killed */
	(void)unlink(path);
	(void)rmdir(dir_of(c)); /* when it was the last one */
}

/* Another wg may take the folder away between the two steps, so twice. */
static int create(const struct ipc *c, const char *path)
{
	int fd = -1;

	(void)unlink(path);
	for (int i = 0; i < 2 && fd < 0; i++) {
		(void)mkdir(dir_of(c), 0755);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	return fd;
}

/* The peers' records, in pieces. Their number, or -1 when they cannot be written. */
static long write_records(int fd, const struct wg_device *d)
{
	uint8_t piece[RECORD_BYTES * PIECE_RECORDS];
	size_t n = 0;
	long records = 0;

	for (uint32_t i = 0; i < d->n_peers; i++) {
		if (!(d->peers[i].flags & WG_PEER_HAS_ENDPOINT))
			continue;
		record_write(piece + n, &d->peers[i]);
		n += RECORD_BYTES;
		records++;
		if (n < sizeof piece)
			continue;
		if (write(fd, piece, n) != (ssize_t)n)
			return -1;
		n = 0;
	}
	return write(fd, piece, n) == (ssize_t)n ? records : -1;
}

/* The file whole, or the one from before; none when there is nothing to say. */
static void store(struct ipc *c, const struct wg_device *d, const char *name)
{
	char path[PATH_BYTES], fresh[PATH_BYTES];
	long records;
	int fd;

	path_of(path, c, name, "");
	path_of(fresh, c, name, ".new");
	fd = create(c, fresh);
	if (fd < 0)
		return;
	records = write_records(fd, d);
	if (close(fd) < 0)
		records = -1;
	if (records <= 0 || rename(fresh, path) < 0)
		(void)unlink(fresh);
	if (records == 0)
		ipc_forget(c, name);
}

static bool says_something(const struct wg_device *patch)
{
	if (patch->flags & WG_DEVICE_REPLACE_PEERS)
		return true;
	for (uint32_t i = 0; i < patch->n_peers; i++)
		if (patch->peers[i].flags & (WG_PEER_HAS_ENDPOINT | WG_PEER_REMOVE))
			return true;
	return false;
}

/* The old list with what the patch changes; new ones come last. */
static bool merge(struct wg_device *known, const struct wg_device *patch)
{
	struct peer_index index;
	bool ok = peer_index_build(&index, known);
	uint32_t n_known = known->n_peers;

	for (uint32_t i = 0; ok && i < patch->n_peers; i++) {
		const struct wg_peer *change = &patch->peers[i];
		struct wg_peer *peer = n_known ? peer_index_find(&index, known, &change->public_key) : NULL;

		if (peer && (change->flags & WG_PEER_REMOVE))
			peer->flags &= ~(uint32_t)WG_PEER_HAS_ENDPOINT;
		if ((change->flags & WG_PEER_REMOVE) || !(change->flags & WG_PEER_HAS_ENDPOINT))
			continue;
		if (!peer)
			peer = device_add_peer(known);
		ok = peer != NULL;
		if (ok) {
			peer->public_key = change->public_key;
			peer->endpoint = change->endpoint;
			peer->flags |= WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT;
		}
	}
	peer_index_free(&index);
	return ok;
}

void asked_note(struct ipc *c, const struct wg_device *patch)
{
	struct wg_device known = { 0 };

	if (!says_something(patch))
		return;
	if (patch->flags & WG_DEVICE_REPLACE_PEERS)
		store(c, patch, patch->name);
	else if (ipc_asked(c, &known, patch->name, NULL) == 0 && merge(&known, patch))
		store(c, &known, patch->name);
	device_free(&known);
}
