#include "hooks.h"

#include <errno.h>
#include <stdlib.h>

#include "run.h"
#include "say.h"

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
static const char bash_before[] = "set -e -o pipefail\nshopt -s extglob\n"
				  "cmd() { echo \"[#] $*\" >&2; \"$@\"; }\n"
				  "die() { echo \"$PROGRAM: $*\" >&2; exit 1; }\n";
static const char sh_before[] = "set -e\n";

int hook_run(const char *text, const char *name, const char *config)
{
	struct text script = grow_text();
	const char *bash = run_find("bash");
	char *argv[4] = { NULL, NULL, NULL, NULL };
	struct run r = { .argv = argv, .hook = true };
	int status;

	text_add(&script, bash ? bash_before : sh_before);
	hook_expand(&script, text, name);
	text_char(&script, '\n');
	if (script.failed) {
		grow_text_free(&script);
		return -ENOMEM;
	}
	setenv("INTERFACE", name, 1);
	setenv("CONFIG_FILE", config ? config : "", 1);
	setenv("PROGRAM", say_program, 1);
	argv[0] = span_dup(span_of(bash ? bash : "/bin/sh"));
	argv[1] = span_dup(SPAN("-c"));
	argv[2] = script.p;
	status = argv[0] && argv[1] ? run_program(&r) : -ENOMEM;
	free(argv[0]);
	free(argv[1]);
	grow_text_free(&script);
	return status;
}
