/* The measurements of `make bench-crypto`. */
#ifndef WG_TESTS_CRYPTO_TASK_H
#define WG_TESTS_CRYPTO_TASK_H

#include <openssl/evp.h>
#include <stdio.h>
#include "base/base.h"

enum { ROUNDS = 25, TASKS = 400 };

struct task {
	const char *primitive, *name, *variant; /* name: of the implementation or the library */
	size_t bytes, packets;                  /* per call of go() */
	void (*go)(const struct task *t);
	const void *impl; /* null: a library, or whatever is in use */
	EVP_CIPHER_CTX *cipher;
	bool in_child;
	double ns[ROUNDS]; /* per packet; sorted before the report */
	uint64_t calls;
};
extern struct task tasks[TASKS];
extern size_t task_n;

/* Prints the table, and JSON lines if json is not null. */
void crypto_report(FILE *json, double ghz);
/* Prints a line for each implementation that precedes a faster one in its table of dispatch.c. */
void crypto_report_order(void);

#endif
