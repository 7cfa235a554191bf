/* The mesh that tunnel files describe, as a graph in the language of Graphviz (DOT). */
#ifndef WG_CHECK_GRAPH_H
#define WG_CHECK_GRAPH_H

#include "check.h"

/* Appends the graph of the files after check_run(). A node is a file, or a peer for which there is no file. An edge is a pair
 * of keys, labelled with the allowed IPs of either side; dashed if neither side has an endpoint; with an arrow if only one
 * side has the other as a peer. What has an error or a warning is red, with the text as its tooltip. No key but
 * the first characters of public ones is in it. False: out of memory. */
must_check bool check_graph(struct text *t, struct check *c);

#endif
