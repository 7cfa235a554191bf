/* Errors about values of the keys of wg-quick(8) in tunnel files. */
#ifndef WG_QUICK_BAD_VALUE_H
#define WG_QUICK_BAD_VALUE_H

#include "model/conf.h"

/* Reports "KEY: expected …, found `bad'" at the position of `bad`, a part of the value. Neither `bad` nor its line is shown
 * where it may be a secret. id: of the finding. */
void bad_value_report(struct diag *d, const char *file, const struct conf_extra *x, const char *id, struct span bad,
		      const char *expected);

#endif
