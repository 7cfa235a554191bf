/* Calls of the library, and what they use instead of the allocator and of assert(). Compiled without _FORTIFY_SOURCE, whose
 * longjmp() ends the program if it takes the stack of a coroutine for another frame. */
#include "guard.h"

#include <errno.h>
#include <sys/random.h>

#include "base/mem.h"
#include "library.h"

static _Thread_local struct call *current;

bool call_is_inside(const struct guard *guard)
{
	const struct call *call = current;

	while (call && call->guard != guard)
		call = call->outer;
	return call != NULL;
}

bool call_begin(struct call *call, struct guard *guard, bool valid)
{
	call->guard = NULL;
	call->result = guard ? (enum wgproto_result)atomic_load_explicit(&guard->closed, memory_order_relaxed) : WGPROTO_INVALID;
	if (call->result == WGPROTO_OK && (!valid || call_is_inside(guard)))
		call->result = WGPROTO_INVALID;
	if (call->result != WGPROTO_OK)
		return false;
	call->guard = guard;
	call->is_publishing = false;
	call->failed_at = 0;
	call->outer = current;
	call->impls_before = crypto_use(&guard->impls);
	current = call;
	return true;
}

/* Wipes the stack below the caller down to this address: the frames that a failure has left may hold keys. */
__attribute__((noinline, no_sanitize("address"))) static void wipe_stack(uintptr_t down_to)
{
	uint8_t space[512];

	mem_wipe(space, sizeof space);
	if ((uintptr_t)__builtin_frame_address(0) > down_to)
		wipe_stack(down_to);
	mem_wipe(space, sizeof space); /* afterwards, so that the compiler cannot turn the recursion into a loop over one frame */
}

enum wgproto_result call_end(struct call *call)
{
	if (call->guard) {
		current = call->outer;
		(void)crypto_use(call->impls_before);
		if (call->failed_at)
			wipe_stack(call->failed_at);
	}
	return call->result;
}

void call_close(struct call *call, enum wgproto_result result, const char *text)
{
	const char *none = NULL;

	call->result = result;
	(void)atomic_compare_exchange_strong(&call->guard->broken, &none, text);
	atomic_store(&call->guard->closed, (uint32_t)WGPROTO_BROKEN);
}

void call_fail(enum wgproto_result why, const char *text)
{
	struct call *call = current;

	if (!call) /* cannot be: only calls run what may fail */
		__builtin_trap();
	call->failed_at = (uintptr_t)__builtin_frame_address(0);
	call_close(call, why, text);
	if (call->is_publishing)
		guard_publish_end(call->guard);
	longjmp(call->back, 1);
}

void library_broken(const char *text)
{
	call_fail(WGPROTO_BROKEN, text);
}

/* ---- the environment of the tunnel ---- */

static bool system_random(void *p, size_t n)
{
	uint8_t *to = p;

	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno != EINTR)
			return false;
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
	return true;
}

void guard_random(void *ctx, void *p, size_t n)
{
	const struct guard *guard = ctx;

	if (!(guard->env.random ? guard->env.random(guard->env.ctx, p, n) : system_random(p, n)))
		call_fail(WGPROTO_NO_RANDOM, "no random bytes");
}

void guard_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	const struct guard *guard = ctx;

	guard->env.realtime(guard->env.ctx, unix_s, ns);
}

void guard_publish_begin(void *ctx)
{
	const struct guard *guard = ctx;

	current->is_publishing = true;
	if (guard->env.publish_begin)
		guard->env.publish_begin(guard->env.ctx);
}

void guard_publish_end(void *ctx)
{
	const struct guard *guard = ctx;

	current->is_publishing = false;
	if (guard->env.publish_end)
		guard->env.publish_end(guard->env.ctx);
}

void guard_wait(void)
{
	if (current && atomic_load(&current->guard->closed) != WGPROTO_OK)
		call_fail(WGPROTO_BROKEN, "waiting for a lock");
}

/* ---- memory ---- */

enum { BLOCK_HEADER = (sizeof(struct block) + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t) };

static void *list_block(struct block *b, size_t n)
{
	struct guard *guard = current->guard;

	b->n = n;
	b->prev = NULL;
	b->next = guard->blocks;
	if (b->next)
		b->next->prev = b;
	guard->blocks = b;
	return (char *)b + BLOCK_HEADER;
}

static struct block *unlist_block(void *p)
{
	struct guard *guard = current->guard;
	struct block *b = (struct block *)(void *)((char *)p - BLOCK_HEADER);

	if (b->prev)
		b->prev->next = b->next;
	else
		guard->blocks = b->next;
	if (b->next)
		b->next->prev = b->prev;
	return b;
}

/* The parentheses keep library.h from replacing the functions of the system. */
void *library_malloc(size_t n)
{
	struct block *b = n <= SIZE_MAX - BLOCK_HEADER ? (malloc)(BLOCK_HEADER + n) : NULL;

	return b ? list_block(b, n) : NULL;
}

void *library_calloc(size_t count, size_t n)
{
	struct block *b;
	size_t all;

	if (__builtin_mul_overflow(count, n, &all) || all > SIZE_MAX - BLOCK_HEADER)
		return NULL;
	b = (calloc)(1, BLOCK_HEADER + all);
	return b ? list_block(b, all) : NULL;
}

void *library_realloc(void *p, size_t n)
{
	struct block *old, *b;

	if (!p)
		return library_malloc(n);
	if (n > SIZE_MAX - BLOCK_HEADER)
		return NULL;
	old = unlist_block(p);
	b = (realloc)(old, BLOCK_HEADER + n);
	if (!b) {
		(void)list_block(old, old->n);
		return NULL;
	}
	return list_block(b, n);
}

void library_free(void *p)
{
	if (p)
		(free)(unlist_block(p));
}

void guard_free_blocks(struct guard *guard)
{
	struct block *b;

	while ((b = guard->blocks)) {
		guard->blocks = b->next;
		mem_wipe((char *)b + BLOCK_HEADER, b->n);
		(free)(b);
	}
}
