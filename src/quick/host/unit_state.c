/* Units that have failed. */
#include "unit_state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "subprocess.h"

static const struct subprocess quiet = { .quiet = true };

bool unit_state_is_used(void)
{
	return getenv("INVOCATION_ID") && access("/run/systemd/system", F_OK) == 0;
}

/* systemd accepts "+" and "=" in the name of a unit only in another form, for which wg-quick@.service does not work. */
static bool unit_of(struct text *out, struct span name)
{
	if (span_find(name, '+') < name.n || span_find(name, '=') < name.n)
		return false;
	text_add(out, "wg-quick-health@");
	text_span(out, name);
	text_add(out, ".service");
	return !out->failed;
}

int unit_state_fail(const char *name)
{
	char unit[64];
	struct text t = text_fixed(unit, sizeof unit);
	int status;

	if (!unit_of(&t, span_of(name)))
		return -EINVAL;
	status = subprocess_run_args(&quiet, "systemctl", "start", unit, NULL);
	return status < 0 ? status : 0; /* systemctl reports that it has failed */
}

int unit_state_reset(struct span names)
{
	struct span name;
	int r = 0;

	while (span_next(&name, &names, ' ')) {
		char unit[64];
		struct text t = text_fixed(unit, sizeof unit);
		int status = unit_of(&t, name) ? subprocess_run_args(&quiet, "systemctl", "reset-failed", unit, NULL) : 0;
		r = status < 0 ? status : r;
	}
	return r;
}
