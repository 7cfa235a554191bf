/* Runs programs. */
#ifndef TEST_COMMANDS_H
#define TEST_COMMANDS_H

#include "base/vector.h"

/* The file for the output of programs, empty. */
int output_begin(void);
/* Its contents. */
void output_read(struct text *out);

/* The exit status, or 128 + signal; the output goes to output_begin(). At most seven words, up to a null. */
int run_command(const char *program, ...);

/* Replaces the contents of a file with mode 0600. Ends the program after an error. */
void write_file(const char *path, struct span text);
/* Replaces *out. A file that cannot be read is empty. */
void read_file(struct text *out, const char *path);

#endif
