/* The name services of static programs. */
#include "resolve.h"

#if defined(WGSUITE_STATIC) && defined(__GLIBC__)
#include <nss.h>

void resolve_without_modules(void)
{
	(void)__nss_configure_lookup("hosts", "files dns");
	(void)__nss_configure_lookup("services", "files");
	(void)__nss_configure_lookup("protocols", "files");
	(void)__nss_configure_lookup("passwd", "files");
	(void)__nss_configure_lookup("group", "files");
}
#else
void resolve_without_modules(void)
{
}
#endif
