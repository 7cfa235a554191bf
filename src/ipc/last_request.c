/* The file format, and its atomic replacement. */
#include "last_request.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "netns.h"

enum {
	/* One peer in the file, after the identity of the device; integers are big endian. */
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

/* `namespace`: that of the identity. */
static void path_of(char path[PATH_BYTES], const char *dir, const char *name, uint64_t namespace, const char *suffix)
{
	struct text t = text_fixed(path, PATH_BYTES);

	text_f(&t, "%s/endpoints.%s@%llu%s", dir_or_default(dir), name, (unsigned long long)namespace, suffix);
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

/* Opens a file. -EINVAL: it is of another type or format; or another -errno. */
static int open_file(const char *path, struct stat *st, struct identity *id)
{
	uint8_t head[IDENTITY_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc = -EINVAL;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0)
		rc = -errno;
	else if (S_ISREG(st->st_mode) && st->st_size <= FILE_MAX && st->st_size % ENTRY_BYTES == IDENTITY_BYTES % ENTRY_BYTES)
		n = read(fd, head, sizeof head);
	if (n < 0)
		rc = -errno;
	if (n == sizeof head && identity_decode(id, head))
		return fd;
	close(fd);
	return rc;
}

/* A read error ends the list. */
static int read_entries(struct wg_device *out, int fd, const struct filter *f)
{
	uint8_t chunk[ENTRY_BYTES * CHUNK_ENTRIES];
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(fd, chunk, sizeof chunk)) > 0)
		for (ssize_t at = 0; rc == 0 && at + ENTRY_BYTES <= n; at += ENTRY_BYTES)
			rc = entry_decode(out, chunk + at, f) ? 0 : -ENOMEM;
	if (rc)
		device_free(out);
	return rc;
}

/* So that a file that is in use does not grow old. */
static void keep_young(int fd, const struct stat *st)
{
	enum { DAY_S = 86400 };

	if (time(NULL) - st->st_mtime > DAY_S)
		(void)futimens(fd, NULL);
}

int last_request_read(const char *dir, const struct identity *id, struct wg_device *out, const char *name,
		      const struct wg_device *of)
{
	struct filter f = { .of = of };
	struct identity owner;
	struct stat st;
	char path[PATH_BYTES];
	int fd, rc = 0;

	*out = (struct wg_device){ 0 };
	path_of(path, dir, name, id->namespace, "");
	fd = open_file(path, &st, &owner);
	if (fd < 0)
		return 0;
	if (identity_equal(&owner, id)) {
		keep_young(fd, &st);
		rc = of && !peer_index_build(&f.index, of) ? -ENOMEM : read_entries(out, fd, &f);
	}
	peer_index_free(&f.index);
	close(fd);
	return rc;
}

/* Tries twice: one failure may be that of a moment. */
static void remove_file(const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		(void)unlink(path);
}

static void remove_files(const char *dir, const char *name, uint64_t namespace)
{
	char path[PATH_BYTES];

	path_of(path, dir, name, namespace, "");
	remove_file(path);
	path_of(path, dir, name, namespace, ".new"); /* left by a process that was killed */
	remove_file(path);
	(void)rmdir(dir_or_default(dir)); /* fails unless it was the last file */
}

void last_request_remove(const char *dir, const char *name)
{
	struct netns netns;

	if (netns_read(&netns) == 0 || netns_read(&netns) == 0)
		remove_files(dir, name, netns.inode);
	remove_files(dir, name, 0);
}

