/* Numbers for versions of files, from stat(2): the contents are not read. */
#include "file_stamp.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "folder.h"

static uint64_t mix(uint64_t h, uint64_t v)
{
	const uint64_t odd = 0x9e3779b97f4a7c15; /* 2^64 divided by the golden ratio */

	h = (h ^ v) * odd;
	return h ^ (h >> 32);
}

static uint64_t stamp_of(const char *path)
{
	struct stat st;
	uint64_t h = 1;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	h = mix(h, (uint64_t)st.st_dev);
	h = mix(h, (uint64_t)st.st_ino);
	h = mix(h, (uint64_t)st.st_size);
	h = mix(h, (uint64_t)st.st_mtim.tv_sec);
	h = mix(h, (uint64_t)st.st_mtim.tv_nsec);
	return h ? h : 1;
}

uint64_t file_stamp(const char *path)
{
	struct string_list names = { 0 };
	struct text folder = text_heap(), one = text_heap();
	uint64_t h = stamp_of(path), sum = 0;

	text_f(&folder, "%s.d", path);
	if (h && !folder.failed && folder_list(&names, folder.p) == 0)
		for (size_t i = 0; i < names.n; i++) {
			one.n = 0;
			text_f(&one, "%s/%s", folder.p, names.list[i]);
			sum += one.failed ? 0 : stamp_of(one.p); /* in any order */
		}
	text_heap_free(&folder);
	text_heap_free(&one);
	string_list_free(&names);
	h = sum ? mix(h, sum) : h;
	return h;
}

bool file_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
