/* The version of the suite: the only place that has it (contrib/packaging/version.sh reads it). */
#ifndef WG_VERSION_H
#define WG_VERSION_H

#define WGSUITE_VERSION "1.0.0"
/* The wireguard-tools whose commands and output these are. Scripts read it in `wg --version`. */
#define WGSUITE_COMPATIBLE_VERSION "1.0.20260223"

#endif
