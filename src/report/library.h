/* Libraries that are loaded when they are first needed, if they are installed. */
#ifndef WG_LIBRARY_H
#define WG_LIBRARY_H

/* dlopen(3), or null in a static program: of another version of libc than that of the program, a library may not work. */
void *library_load(const char *soname, int flags);

/* Why it was not loaded: follows the name of the library in a message. */
extern const char library_absent[];
/* How to get it: this text, or in a static program another one. */
const char *library_remedy(const char *packages);

#endif
