/* Runs hooks with bash, or with sh where bash is missing. */
#include "hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "quick/plan/print.h"
#include "quick/plan/shell_quote.h"
#include "subprocess.h"
#include "report/output.h"
#include "report/report.h"

char *const *hook_arguments;

/* wireguard-tools runs a hook with eval inside a function of its bash script. Hooks rely on that environment: the shell
 * options, the functions cmd and die, ARGS and PROGRAM, and being able to `return` and use `local`. All of it is one
 * line, so that bash counts the lines of its messages from the hook on. */
static const char script_before[] =
	"set -e -o pipefail; shopt -s extglob; "
	"cmd() { echo \"[#] $*\" >&2; \"$@\"; }; "
	"die() { echo \"$PROGRAM: $*\" >&2; exit 1; }; "
	"command_not_found_handle() { echo \"$PROGRAM: $1: command not found\" >&2; return 127; }; "
	"BASH_ARGV0=$PROGRAM ARGS=(\"$@\"); set --; hook=";
static const char script_after[] = "; run_hook() { eval \"$hook\"; }; run_hook\n";

/* Also where PATH lacks its directory. */
static const char *find_bash(void)
{
	static const char *const names[] = { "bash", "/bin/bash", "/usr/bin/bash" };
	const char *found = NULL;

	for (size_t i = 0; !found && i < ARRAY_LEN(names); i++)
		found = subprocess_find(names[i]);
	return found;
}

/* A file in memory that bash can read as its script. Its descriptor, or -1: /proc is not mounted, or there is no memory. */
static int script_file(void)
{
	return access("/proc/self/fd", X_OK) == 0 ? memfd_create("hook", 0) : -1;
}

/* As a file, because "bash -c" prints an additional error when `set -e` ends a function that eval runs, and the kernel
 * limits the length of an argument. */
static int run_with_bash(const char *bash, const struct text *line)
{
	int status = -ENOMEM, file = script_file();
	char path[40];
	struct text script = text_heap(), path_text = text_fixed(path, sizeof path);
	const char *argv[12] = { bash, path };
	struct subprocess r = { .argv = argv, .hook = true };
	size_t n = 2;

	text_f(&path_text, "/proc/self/fd/%d", file);
	if (file >= 0)
		text_f(&script, "exec %d<&-; ", file);
	text_add(&script, script_before);
	shell_quote(&script, text_of(line));
	text_add(&script, script_after);
	if (!script.failed && (file < 0 || report_write(file, script.p, script.n) < 0)) {
		argv[1] = "-c";
		argv[n++] = script.p;
		argv[n++] = report_program();
	}
	for (size_t i = 0; hook_arguments && hook_arguments[i] && n + 1 < ARRAY_LEN(argv); i++)
		argv[n++] = hook_arguments[i];
	if (!script.failed)
		status = subprocess_run(&r);
	if (file >= 0)
		close(file);
	text_heap_free(&script);
	return status;
}

static int run_with_sh(const struct text *line)
{
	const char *argv[] = { "/bin/sh", "-ec", line->p, NULL };
	struct subprocess r = { .argv = argv, .hook = true };

	return subprocess_run(&r);
}

int hook_run(const char *text, const char *name, const char *netns, const char *config)
{
	struct text line = text_heap();
	const char *bash = find_bash();
	int status = -ENOMEM;

	hook_expand(&line, text, name, netns);
	text_add(&line, ""); /* allocates line.p even for an empty hook */
	setenv("INTERFACE", name, 1);
	setenv("CONFIG_FILE", config ? config : "", 1);
	setenv("PROGRAM", report_program(), 1);
	if (!line.failed)
		status = bash ? run_with_bash(bash, &line) : run_with_sh(&line);
	text_heap_free(&line);
	return status;
}
