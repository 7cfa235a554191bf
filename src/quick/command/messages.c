/* Messages that several commands print. */
#include "messages.h"

#include <string.h>

#include "quick/host/signals.h"
#include "report/report.h"

int report_failure(const char *what, int error)
{
	if (error < 0)
		report_error("cannot %s: %s", what, strerror(-error));
	return error;
}

void report_plan_warning(void *ctx, const char *text)
{
	(void)ctx;
	report_warning("%s", text);
}

int exit_status_of_output(int error)
{
	return report_failure("write to standard output", error) < 0;
}

int exit_status_stopped(void)
{
	report_error("stopped by a signal (%s)", strsignal(stop_signal));
	return 1;
}