/* Tries twice: another process may remove the directory between the two steps. */
static int create(const char *dir, const char *path)
{
	mode_t mask = umask(022);
	int fd = -1;

	umask(mask & 077); /* wireguardd, which has no right to ignore modes, keeps files in the directory */
	(void)unlink(path);
	for (int i = 0; i < 2 && fd < 0; i++) {
		(void)mkdir(dir_or_default(dir), 0755);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	umask(mask);
	return fd;
}

/* The number of entries written, or -1. */
static long write_entries(int fd, const struct identity *id, const struct wg_device *d)
{
	uint8_t chunk[ENTRY_BYTES * CHUNK_ENTRIES];
	size_t n = 0;
	long entries = 0;

	identity_encode(chunk, id);
	if (write(fd, chunk, IDENTITY_BYTES) != IDENTITY_BYTES)
		return -1;
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

/* It is searched for once, for the first file of the device. */
static void find_netns_name(struct identity *owner, const char *path)
{
	struct identity old;
	struct stat st;
	int fd;

	owner->netns_name[0] = '\0';
	if (owner->backend != IPC_KERNEL)
		return;
	fd = open_file(path, &st, &old);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && identity_equal(&old, owner))
		memcpy(owner->netns_name, old.netns_name, sizeof old.netns_name);
	else if (!netns_name(owner->netns_name, sizeof owner->netns_name))
		owner->netns_name[0] = '\0';
}

/* Replaces the file atomically; removes it if no peer has an endpoint. After an error the old file remains. */
static void store(const char *dir, const struct identity *id, const struct wg_device *d, const char *name)
{
	struct identity owner = *id;
	char path[PATH_BYTES], fresh[PATH_BYTES];
	long entries;
	int fd;

	path_of(path, dir, name, id->namespace, "");
	path_of(fresh, dir, name, id->namespace, ".new");
	fd = create(dir, fresh);
	if (fd < 0)
		return;
	find_netns_name(&owner, path);
	entries = write_entries(fd, &owner, d);
	if (close(fd) < 0)
		entries = -1;
	if (entries <= 0 || rename(fresh, path) < 0)
		(void)unlink(fresh);
	if (entries == 0)
		remove_files(dir, name, id->namespace);
}

bool last_request_changes(const struct wg_device *patch)
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

bool last_request_save(const char *dir, const struct identity *id, const struct wg_device *patch)
{
	struct wg_device known = { 0 };
	char path[PATH_BYTES];
	bool is_new;

	path_of(path, dir, patch->name, id->namespace, "");
	is_new = access(path, F_OK) < 0;
	if (patch->flags & WG_DEVICE_REPLACE_PEERS)
		store(dir, id, patch, patch->name);
	else if (last_request_read(dir, id, &known, patch->name, NULL) != 0)
		return false;
	else if (known.n_peers == 0 && !removes_peers(patch)) /* no copy of a large patch */
		store(dir, id, patch, patch->name);
	else if (merge(&known, patch))
		store(dir, id, &known, patch->name);
	device_free(&known);
	return is_new;
}

/* ---- files of devices that no longer exist ---- */

/* "endpoints.NAME@NAMESPACE", with ".new" while it is written. */
static bool parse_file_name(char name[WG_NAME_MAX], bool *fresh, struct span file)
{
	static const char prefix[] = "endpoints.", suffix[] = ".new";
	size_t at = span_find_last(file, '@');
	struct span device = span_sub(file, sizeof prefix - 1, at < file.n ? at - (sizeof prefix - 1) : 0);

	*fresh = file.n > sizeof suffix && span_is(span_sub(file, file.n - (sizeof suffix - 1), file.n), suffix);
	if (!span_starts(file, prefix) || !device_name_is_valid(device))
		return false;
	memcpy(name, device.p, device.n);
	name[device.n] = '\0';
	return true;
}

static bool is_stale(const char *path, const char *name, bool fresh, last_request_exists *exists, void *ctx)
{
	enum { FRESH_MAX_S = 60, UNUSED_MAX_S = 30 * 86400 };
	struct identity id;
	struct stat st;
	time_t age;
	int fd;

	if (fresh) /* a process that was killed left it, or one writes it now */
		return lstat(path, &st) == 0 && time(NULL) - st.st_mtime > FRESH_MAX_S;
	fd = open_file(path, &st, &id);
	if (fd < 0)
		return fd == -EINVAL;
	close(fd);
	age = time(NULL) - st.st_mtime;
	switch (exists(ctx, name, &id)) {
	case EXISTS: return false;
	case IS_GONE: return true;
	case MAY_EXIST: return age > UNUSED_MAX_S;
	}
	unreachable();
}

void last_request_clean(const char *dir, last_request_exists *exists, void *ctx)
{
	DIR *d = opendir(dir_or_default(dir));
	const struct dirent *entry;
	char path[PATH_BYTES], name[WG_NAME_MAX];
	bool fresh, removed = false;

	while (d && (entry = readdir(d))) {
		struct text t = text_fixed(path, sizeof path);
		if (!parse_file_name(name, &fresh, span_of(entry->d_name)))
			continue;
		text_f(&t, "%s/%s", dir_or_default(dir), entry->d_name);
		if (!t.failed && is_stale(path, name, fresh, exists, ctx))
			removed |= unlink(path) == 0;
	}
	if (d)
		closedir(d);
	if (removed)
		(void)rmdir(dir_or_default(dir));
}
