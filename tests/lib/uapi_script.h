/* A scripted configuration socket, served by a thread: it answers each request with the next answer and records the
 * requests. */
#ifndef TEST_UAPI_SCRIPT_H
#define TEST_UAPI_SCRIPT_H

#include <pthread.h>
#include <stddef.h>

enum { SCRIPT_MAX = 8 };

struct uapi_script {
	const char *answers[SCRIPT_MAX]; /* each sent after the blank line of a request; then the connection is closed */
	size_t answer_n[SCRIPT_MAX];     /* 0: strlen */
	int n;
	/* after uapi_script_end: */
	char *requests[SCRIPT_MAX];
	int served;
	char dir[64];  /* the folder with the socket */
	char path[96];
	int fd;
	pthread_t thread;
};

/* Listens on NAME.sock in a new folder. */
void uapi_script_begin(struct uapi_script *s, const char *name);
/* Waits for the last answer and removes socket and folder; the caller frees the requests. */
void uapi_script_end(struct uapi_script *s);

#endif
