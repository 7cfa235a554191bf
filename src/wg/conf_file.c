/* A buffer that grows to the longest line. */
#include "conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { CHUNK_BYTES = 1 << 16, LINE_MAX_BYTES = 1 << 28 };

static int fail(struct conf_file *f, int error)
{
	f->error = error;
	return error;
}

/* realloc(3) would not wipe the old memory. */
static int resize(struct conf_file *f, size_t cap)
{
	char *larger = cap <= LINE_MAX_BYTES ? malloc(cap) : NULL;

	if (!larger)
		return fail(f, cap > LINE_MAX_BYTES ? -EFBIG : -ENOMEM);
	if (f->buffer) {
		memcpy(larger, f->buffer, f->n);
		mem_wipe(f->buffer, f->n);
	}
	free(f->buffer);
	f->buffer = larger;
	f->cap = cap;
	return 0;
}

int conf_file_open(struct conf_file *f, const char *path)
{
	struct stat st;

	*f = (struct conf_file){ .fd = open(path, O_RDONLY | O_CLOEXEC), .is_empty = true };
	f->open_failed = f->fd < 0;
	if (f->open_failed)
		return fail(f, -errno);
	if (fstat(f->fd, &st) < 0)
		return fail(f, -errno);
	if (S_ISDIR(st.st_mode))
		return fail(f, -EISDIR);
	return resize(f, CHUNK_BYTES);
}

static bool fill(struct conf_file *f)
{
	ssize_t got;

	if (f->n == f->cap && resize(f, 2 * f->cap) != 0)
		return false;
	do
		got = read(f->fd, f->buffer + f->n, f->cap - f->n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		fail(f, -errno);
	else if (got == 0)
		f->ended = true;
	else
		f->n += (size_t)got;
	f->used = f->n > f->used ? f->n : f->used;
	return got > 0;
}

bool conf_file_next(void *conf_file, struct span *chunk)
{
	struct conf_file *f = conf_file;
	size_t end, searched = 0;

	f->n -= f->consumed;
	memmove(f->buffer, f->buffer + f->consumed, f->n);
	f->consumed = 0;
	for (;;) {
		struct span added = { f->buffer + searched, f->n - searched };
		end = span_find_last(added, '\n');
		if (end < added.n) {
			end += searched + 1;
			break;
		}
		searched = end = f->n;
		if (f->ended || !fill(f))
			break;
	}
	if (f->error || end == 0)
		return false;
	f->consumed = end;
	*chunk = (struct span){ f->buffer, end };
	f->is_empty &= conf_is_empty(*chunk);
	return true;
}

void conf_file_close(struct conf_file *f)
{
	if (f->buffer)
		mem_wipe(f->buffer, f->used);
	free(f->buffer);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct conf_file){ .fd = -1 };
}
