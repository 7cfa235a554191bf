/* The state of a host that a tunnel can change or leave behind, as lines of text. */
#ifndef TEST_HOST_STATE_H
#define TEST_HOST_STATE_H

#include "base/vector.h"

/* Replaces *out. Links, addresses, routes of all tables, rules, firewall rules, parameters, files below /run and /etc with the contents of
 * those below /run/wgsuite and of resolv.conf, and the processes of wg-quick. The tunnel file of `name` is left out. */
void host_state_read(struct text *out, const char *name);

void sort_lines(struct text *t);

/* Prints the lines that only one of them has, with - and +. */
void host_state_print_difference(struct text *out, struct span before, struct span after);

#endif
