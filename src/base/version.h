/* The version of the suite. */
#ifndef WG_VERSION_H
#define WG_VERSION_H

#define WGSUITE_VERSION "1.0.0"

#endif
