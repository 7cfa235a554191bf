/* The [show] section of wgsuite.ini(5): colours, keys and names in the format for people. */
#ifndef WG_SETTINGS_H
#define WG_SETTINGS_H

#include "program.h"

/* Called before a device is printed; reads the file once. Environment variables override it. */
void settings_apply(struct program *p);

#endif
