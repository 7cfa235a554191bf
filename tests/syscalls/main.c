/* syscall_faults VERB failures|kills WG-QUICK FILE [FILE-AFTER]: sweeps over the system calls of `wg-quick VERB wg0` with
 * this tunnel file, on a host made for it. `reload` reads the second file. Exit status 1 after a violation.
 * SWEEP_SHARE=N visits one of N points, those that SWEEP_SEED chooses; SWEEP_VARIANTS=N lets each call fail with N errors;
 * SWEEP_POINT=N visits one point, with the error SWEEP_VARIANT, and prints the output. */
#include <err.h>
#include <stdlib.h>

#include "call_errors.h"
#include "commands.h"
#include "sweep.h"

static unsigned int number_of(const char *variable, unsigned int otherwise)
{
	const char *value = getenv(variable);

	return value && value[0] ? (unsigned int)strtoul(value, NULL, 10) : otherwise;
}

static enum sweep_verb verb_of(const char *word)
{
	static const char *const verbs[] = { [SWEEP_UP] = "up", [SWEEP_DOWN] = "down", [SWEEP_RELOAD] = "reload", [SWEEP_SAVE] = "save" };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i], word) == 0)
			return (enum sweep_verb)i;
	errx(2, "unknown verb: %s", word);
}

int main(int argc, char *argv[])
{
	struct sweep_options o = { .file = text_heap(), .after = text_heap() };

	if (argc < 5 || argv[3][0] != '/')
		errx(2, "usage: syscall_faults VERB failures|kills WG-QUICK FILE [FILE-AFTER]");
	o.verb = verb_of(argv[1]);
	o.kills = strcmp(argv[2], "kills") == 0;
	o.wg_quick = argv[3];
	read_file(&o.file, argv[4]);
	if (argc > 5)
		read_file(&o.after, argv[5]);
	o.share = number_of("SWEEP_SHARE", 1);
	o.seed = number_of("SWEEP_SEED", 0);
	o.variants = number_of("SWEEP_VARIANTS", 1);
	o.only = number_of("SWEEP_POINT", 0);
	o.only_variant = number_of("SWEEP_VARIANT", 0);
	return sweep_run(&o) > 0;
}
