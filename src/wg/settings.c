/* Reads the [show] section of wgsuite.ini(5) with iniparser. A file that cannot be parsed has no effect. */
#include "settings.h"

#if __has_include(<iniparser/iniparser.h>)
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif
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

static void apply(struct program *p, const char *colour, const char *hide_keys, const char *names)
{
	bool names_are_set = getenv("WG_SHOW_NAMES");

	if (!getenv("WG_COLOR_MODE") && strcmp(colour, "always") == 0)
		p->colour = true;
	if (!getenv("WG_COLOR_MODE") && strcmp(colour, "never") == 0)
		p->colour = false;
	if (!getenv("WG_HIDE_KEYS") && strcmp(hide_keys, "never") == 0)
		p->show_secrets = true;
	if (!names_are_set && strcmp(names, "always") == 0)
		p->show_names = SHOW_NAMES_ALWAYS;
	if (!names_are_set && strcmp(names, "never") == 0)
		p->show_names = SHOW_NAMES_NEVER;
}

void settings_apply(struct program *p)
{
	dictionary *ini;

	if (p->settings_read)
		return;
	p->settings_read = true;
	if (getauxval(AT_SECURE) || access(path, R_OK) < 0)
		return;
	iniparser_set_error_callback(ignore_error);
	ini = iniparser_load(path);
	if (!ini) {
		report_warning("ignoring %s: syntax error", path);
		return;
	}
	apply(p, iniparser_getstring(ini, "show:colour", iniparser_getstring(ini, "show:color", "")),
	      iniparser_getstring(ini, "show:hide-keys", ""), iniparser_getstring(ini, "show:names", ""));
	iniparser_freedict(ini);
}
