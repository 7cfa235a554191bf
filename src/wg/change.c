#include "change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/mem.h"
#include "../ipc/resolve.h"

/* ---- files ---- */

/* More room; the old memory is wiped, which realloc would not do. */
static int file_grow(struct file_text *f, size_t cap)
{
	char *memory = malloc(cap);

	if (!memory)
		return -ENOMEM;
	if (f->memory) {
		memcpy(memory, f->memory, f->text.n);
		mem_wipe(f->memory, f->cap);
		free(f->memory);
	}
	f->memory = memory;
	f->cap = cap;
	f->text.p = memory;
	return 0;
}

static int file_read_all(struct file_text *f, int fd, size_t max)
{
	struct stat st;
	ssize_t got = 1;
	int rc = 0;

	f->failed = "fstat";
	if (fstat(fd, &st) < 0)
		return -errno;
	f->failed = "read";
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	rc = file_grow(f, st.st_size > 0 && (uint64_t)st.st_size < max ? (size_t)st.st_size + 1 : 4096);
	while (rc == 0 && got > 0) {
		if (f->text.n > max)
			return -EFBIG;
		if (f->text.n == f->cap)
			rc = file_grow(f, f->cap * 2);
		if (rc)
			break;
		got = read(fd, f->memory + f->text.n, f->cap - f->text.n);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			rc = -errno;
		else
			f->text.n += (size_t)got;
	}
	return rc;
}

int file_read(struct file_text *f, const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	*f = (struct file_text){ .failed = "fopen" }; /* the word that people grep for */
	if (fd < 0)
		return -errno;
	rc = file_read_all(f, fd, max);
	close(fd);
	if (rc)
		file_free(f);
	return rc;
}

void file_free(struct file_text *f)
{
	const char *failed = f->failed;

	if (f->memory)
		mem_wipe(f->memory, f->cap);
	free(f->memory);
	*f = (struct file_text){ .failed = failed };
}

/* ---- names, device ---- */

static void tell_waiting(void *ctx, const char *host, const char *why, unsigned int wait_ms)
{
	unsigned int hundredths = (wait_ms + 5) / 10;

	(void)ctx;
	complain("%s: `%s'. Trying again in %u.%02u seconds...\n", why, host, hundredths / 100,
		 hundredths % 100);
}

static bool any_peer_has(const struct wg_device *d, uint32_t flags)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].flags & flags)
			return true;
	return false;
}

bool change_resolve(struct wg_device *patch, const char *file, struct diag *d)
{
	struct resolve_options o = { .file = file, .waiting = tell_waiting };
	int failed;

	if (!any_peer_has(patch, WG_PEER_HAS_HOST | WG_PEER_HAS_ENDPOINT))
		return true;
	if (!resolve_retries(&o.retries)) {
		complain("Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: `%s'\n",
			 getenv("WG_ENDPOINT_RESOLUTION_RETRIES"));
		return false;
	}
	if (!any_peer_has(patch, WG_PEER_HAS_HOST))
		return true;
	failed = resolve_device(patch, &o, d);
	if (failed < 0)
		complain("%s\n", strerror(-failed));
	return failed == 0;
}

bool change_send(struct program *p, const char *name, struct wg_device *patch)
{
	size_t n = strlen(name);
	int rc = -ENAMETOOLONG; /* never another device whose name is the first 15 letters */

	if (n < sizeof patch->name) {
		memcpy(patch->name, name, n + 1);
		rc = ipc_set(&p->ipc, patch);
	}
	if (rc)
		complain("Unable to modify interface: %s\n", strerror(-rc));
	return rc == 0;
}
