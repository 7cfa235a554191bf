/* The [show] section of wgsuite.ini(5): what the format for people does when the environment does not
 * say. iniparser is loaded when the file is there; a file that cannot be used changes nothing. */
#include "settings.h"

#include <dlfcn.h>
#include <iniparser/iniparser.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char path[] = SYSCONFDIR "/wireguard/wgsuite.ini";

/* wg-quick names the line; here the show goes on. */
static int be_silent(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

static struct {
	void *library;
	__typeof__(&iniparser_load) load;
	__typeof__(&iniparser_getstring) get;
	__typeof__(&iniparser_freedict) free;
	__typeof__(&iniparser_set_error_callback) complaints;
} ini;

static bool ini_load(void)
{
	ini.library = dlopen("libiniparser.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!ini.library)
		return false;
	ini.load = (__typeof__(ini.load))dlsym(ini.library, "iniparser_load");
	ini.get = (__typeof__(ini.get))dlsym(ini.library, "iniparser_getstring");
	ini.free = (__typeof__(ini.free))dlsym(ini.library, "iniparser_freedict");
	ini.complaints = (__typeof__(ini.complaints))dlsym(ini.library, "iniparser_set_error_callback");
	return ini.load && ini.get && ini.free && ini.complaints;
}

static void take(struct program *p, const char *colour, const char *hide_keys)
{
	if (!getenv("WG_COLOR_MODE") && strcmp(colour, "always") == 0)
		p->color = true;
	if (!getenv("WG_COLOR_MODE") && strcmp(colour, "never") == 0)
		p->color = false;
	if (!getenv("WG_HIDE_KEYS") && strcmp(hide_keys, "never") == 0)
		p->show_secrets = true;
}

void settings_take(struct program *p)
{
	dictionary *found;

	if (p->settled)
		return;
	p->settled = true;
	if (getauxval(AT_SECURE) || access(path, R_OK) < 0 || !ini_load())
		return;
	ini.complaints(be_silent);
	found = ini.load(path);
	if (!found) {
		complain("Warning: `%s' has a line that cannot be read and is not used\n", path);
		return;
	}
	take(p, ini.get(found, "show:colour", ""), ini.get(found, "show:hide-keys", ""));
	ini.free(found);
}
