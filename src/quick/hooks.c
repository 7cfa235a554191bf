#include "hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run.h"
#include "say.h"

char *const *hook_arguments;

void hook_expand(struct text *t, const char *text, const char *name)
{
	for (const char *p = text; *p; p++) {
		if (p[0] == '%' && p[1] == 'i') {
			text_add(t, name);
			p++;
		} else {
			text_char(t, *p);
		}
	}
}

/* What a hook of bash's wg-quick finds around it. */
static const char bash_before[] = "set -e -o pipefail\nshopt -s extglob\nARGS=(\"$@\"); set --\n"
				  "cmd() { echo \"[#] $*\" >&2; \"$@\"; }\n"
				  "die() { echo \"$PROGRAM: $*\" >&2; exit 1; }\n";
static const char sh_before[] = "set -e\n";

/* Whatever PATH says. */
static const char *find_bash(void)
{
	static const char *const places[] = { "bash", "/bin/bash", "/usr/bin/bash" };
	const char *found = NULL;

	for (size_t i = 0; !found && i < ARRAY_LEN(places); i++)
		found = run_find(places[i]);
	return found;
}

enum { ARGUMENT_MAX = 100000 }; /* the kernel's own limit is 128 KiB */

/* What is too long for an argument is read from a file that only lives in memory. Its descriptor, or -1:
 * the script is as it was. */
static int move_to_memory(struct text *script, size_t n_before)
{
	int fd = script->n > ARGUMENT_MAX ? memfd_create("hook", 0) : -1;

	if (fd < 0)
		return -1;
	if (say_bytes(fd, script->p + n_before, script->n - n_before) < 0) {
		close(fd);
		return -1;
	}
	script->n = n_before;
	text_f(script, "INTERFACE_HOOK=$(</proc/self/fd/%d)\nexec %d<&-\neval \"$INTERFACE_HOOK\"\n", fd, fd);
	return fd;
}

int hook_run(const char *text, const char *name, const char *config)
{
	struct text script = grow_text();
	const char *bash = find_bash();
	static char c[] = "-c", sh[] = "/bin/sh";
	char *argv[12] = { NULL };
	struct run r = { .argv = argv, .hook = true };
	size_t n_before;
	int status, memory;

	text_add(&script, bash ? bash_before : sh_before);
	n_before = script.n;
	hook_expand(&script, text, name);
	text_char(&script, '\n');
	if (script.failed) {
		grow_text_free(&script);
		return -ENOMEM;
	}
	memory = bash ? move_to_memory(&script, n_before) : -1;
	setenv("INTERFACE", name, 1);
	setenv("CONFIG_FILE", config ? config : "", 1);
	setenv("PROGRAM", say_program, 1);
	argv[0] = bash ? span_dup(span_of(bash)) : sh;
	argv[1] = c;
	argv[2] = script.p;
	argv[3] = span_dup(span_of(say_program));
	for (size_t i = 0; hook_arguments && hook_arguments[i] && i + 5 < ARRAY_LEN(argv); i++)
		argv[4 + i] = hook_arguments[i];
	status = argv[0] && argv[3] ? run_program(&r) : -ENOMEM;
	if (bash)
		free(argv[0]);
	free(argv[3]);
	if (memory >= 0)
		close(memory);
	grow_text_free(&script);
	return status;
}
