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

/* What a hook of bash's wg-quick finds around it: it is a line of a function there. */
static const char bash_before[] = "set -e -o pipefail\nshopt -s extglob\n"
				  "cmd() { echo \"[#] $*\" >&2; \"$@\"; }\n"
				  "die() { echo \"$PROGRAM: $*\" >&2; exit 1; }\n"
				  "hook=$1 ARGS=(\"${@:2}\")\nset --\n";
static const char bash_after[] = "run_hook() { eval \"$hook\"; }\nrun_hook\n";

/* Whatever PATH says. */
static const char *find_bash(void)
{
	static const char *const places[] = { "bash", "/bin/bash", "/usr/bin/bash" };
	const char *found = NULL;

	for (size_t i = 0; !found && i < ARRAY_LEN(places); i++)
		found = subprocess_find(places[i]);
	return found;
}

enum { ARGUMENT_MAX = 100000 }; /* the kernel's own limit is 128 KiB */

/* What is too long for an argument is read from a file that only lives in memory. Its descriptor, or -1:
 * it is an argument. */
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

static int run_by_bash(const char *bash, struct text *line)
{
	static char c[] = "-c";
	struct text script = text_heap();
	char *argv[12] = { span_dup(span_of(bash)), c, NULL, span_dup(span_of(report_program())) };
	struct subprocess r = { .argv = argv, .hook = true };
	int status, memory = move_to_memory(line);

	text_add(&script, bash_before);
	if (memory >= 0)
		text_f(&script, "hook=$(</proc/self/fd/%d)\nexec %d<&-\n", memory, memory);
	text_add(&script, bash_after);
	argv[2] = script.p;
	argv[4] = line->p;
	for (size_t i = 0; hook_arguments && hook_arguments[i] && i + 6 < ARRAY_LEN(argv); i++)
		argv[5 + i] = hook_arguments[i];
	status = argv[0] && !script.failed && argv[3] ? subprocess_run(&r) : -ENOMEM;
	free(argv[0]);
	free(argv[3]);
	if (memory >= 0)
		close(memory);
	text_heap_free(&script);
	return status;
}

static int run_by_sh(const struct text *line)
{
	static char sh[] = "/bin/sh", options[] = "-ec";
	char *argv[] = { sh, options, line->p, NULL };
	struct subprocess r = { .argv = argv, .hook = true };

	return subprocess_run(&r);
}

int hook_run(const char *text, const char *name, const char *config)
{
	struct text line = text_heap();
	const char *bash = find_bash();
	int status = -ENOMEM;

	hook_expand(&line, text, name);
	text_add(&line, ""); /* of an empty hook, too, there is a text */
	setenv("INTERFACE", name, 1);
	setenv("CONFIG_FILE", config ? config : "", 1);
	setenv("PROGRAM", report_program(), 1);
	if (!line.failed)
		status = bash ? run_by_bash(bash, &line) : run_by_sh(&line);
	text_heap_free(&line);
	return status;
}
