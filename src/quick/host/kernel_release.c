/* The version of the running kernel. */
#include "kernel_release.h"

#include <sys/utsname.h>

void kernel_release_print(struct text *t)
{
	struct utsname u;

	text_add(t, uname(&u) == 0 ? u.release : "unknown");
}
