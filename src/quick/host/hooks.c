/* Runs hooks with bash, or with sh where bash is missing. */
#include "hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "quick/plan/print.h"
#include "subprocess.h"
#include "report/output.h"
#include "report/report.h"

char *const *hook_arguments;

/* wireguard-tools runs a hook with eval inside a function of its bash script. Hooks rely on that environment: the shell
 * options, the functions cmd and die, ARGS and PROGRAM, and being able to `return` and use `local`. */
static const char bash_before[] = "set -e -o pipefail\nshopt -s extglob\n"
				  "cmd() { echo \"[#] $*\" >&2; \"$@\"; }\n"
				  "die() { echo \"$PROGRAM: $*\" >&2; exit 1; }\n"
				  "hook=$1 ARGS=(\"${@:2}\")\nset --\n";
static const char bash_after[] = "run_hook() { eval \"$hook\"; }\nrun_hook\n";

/* Also where PATH lacks its directory. */
static const char *find_bash(void)
{
	static const char *const names[] = { "bash", "/bin/bash", "/usr/bin/bash" };
	const char *found = NULL;

	for (size_t i = 0; !found && i < ARRAY_LEN(names); i++)
		found = subprocess_find(names[i]);
	return found;
}

enum { ARGUMENT_MAX = 100000 }; /* bytes; the kernel's limit for one argument is 128 KiB */

/* Moves a hook that is too long for an argument to a memory file and empties *line. The descriptor, or -1: it stays an
 * argument. */
static int move_to_memory(struct text *line)
{
	int fd = line->n > ARGUMENT_MAX ? memfd_create("hook", 0) : -1;

	if (fd >= 0 && report_write(fd, line->p, line->n) < 0) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		line->p[line->n = 0] = '\0';
	return fd;
}

static int run_with_bash(const char *bash, struct text *line)
{
	int status = -ENOMEM, memory = move_to_memory(line);
	struct text script = text_heap();
	const char *argv[12] = { bash, "-c", NULL, report_program(), line->p };
	struct subprocess r = { .argv = argv, .hook = true };

	text_add(&script, bash_before);
	if (memory >= 0)
		text_f(&script, "hook=$(</proc/self/fd/%d)\nexec %d<&-\n", memory, memory);
	text_add(&script, bash_after);
	argv[2] = script.p;
	for (size_t i = 0; hook_arguments && hook_arguments[i] && i + 6 < ARRAY_LEN(argv); i++)
		argv[5 + i] = hook_arguments[i];
	if (!script.failed)
		status = subprocess_run(&r);
	if (memory >= 0)
		close(memory);
	text_heap_free(&script);
	return status;
}

static int run_with_sh(const struct text *line)
{
	const char *argv[] = { "/bin/sh", "-ec", line->p, NULL };
	struct subprocess r = { .argv = argv, .hook = true };

	return subprocess_run(&r);
}

int hook_run(const char *text, const char *name, const char *config)
{
	struct text line = text_heap();
	const char *bash = find_bash();
	int status = -ENOMEM;

	hook_expand(&line, text, name);
	text_add(&line, ""); /* allocates line.p even for an empty hook */
	setenv("INTERFACE", name, 1);
	setenv("CONFIG_FILE", config ? config : "", 1);
	setenv("PROGRAM", report_program(), 1);
	if (!line.failed)
		status = bash ? run_with_bash(bash, &line) : run_with_sh(&line);
	text_heap_free(&line);
	return status;
}
