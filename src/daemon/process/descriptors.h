/* Closing inherited file descriptors. */
#ifndef DAEMON_DESCRIPTORS_H
#define DAEMON_DESCRIPTORS_H

/* Closes the open descriptors from first to last. */
void descriptors_close(unsigned int first, unsigned int last);

#endif
