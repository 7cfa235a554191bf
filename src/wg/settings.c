/* iniparser is loaded by dlopen(3), only if the file exists. A file that cannot be parsed has no effect. */
#include "settings.h"

#include <dlfcn.h>
#include <iniparser/iniparser.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "report/report.h"

static const char path[] = SYSCONFDIR "/wireguard/wgsuite.ini";

/* wg-quick reports the line; wg shows the device without the settings. */
static int ignore_error(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

static struct {
	void *library;
	__typeof__(&iniparser_load) load;
	__typeof__(&iniparser_getstring) get;
	__typeof__(&iniparser_freedict) free;
	__typeof__(&iniparser_set_error_callback) set_error_callback;
} ini;

static bool ini_load(void)
{
	ini.library = dlopen("libiniparser.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!ini.library)
		return false;
	ini.load = (__typeof__(ini.load))dlsym(ini.library, "iniparser_load");
	ini.get = (__typeof__(ini.get))dlsym(ini.library, "iniparser_getstring");
	ini.free = (__typeof__(ini.free))dlsym(ini.library, "iniparser_freedict");
	ini.set_error_callback = (__typeof__(ini.set_error_callback))dlsym(ini.library, "iniparser_set_error_callback");
	return ini.load && ini.get && ini.free && ini.set_error_callback;
}

static void apply(struct program *p, const char *colour, const char *hide_keys)
{
	if (!getenv("WG_COLOR_MODE") && strcmp(colour, "always") == 0)
		p->colour = true;
	if (!getenv("WG_COLOR_MODE") && strcmp(colour, "never") == 0)
		p->colour = false;
	if (!getenv("WG_HIDE_KEYS") && strcmp(hide_keys, "never") == 0)
		p->show_secrets = true;
}

void settings_apply(struct program *p)
{
	dictionary *settings;

	if (p->settings_read)
		return;
	p->settings_read = true;
	if (getauxval(AT_SECURE) || access(path, R_OK) < 0 || !ini_load())
		return;
	ini.set_error_callback(ignore_error);
	settings = ini.load(path);
	if (!settings) {
		report_warning("%s is not used: syntax error", path);
		return;
	}
	apply(p, ini.get(settings, "show:colour", ""), ini.get(settings, "show:hide-keys", ""));
	ini.free(settings);
}
