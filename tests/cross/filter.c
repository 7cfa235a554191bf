/* The daemon's system call filter as it is made on this machine, printed instead of loaded: the emulator has none. Linked
 * with --wrap=seccomp_load. If libseccomp refuses a rule, nothing is loaded, and so nothing printed. */
#include <seccomp.h>
#include <stdio.h>
#include <unistd.h>
#include "daemon/process/sandbox.h"

int __wrap_seccomp_load(scmp_filter_ctx f);

int __wrap_seccomp_load(scmp_filter_ctx f)
{
	return seccomp_export_pfc(f, STDOUT_FILENO);
}

int main(void)
{
	int error = seccomp_api_set(3); /* what Linux 4.14 can do, without asking the emulator */

	if (error != 0) {
		printf("seccomp_api_set: error %d\n", error);
		return 1;
	}
	sandbox_restrict_syscalls();
	return 0;
}
