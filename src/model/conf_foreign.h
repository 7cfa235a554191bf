/* Keys in tunnel files of other programs. They are errors; the help explains them. Private to src/model. */
#ifndef WG_CONF_FOREIGN_H
#define WG_CONF_FOREIGN_H

#include "base/text.h"

/* Appends what the key is. False: no known program has it. */
must_check bool conf_foreign_explain(struct text *t, struct span key);

#endif
