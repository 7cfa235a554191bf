/* Findings of the checker, for people and programs. */
#ifndef WG_REPORT_CHECK_OUTPUT_H
#define WG_REPORT_CHECK_OUTPUT_H

#include "check/check.h"

enum check_format { CHECK_TEXT, CHECK_JSON, CHECK_GITHUB, CHECK_GRAPH };

/* "FILE:LINE:COL: error: text [id]", the line, a caret, notes and help; with escape sequences if `colour`. */
void check_print_text(struct text *t, struct check *c, bool colour);
/* Only the warnings of up and reload. */
void check_print_for_up(struct text *t, struct check *c);
/* One object: the numbers of errors, warnings and notes, and the array "findings". */
void check_print_json(struct text *t, struct check *c);
/* Workflow commands of GitHub Actions, which annotate the files of a change. */
void check_print_github(struct text *t, struct check *c);

#endif
