/* Loads libraries. */
#include "library.h"

#include <stddef.h>

#ifdef WGSUITE_STATIC
const char library_absent[] = "cannot be loaded by a static program";

void *library_load(const char *soname, int flags)
{
	(void)soname;
	(void)flags;
	return NULL;
}

const char *library_remedy(const char *packages)
{
	(void)packages;
	return "use the programs of a package, which are linked dynamically";
}
#else
#include <dlfcn.h>

const char library_absent[] = "is not installed";

void *library_load(const char *soname, int flags)
{
	return dlopen(soname, flags);
}

const char *library_remedy(const char *packages)
{
	return packages;
}
#endif
