/* A configuration socket in a thread that follows a script: one answer per request, in order, and
 * every request written down. */
#ifndef TEST_UAPI_SCRIPT_H
#define TEST_UAPI_SCRIPT_H

#include <pthread.h>
#include <stddef.h>

enum { SCRIPT_MAX = 8 };

struct uapi_script {
	const char *answers[SCRIPT_MAX]; /* sent after each request's blank line, then it hangs up */
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

/* Listens at a fresh folder's NAME.sock. */
void uapi_script_begin(struct uapi_script *s, const char *name);
/* Waits for the last answer, removes socket and folder; requests are the caller's to free. */
void uapi_script_end(struct uapi_script *s);

#endif
