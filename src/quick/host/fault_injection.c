/* Fault injection for tests. */
#include "fault_injection.h"

#ifdef WG_FAULTS
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "report/output.h"

static void log_operation(unsigned int number, const char *operation)
{
	const char *path = getenv("WG_QUICK_FAULT_LOG");
	char line[128];
	struct text t = text_fixed(line, sizeof line);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	text_f(&t, "%u %s\n", number, operation);
	report_write(fd, line, t.n);
	close(fd);
}

bool fault_injected(const char *operation)
{
	static unsigned int count;
	const char *chosen = getenv("WG_QUICK_FAULT"), *sig = getenv("WG_QUICK_FAULT_SIGNAL");
	uint64_t n;

	log_operation(++count, operation);
	if (!chosen || !span_to_u64(&n, span_of(chosen), UINT32_MAX) || n != count)
		return false;
	if (!sig || !span_to_u64(&n, span_of(sig), 64)) {
		errno = EIO; /* callers that report errno would see that of an earlier call */
		return true;
	}
	raise((int)n);
	return false;
}
#else
typedef int fault_injection_is_off; /* ISO C forbids an empty file */
#endif
