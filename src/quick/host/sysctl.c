/* Kernel parameters. */
#include "sysctl.h"

#include "base/text.h"
#include "fileio.h"
#include "report/report.h"

const char sysctl_src_valid_mark[] = "/proc/sys/net/ipv4/conf/all/src_valid_mark";

void sysctl_promote_secondaries(const char *interface)
{
	char path[96];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "/proc/sys/net/ipv4/conf/%s/promote_secondaries", interface);
	if (fileio_write_number(path, 1) < 0)
		report_warning("cannot write %s: addresses of the same network may be lost together", path);
}
