#include "conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE = 1 << 16, LINE_MAX_BYTES = 1 << 28 };

static int fail(struct conf_file *f, const char *call, int error)
{
	f->failed = call;
	f->error = error;
	return error;
}

/* The old memory is wiped, which realloc would not do. */
static int resize(struct conf_file *f, size_t cap)
{
	char *larger = cap <= LINE_MAX_BYTES ? malloc(cap) : NULL;

	if (!larger)
		return fail(f, "read", cap > LINE_MAX_BYTES ? -EFBIG : -ENOMEM);
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

	*f = (struct conf_file){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
	if (f->fd < 0)
		return fail(f, "fopen", -errno); /* the word that people grep for */
	if (fstat(f->fd, &st) < 0)
		return fail(f, "fstat", -errno);
	if (S_ISDIR(st.st_mode))
		return fail(f, "read", -EISDIR);
	return resize(f, PIECE);
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
		fail(f, "read", -errno);
	else if (got == 0)
		f->ended = true;
	else
		f->n += (size_t)got;
	f->used = f->n > f->used ? f->n : f->used;
	return got > 0;
}

bool conf_file_next(void *conf_file, struct span *piece)
{
	struct conf_file *f = conf_file;
	size_t end, looked = 0;

	f->n -= f->given;
	memmove(f->buffer, f->buffer + f->given, f->n);
	f->given = 0;
	for (;;) {
		struct span news = { f->buffer + looked, f->n - looked };
		end = span_find_last(news, '\n');
		if (end < news.n) {
			end += looked + 1;
			break;
		}
		looked = end = f->n;
		if (f->ended || !fill(f))
			break;
	}
	if (f->error || end == 0)
		return false;
	f->given = end;
	*piece = (struct span){ f->buffer, end };
	f->says_something |= !conf_is_empty(*piece);
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
