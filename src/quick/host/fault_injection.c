#include "fault_injection.h"

#ifdef WG_FAULTS
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "report/output.h"

static void fault_log(unsigned int number, const char *what)
{
	const char *path = getenv("WG_QUICK_FAULT_LOG");
	char line[128];
	struct text t = text_fixed(line, sizeof line);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	text_f(&t, "%u %s\n", number, what);
	report_write(fd, line, t.n);
	close(fd);
}

bool fault_injected(const char *what)
{
	static unsigned int count;
	const char *wanted = getenv("WG_QUICK_FAULT"), *sig = getenv("WG_QUICK_FAULT_SIGNAL");
	uint64_t n;

	fault_log(++count, what);
	if (!wanted || !span_to_u64(&n, span_of(wanted), UINT32_MAX) || n != count)
		return false;
	if (!sig || !span_to_u64(&n, span_of(sig), 64)) {
		errno = EIO; /* not what an earlier call left there */
		return true;
	}
	raise((int)n);
	return false;
}
#else
typedef int fault_is_not_built; /* ISO C wants something here */
#endif
