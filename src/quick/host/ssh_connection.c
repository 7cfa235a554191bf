/* The SSH session to which this process belongs. */
#include "ssh_connection.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/vector.h"
#include "fileio.h"

enum { ANCESTORS_MAX = 64, PARENT = 2 /* the word of /proc/PID/stat after the name of the program */ };

static const char variable[] = "SSH_CONNECTION=";

static bool find_variable(struct text *out, struct span environment)
{
	struct span one;

	while (span_next(&one, &environment, '\0'))
		if (span_starts(one, variable)) {
			text_span(out, span_sub(one, sizeof variable - 1, one.n));
			return true;
		}
	return false;
}

static bool read_file(struct text *out, uint64_t pid, const char *name)
{
	char path[64];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "/proc/%llu/%s", (unsigned long long)pid, name);
	return fileio_read(path, out) == 0;
}

static uint64_t parent_of(uint64_t pid)
{
	struct text stat = text_heap();
	struct span rest = { 0 }, word = { 0 };
	uint64_t parent = 0;
	bool known = read_file(&stat, pid, "stat");

	if (known)
		rest = span_sub(text_of(&stat), span_find_last(text_of(&stat), ')') + 2, stat.n);
	for (int i = 0; known && i < PARENT; i++)
		known = span_next(&word, &rest, ' ');
	if (!known || !span_to_u64(&parent, word, UINT64_MAX))
		parent = 0;
	text_heap_free(&stat);
	return parent;
}

bool ssh_connection_find(struct text *out)
{
	const char *own = getenv("SSH_CONNECTION");
	uint64_t pid = (uint64_t)getppid();
	bool found = own && own[0];

	if (found)
		text_add(out, own);
	for (int i = 0; !found && pid > 1 && i < ANCESTORS_MAX; i++, pid = parent_of(pid)) {
		struct text environment = text_heap();
		if (read_file(&environment, pid, "environ"))
			found = find_variable(out, text_of(&environment));
		text_heap_free(&environment);
	}
	return found;
}
