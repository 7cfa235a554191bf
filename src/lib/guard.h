/* The guard around every call of the library: a failed invariant, or a lack of randomness, ends the call instead of the program
 * and closes the instance; all memory that a call allocates is listed, so a closed instance can be freed without reading
 * its state; and the thread uses the cryptographic implementations selected for the instance. */
#ifndef WG_LIB_GUARD_H
#define WG_LIB_GUARD_H

#include <setjmp.h>
#include <stdatomic.h>

#include "crypto/crypto.h"
#include "wgproto.h"

struct block { /* in front of allocated memory */
	struct block *next, *prev;
	size_t n;
};

struct guard {
	struct wgproto_env env;     /* constant; as long as this library knows it */
	struct crypto_impls impls;  /* constant */
	_Atomic uint32_t closed;    /* enum wgproto_result: what every call returns from now on; WGPROTO_OK: not closed */
	const char *_Atomic broken; /* why */
	struct block *blocks;       /* owned by the control half; a list */
};

struct call {
	struct guard *guard;                     /* null: did not begin */
	struct call *outer;                      /* of another instance, in whose callback this one runs */
	const struct crypto_impls *impls_before; /* of the thread */
	bool is_publishing;
	uintptr_t failed_at;                     /* address of the frame in which the call failed; 0: it did not */
	enum wgproto_result result;
	jmp_buf back;
};

/* The statement after WITHIN runs as a call, if the instance is not closed, up to its end or to a failure. call_end()
 * returns call->result: WGPROTO_OK, what the statement stored there, or the failure. `valid`: the arguments are; otherwise,
 * and in a callback of the same instance, the result is WGPROTO_INVALID. Variables that the statement changes have no meaning
 * after a failure, and those with secrets are wiped after the statement, which a failure leaves. */
#define WITHIN(call, guard, valid) \
	if (call_begin(call, guard, valid)) \
		if (_setjmp((call)->back) == 0)
must_check bool call_begin(struct call *call, struct guard *guard, bool valid);
enum wgproto_result call_end(struct call *call);
/* Whether this thread is in a callback of the instance. */
bool call_is_inside(const struct guard *guard);

/* Ends the call and closes the instance. */
_Noreturn void call_fail(enum wgproto_result why, const char *text);
/* Closes the instance after the call. */
void call_close(struct call *call, enum wgproto_result result, const char *text);

/* The environment of a tunnel, with the guard as ctx. */
void guard_random(void *ctx, void *p, size_t n);
void guard_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns);
void guard_publish_begin(void *ctx);
void guard_publish_end(void *ctx);
/* For a thread that waits for a spin lock, whose holder may have failed. */
void guard_wait(void);

/* Wipes and frees all memory that calls have allocated. */
void guard_free_blocks(struct guard *guard);

#endif
