/* How wg(8) shows devices to people: the [show] section of wgsuite.ini(5). */
#ifndef WG_SETTINGS_H
#define WG_SETTINGS_H

#include "program.h"

/* Once, before the first device is printed; the environment comes first. */
void settings_take(struct program *p);

#endif
