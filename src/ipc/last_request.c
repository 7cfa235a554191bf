/* The file format, and its atomic replacement. */
#include "last_request.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>


enum {
	/* One peer in the file; integers are big endian. */
	ENTRY_KEY = 0,
	ENTRY_ADDRESS = 32,
	ENTRY_SCOPE = 48,
	ENTRY_PORT = 52,
	ENTRY_FAMILY = 54,
	ENTRY_ZERO = 55,
	ENTRY_BYTES = 56,
	CHUNK_ENTRIES = 512,
	PATH_BYTES = 256,
	FILE_MAX = 1 << 28,
};

static_assert(ENTRY_ADDRESS == ENTRY_KEY + KEY_BYTES, "the key is in front of the address");
static_assert(ENTRY_SCOPE == ENTRY_ADDRESS + sizeof((struct ip_addr *)0)->b, "an address of either family fits");

static const char *dir_or_default(const char *dir)
{
	return dir ? dir : RUNSTATEDIR "/wgsuite";
}

static void path_of(char path[PATH_BYTES], const char *dir, const char *name, const char *suffix)
{
	struct text t = text_fixed(path, PATH_BYTES);
	struct stat st = { 0 };

	(void)stat("/proc/self/ns/net", &st);
	text_f(&t, "%s/endpoints.%s@%llu%s", dir_or_default(dir), name, (unsigned long long)st.st_ino, suffix);
}

static void entry_encode(uint8_t *p, const struct wg_peer *peer)
{
	memcpy(p + ENTRY_KEY, peer->public_key.b, KEY_BYTES);
	memcpy(p + ENTRY_ADDRESS, peer->endpoint.addr.b, 16);
	store_be32(p + ENTRY_SCOPE, peer->endpoint.scope);
	store_be16(p + ENTRY_PORT, peer->endpoint.port);
	p[ENTRY_FAMILY] = peer->endpoint.addr.family;
	p[ENTRY_ZERO] = 0;
}

/* Which peers to read. */
struct filter {
	const struct wg_device *of; /* null: all */
	struct peer_index index;
};

static bool entry_decode(struct wg_device *d, const uint8_t *p, const struct filter *f)
{
	struct wg_public key;
	struct wg_peer *peer;

	memcpy(key.b, p + ENTRY_KEY, KEY_BYTES);
	if (f->of && !peer_index_find(&f->index, f->of, &key))
		return true;
	peer = device_add_peer(d);
	if (!peer)
		return false;
	peer->public_key = key;
	peer->endpoint.addr = p[ENTRY_FAMILY] == IP_V6 ? ip_v6(p + ENTRY_ADDRESS) : ip_v4(p + ENTRY_ADDRESS);
	peer->endpoint.scope = load_be32(p + ENTRY_SCOPE);
	peer->endpoint.port = load_be16(p + ENTRY_PORT);
	peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT;
	return true;
}

/* A file of another type, or of a size that does not fit, is ignored. A read error ends the list. */
static int read_entries(struct wg_device *out, int fd, const struct filter *f)
{
	uint8_t chunk[ENTRY_BYTES * CHUNK_ENTRIES];
	struct stat st;
	ssize_t n;
	int rc = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX ||
	    st.st_size % ENTRY_BYTES != 0)
		return 0;
	while (rc == 0 && (n = read(fd, chunk, sizeof chunk)) > 0)
		for (ssize_t at = 0; rc == 0 && at + ENTRY_BYTES <= n; at += ENTRY_BYTES)
			rc = entry_decode(out, chunk + at, f) ? 0 : -ENOMEM;
	if (rc)
		device_free(out);
	return rc;
}

int last_request_read(const char *dir, struct wg_device *out, const char *name, const struct wg_device *of)
{
	struct filter f = { .of = of };
	char path[PATH_BYTES];
	int fd, rc;

	*out = (struct wg_device){ 0 };
	path_of(path, dir, name, "");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return 0;
	rc = of && !peer_index_build(&f.index, of) ? -ENOMEM : read_entries(out, fd, &f);
	peer_index_free(&f.index);
	close(fd);
	return rc;
}

void last_request_remove(const char *dir, const char *name)
{
	char path[PATH_BYTES];

	path_of(path, dir, name, "");
	(void)unlink(path);
	path_of(path, dir, name, ".new"); /* left by a process that was killed */
	(void)unlink(path);
	(void)rmdir(dir_or_default(dir)); /* fails unless it was the last file */
}

/* Tries twice: another process may remove the directory between the two steps. */
static int create(const char *dir, const char *path)
{
	int fd = -1;

	(void)unlink(path);
	for (int i = 0; i < 2 && fd < 0; i++) {
		(void)mkdir(dir_or_default(dir), 0755);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	return fd;
}

/* The number of entries written, or -1. */
static long write_entries(int fd, const struct wg_device *d)
{
	uint8_t chunk[ENTRY_BYTES * CHUNK_ENTRIES];
	size_t n = 0;
	long entries = 0;

	for (uint32_t i = 0; i < d->n_peers; i++) {
		if (!(d->peers[i].flags & WG_PEER_HAS_ENDPOINT))
			continue;
		entry_encode(chunk + n, &d->peers[i]);
		n += ENTRY_BYTES;
		entries++;
		if (n < sizeof chunk)
			continue;
		if (write(fd, chunk, n) != (ssize_t)n)
			return -1;
		n = 0;
	}
	return write(fd, chunk, n) == (ssize_t)n ? entries : -1;
}

/* Replaces the file atomically; removes it if no peer has an endpoint. After an error the old file remains. */
static void store(const char *dir, const struct wg_device *d, const char *name)
{
	char path[PATH_BYTES], fresh[PATH_BYTES];
	long entries;
	int fd;

	path_of(path, dir, name, "");
	path_of(fresh, dir, name, ".new");
	fd = create(dir, fresh);
	if (fd < 0)
		return;
	entries = write_entries(fd, d);
	if (close(fd) < 0)
		entries = -1;
	if (entries <= 0 || rename(fresh, path) < 0)
		(void)unlink(fresh);
	if (entries == 0)
		last_request_remove(dir, name);
}

static bool changes_endpoints(const struct wg_device *patch)
{
	if (patch->flags & WG_DEVICE_REPLACE_PEERS)
		return true;
	for (uint32_t i = 0; i < patch->n_peers; i++)
		if (patch->peers[i].flags & (WG_PEER_HAS_ENDPOINT | WG_PEER_REMOVE))
			return true;
	return false;
}

static bool removes_peers(const struct wg_device *patch)
{
	for (uint32_t i = 0; i < patch->n_peers; i++)
		if (patch->peers[i].flags & WG_PEER_REMOVE)
			return true;
	return false;
}

/* Applies the patch to the old list; new peers are appended. */
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

void last_request_save(const char *dir, const struct wg_device *patch)
{
	struct wg_device known = { 0 };

	if (!changes_endpoints(patch))
		return;
	if (patch->flags & WG_DEVICE_REPLACE_PEERS)
		store(dir, patch, patch->name);
	else if (last_request_read(dir, &known, patch->name, NULL) != 0)
		return;
	else if (known.n_peers == 0 && !removes_peers(patch)) /* no copy of a large patch */
		store(dir, patch, patch->name);
	else if (merge(&known, patch))
		store(dir, &known, patch->name);
	device_free(&known);
}
