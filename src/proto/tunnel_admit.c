/* Admission of handshake messages: mac1, and under load the cookie and the rate limit of the source
 * (whitepaper section 5.3). Only what passes costs X25519. In a flood this file is all that runs, so
 * the MACs and cookie replies of many messages are computed together. */
#include "tunnel_state.h"

#include <assert.h>

#include "base/mem.h"

static void send_cookies(struct wg_tunnel *t, const struct mac_check *checks,
			 const struct wg_path *const *to, size_t n)
{
	struct msg_cookie replies[MAC_CHECKS_MAX];

	_Static_assert((int)COOKIE_NONCES >= (int)MAC_CHECKS_MAX, "one draw is enough for a call");
	if (t->nonces_left < n) {
		t->env.random(t->env.ctx, t->nonces, sizeof t->nonces);
		t->nonces_left = COOKIE_NONCES;
	}
	t->nonces_left -= (unsigned int)n; /* each is used once */
	assert(t->nonces_left + n <= COOKIE_NONCES);
	cookie_make_replies(&t->checker, replies, checks, n, &t->nonces[t->nonces_left]);
	for (size_t i = 0; i < n; i++) {
		struct datagram *d = outbox_add(t);

		if (!d)
			return;
		d->peer = NULL;
		d->n = MSG_COOKIE_BYTES;
		d->tos = 0;
		d->path = *to[i];
		memcpy(d->bytes, &replies[i], sizeof replies[i]);
	}
}

static void keep(struct arrivals *a, size_t to, size_t i)
{
	assert(to <= i);
	a->all[to] = a->all[i];
	a->checks[to] = a->checks[i];
}

static void check_mac1(struct wg_tunnel *t, struct arrivals *a)
{
	size_t kept = 0;

	cookie_check_mac1(&t->checker, a->checks, a->n);
	for (size_t i = 0; i < a->n; i++) {
		if (a->checks[i].ok)
			keep(a, kept++, i);
		else
			count_drop(t, a->all[i].buf, WG_DROP_MAC1);
	}
	a->n = kept;
}

/* Under load, a message without a valid mac2 is answered with a cookie reply; those with one are
 * rate limited. */
static void check_cookies(struct wg_tunnel *t, uint64_t now_ns, struct arrivals *a)
{
	struct mac_check without[MAC_CHECKS_MAX];
	const struct wg_path *to[MAC_CHECKS_MAX];
	size_t n_without = 0, kept = 0;

	if (cookie_secret_is_expired(&t->checker, now_ns)) {
		uint8_t secret[COOKIE_SECRET_BYTES];

		t->env.random(t->env.ctx, secret, sizeof secret);
		cookie_secret_set(&t->checker, now_ns, secret);
		mem_wipe(secret, sizeof secret);
	}
	cookie_check_mac2(&t->checker, a->checks, a->n);
	for (size_t i = 0; i < a->n; i++) {
		if (!a->checks[i].ok) {
			to[n_without] = a->all[i].from;
			without[n_without++] = a->checks[i];
			count_drop(t, a->all[i].buf, WG_DROP_COOKIE_SENT);
		} else if (!limit_allows(&t->limit, now_ns, &a->all[i].from->remote.addr)) {
			count_drop(t, a->all[i].buf, WG_DROP_RATE);
		} else {
			keep(a, kept++, i);
		}
	}
	a->n = kept;
	send_cookies(t, without, to, n_without);
	mem_wipe(without, n_without * sizeof without[0]);
}

void arrivals_admit(struct wg_tunnel *t, uint64_t now_ns, struct arrivals *a, bool under_load)
{
	size_t n = a->n;

	check_mac1(t, a);
	if (under_load && a->n > 0)
		check_cookies(t, now_ns, a);
	mem_wipe(a->checks, n * sizeof a->checks[0]);
}
