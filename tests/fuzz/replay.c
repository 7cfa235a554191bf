/* Feeds every file of the folders and files given to a fuzz target, in the order of their names: what
 * any compiler can do with a corpus. Prints how many files and bytes it took; a crash is the failure. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

struct count {
	unsigned long files, bytes;
};

static int fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return 1;
}

static int replay_file(struct count *count, const char *path, size_t n)
{
	FILE *f = fopen(path, "rb");
	/* Exactly as large as the input, so that a sanitizer sees the first byte past it. */
	uint8_t *data = malloc(n);
	int error = 0;

	if (!f || (!data && n > 0) || fread(data, 1, n, f) != n) {
		error = fail(path);
	} else {
		LLVMFuzzerTestOneInput(data, n);
		count->files++;
		count->bytes += n;
	}
	free(data);
	if (f)
		fclose(f);
	return error;
}

static int replay(struct count *count, const char *path);

static int replay_folder(struct count *count, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	int error = n < 0 ? fail(path) : 0;

	for (int i = 0; i < n; i++) {
		char *inner = NULL;
		if (names[i]->d_name[0] != '.') {
			if (asprintf(&inner, "%s/%s", path, names[i]->d_name) < 0)
				abort();
			error |= replay(count, inner);
			free(inner);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return error;
}

static int replay(struct count *count, const char *path)
{
	struct stat s;

	if (stat(path, &s) < 0)
		return fail(path);
	if (S_ISDIR(s.st_mode))
		return replay_folder(count, path);
	return replay_file(count, path, (size_t)s.st_size);
}

int main(int argc, char **argv)
{
	struct count count = { 0 };
	int error = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		error |= replay(&count, argv[i]);
	printf("%lu inputs, %lu bytes\n", count.files, count.bytes);
	if (count.files == 0) {
		fprintf(stderr, "no input found\n");
		error = 1;
	}
	return error;
}
