/* Changes of configuration during traffic: psks, keys, peers, prefixes, up and down. */
#include "base/mem.h"
#include "memory.h"
#include "story.h"

static struct wg_psk some_psk(struct sim *s)
{
	struct wg_psk psk;

	rng_bytes(&s->actions, psk.b, sizeof psk.b);
	return psk;
}

static void psk_on_both_sides(struct sim *s)
{
	struct wg_psk psk = some_psk(s);

	sim_pair(s, 0, 1);
	sim_psk(s, 0, 1, &psk);
	sim_psk(s, 1, 0, &psk);
	story_connect(s, 0, 1);
}

static void psk_on_one_side_fails(struct sim *s)
{
	static const struct wg_psk none;
	struct wg_psk psk = some_psk(s), other = some_psk(s);

	sim_pair(s, 0, 1);
	for (unsigned int side = 0; side < 2; side++) {
		sim_psk(s, side, !side, &psk);
		uint64_t serial = sim_push(s, 0, 1);
		sim_run_s(s, 30);
		OK(s, !ledger_has_arrived(s, serial) && s->nodes[1].sent[2] > 0);
		sim_psk(s, side, !side, &none);
		sim_run_s(s, 10); /* an all-zero psk is no psk */
		OK(s, ledger_has_arrived(s, serial));
		sim_run_s(s, 700);
	}
	sim_psk(s, 0, 1, &psk);
	sim_psk(s, 1, 0, &other);
	uint64_t serial = sim_push(s, 0, 1);
	sim_run_s(s, 30);
	OK(s, !ledger_has_arrived(s, serial));
	OK(s, sim_drops(s, 0, WGPROTO_DROP_HANDSHAKE) > 0);
	sim_psk(s, 1, 0, &psk);
	sim_run_s(s, 10);
	OK(s, ledger_has_arrived(s, serial));
}

static void psk_changed_during_a_session(struct sim *s)
{
	struct wg_psk psk = some_psk(s);
	uint64_t serial = 0;

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_psk(s, 0, 1, &psk); /* the established session stays */
	for (int i = 0; i < 170; i++) {
		serial = sim_push(s, 0, 1);
		sim_push(s, 1, 0);
		sim_run_s(s, 1);
		OK(s, ledger_has_arrived(s, serial));
	}
	OK(s, tap_sessions_between(s, 0, 1) > 1); /* but no new one can be established */
	sim_run_s(s, 20);
	serial = sim_push(s, 0, 1);
	sim_run_s(s, 3);
	OK(s, !ledger_has_arrived(s, serial));
	sim_psk(s, 1, 0, &psk);
	sim_run_s(s, 10);
	OK(s, ledger_has_arrived(s, serial));
}

static void key_change_during_a_session(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	for (int i = 0; i < 100; i++) {
		sim_new_key(s, 0);
		sim_update_key(s, 1, 0);
		/* begins a handshake at once, without waiting for a timer */
		uint64_t serial = sim_push(s, i & 1, !(i & 1));
		sim_run(s, 100 * NS_PER_MS);
		OK(s, ledger_has_arrived(s, serial));
		serial = sim_push(s, !(i & 1), i & 1);
		sim_run(s, 100 * NS_PER_MS);
		OK(s, ledger_has_arrived(s, serial));
	}
	struct wg_private back;
	host_must(&s->nodes[0], wgproto_private_key(s->nodes[0].tunnel, back.b, KEY_BYTES));
	OK(s, mem_equal_ct(&back, &s->nodes[0].private_key, sizeof back));
}

static void key_change_unknown_to_the_peer(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_new_key(s, 0);
	uint64_t serial = sim_push(s, 0, 1);
	sim_run_s(s, 20);
	OK(s, !ledger_has_arrived(s, serial));
	OK(s, sim_drops(s, 1, WGPROTO_DROP_UNKNOWN_PEER) > 0);
	sim_update_key(s, 1, 0);
	sim_run_s(s, 20);
	OK(s, ledger_has_arrived(s, serial));
}

static void setting_the_same_key_changes_nothing(struct sim *s)
{
	struct node *n = &s->nodes[0];

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	size_t sent = s->n_observations;
	host_enter(n);
	host_set_key(n, &n->private_key);
	host_leave(n);
	host_drain(s, n);
	uint64_t serial = sim_push(s, 0, 1);
	sim_run(s, 50 * NS_PER_MS);
	OK(s, ledger_has_arrived(s, serial) && s->n_observations == sent + 1);
}

static void unclamped_key_is_clamped(struct sim *s)
{
	struct node *n = &s->nodes[0];
	struct wg_private raw, back;
	struct wg_public pub;

	memset(&raw, 0xff, sizeof raw);
	host_enter(n);
	host_set_key(n, &raw);
	host_leave(n);
	host_must(n, wgproto_private_key(n->tunnel, back.b, KEY_BYTES));
	OK(s, back.b[0] == 0xf8 && back.b[31] == 0x7f);
	OK(s, wgproto_public_key(n->tunnel, pub.b, KEY_BYTES) == WGPROTO_OK);
	memset(&raw, 0, sizeof raw);
	host_enter(n);
	host_set_key(n, &raw);
	host_leave(n);
	OK(s, wgproto_public_key(n->tunnel, pub.b, KEY_BYTES) == WGPROTO_END);
	host_must(n, wgproto_private_key(n->tunnel, back.b, KEY_BYTES));
	OK(s, mem_is_zero_ct(&back, sizeof back));
}

static void without_identity_nothing_is_sent(struct sim *s)
{
	struct node *n = &s->nodes[0];
	static const struct wg_private none;

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	host_enter(n);
	host_set_key(n, &none);
	host_leave(n);
	host_drain(s, n);
	OK(s, !memory_find(1, SECRET_STATIC));
	uint64_t t = s->now, serial = sim_push(s, 0, 1);
	sim_push(s, 1, 0);
	sim_run_s(s, 100);
	OK(s, sim_count(s, 0, 1, t, NEVER) == 0 && !ledger_has_arrived(s, serial));
	OK(s, sim_count(s, 0, 2, t, NEVER) == 0);
	host_enter(n);
	host_set_key(n, &n->private_key);
	host_leave(n);
	host_drain(s, n);
	serial = sim_push(s, 0, 1);
	sim_run_s(s, 6);
	OK(s, ledger_has_arrived(s, serial));
}

static void own_public_key_is_not_a_peer(struct sim *s)
{
	struct node *n = &s->nodes[0];
	struct wgproto_peer peer;

	host_enter(n);
	OK(s, wgproto_peer_add(n->tunnel, n->public_key.b, KEY_BYTES) == WGPROTO_OWN_KEY);
	host_leave(n);
	OK(s, wgproto_peer_next(n->tunnel, NULL, 0, &peer) == WGPROTO_END);
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	host_enter(n); /* a peer is removed when its key becomes ours */
	host_set_key(n, &s->nodes[1].private_key);
	host_leave(n);
	OK(s, wgproto_peer_next(n->tunnel, NULL, 0, &peer) == WGPROTO_END && !memory_find(1, SECRET_SESSION));
	n->conf[1].present = false;
}

static void peer_removed_during_traffic(struct sim *s)
{
	sim_pair(s, 0, 1);
	sim_pair(s, 0, 2);
	story_connect(s, 0, 2);
	for (int i = 0; i < 20; i++) {
		if (rng_below(&s->actions, 2)) {
			uint64_t serial = sim_push(s, 0, 1);
			sim_run_s(s, 6);
			OK(s, ledger_has_arrived(s, serial));
		} else {
			sim_push(s, 0, 1); /* packets are staged, a handshake is in progress */
		}
		sim_push(s, 1, 0);
		sim_run(s, rng_below(&s->actions, 40 * NS_PER_MS));
		uint64_t before = s->nodes[0].delivered;
		unsigned int sessions = memory_count(1, SECRET_SESSION);
		sim_peer_remove(s, 0, 1);
		OK(s, memory_count(1, SECRET_SESSION) <= sessions);
		sim_push(s, 0, 1); /* no peer has the address any more */
		sim_push(s, 1, 0);
		uint64_t t = s->now;
		sim_run_s(s, 3);
		OK(s, s->nodes[0].delivered == before && sim_count(s, 0, 0, t, NEVER) <= 2);
		sim_peer(s, 0, 1);
		sim_run_s(s, 1);
	}
	sim_peer_remove(s, 0, 1);
	sim_peer_remove(s, 0, 2);
	OK(s, !memory_find(1, SECRET_SESSION));
}

static void adding_a_peer_twice_is_refused(struct sim *s)
{
	struct node *n = &s->nodes[0];
	const uint8_t *key = s->nodes[1].public_key.b;
	struct wgproto_peer peer;

	sim_pair(s, 0, 1);
	host_enter(n);
	OK(s, wgproto_peer_add(n->tunnel, key, KEY_BYTES) == WGPROTO_EXISTS);
	host_leave(n);
	OK(s, wgproto_peer_next(n->tunnel, NULL, 0, &peer) == WGPROTO_OK && memcmp(peer.public_key, key, KEY_BYTES) == 0);
	OK(s, wgproto_peer_next(n->tunnel, key, KEY_BYTES, &peer) == WGPROTO_END);
}

static void prefix_moves_to_another_peer(struct sim *s)
{
	struct ip_addr a = sim_inner(9, false);
	const struct wgproto_prefix same = {.addr = {.family = 4, .b = {a.b[0], a.b[1], a.b[2], a.b[3]}}, .bits = 32};
	struct wgproto_prefix seen[ROUTES_MAX];
	struct ip_prefix prefix;
	size_t n = ROUTES_MAX;
	struct ledger_entry from_9 = {.from = 1, .to = 0, .as = 9};

	sim_pair(s, 0, 1);
	sim_pair(s, 0, 2);
	story_connect(s, 0, 1);
	story_connect(s, 0, 2);
	OK(s, prefix_make(&prefix, &a, 32));
	sim_route(s, 0, 1, &prefix);
	uint64_t serial = sim_push_with(s, 1, &from_9);
	sim_run_s(s, 1);
	OK(s, ledger_has_arrived(s, serial));
	sim_route(s, 0, 2, &prefix);
	from_9.spoofed = true;
	sim_push_with(s, 1, &from_9);
	sim_run_s(s, 1);
	OK(s, sim_drops(s, 0, WGPROTO_DROP_SOURCE) == 1);
	OK(s, wgproto_allowed(s->nodes[0].tunnel, s->nodes[1].public_key.b, KEY_BYTES, seen, &n) == WGPROTO_OK && n == 2);
	/* the prefix of another peer: no effect */
	host_must(&s->nodes[0], wgproto_disallow(s->nodes[0].tunnel, s->nodes[1].public_key.b, KEY_BYTES, &same));
	from_9.from = 2;
	from_9.spoofed = false;
	serial = sim_push_with(s, 2, &from_9);
	sim_run_s(s, 1);
	OK(s, ledger_has_arrived(s, serial));
	host_enter(&s->nodes[0]);
	host_must(&s->nodes[0], wgproto_disallow_all(s->nodes[0].tunnel, s->nodes[2].public_key.b, KEY_BYTES));
	host_leave(&s->nodes[0]);
	from_9.spoofed = true;
	sim_push_with(s, 2, &from_9);
	sim_run_s(s, 1);
	OK(s, sim_drops(s, 0, WGPROTO_DROP_SOURCE) == 2);
}

static void down_and_up(struct sim *s)
{
	sim_pair(s, 0, 1);
	for (int i = 0; i < 50; i++) {
		story_connect(s, 0, 1);
		sim_push(s, 0, 1);
		sim_push(s, 1, 0);
		sim_run(s, rng_below(&s->actions, 30 * NS_PER_MS));
		sim_up(s, 0,
		       false); /* checked by sim_up and the wiretap: no key is left and nothing is sent */
		sim_push(s, 0, 1);
		sim_push(s, 1, 0);
		sim_run_s(s, 30);
		sim_up(s, 0, true);
		sim_run_s(s, 6);
	}
}

static void up_and_down_with_keepalive(struct sim *s)
{
	sim_pair(s, 0, 1);
	sim_keepalive(s, 0, 1, 1);
	sim_keepalive(s, 1, 0, 1);
	for (int i = 0; i < 300; i++) {
		unsigned int who = (unsigned int)rng_below(&s->actions, 2);
		sim_up(s, who, rng_below(&s->actions, 2));
		sim_run(s, rng_below(&s->actions, 4 * NS_PER_S));
	}
	sim_up(s, 0, true);
	sim_up(s, 1, true);
	sim_run_s(s, 20);
	uint64_t serial = sim_push(s, 0, 1);
	sim_run_s(s, 1);
	OK(s, ledger_has_arrived(s, serial));
}

static void packets_wait_for_an_endpoint(struct sim *s)
{
	struct ip_endpoint none = {.port = 0};

	sim_peer(s, 1, 0);
	sim_peer(s, 0, 1);
	sim_peer_remove(s, 0, 1);
	s->nodes[0].conf[1].present = true;
	s->nodes[0].conf[1].endpoint = none;
	host_apply_peer(s, &s->nodes[0], 1);
	sim_push(s, 0, 1);
	sim_run_s(s, 60);
	OK(s, s->n_observations == 0);
	sim_endpoint(s, 0, 1, &s->nodes[1].v4);
	uint64_t serial = sim_push(s, 0, 1);
	sim_run_s(s, 6);
	OK(s, ledger_has_arrived(s, serial));
}

/* Removes peers in all states of a handshake, and checks memory. */
static void add_and_remove_leaks_nothing(struct sim *s)
{
	size_t bytes = 0;

	for (int i = 0; i < 200; i++) {
		sim_pair(s, 0, 1);
		sim_push(s, 0, 1);
		sim_run(s, rng_below(&s->actions, 60 * NS_PER_MS));
		sim_peer_remove(s, 0, 1);
		sim_peer_remove(s, 1, 0);
		sim_run(s, 50 * NS_PER_MS);
		if (i == 20)
			bytes = memory_bytes(1);
		if (i > 20)
			OK(s, memory_bytes(1) <= bytes + 4096);
	}
}

/* Configuration while allocations fail at random: it may be refused, but must not be partial or leak. */
static void out_of_memory(struct sim *s)
{
	struct node *n = &s->nodes[0];

	sim_pair(s, 0, 1);
	for (unsigned int i = 0; i < 2000; i++) {
		struct wg_public key;
		struct ip_addr a = sim_inner(i & 255, i & 1);
		struct wgproto_prefix prefix = {.addr = {.family = a.family}};
		uint8_t at = (uint8_t)rng_below(&s->actions, 64);
		memset(&key, 0x11 + at, sizeof key);
		memory_fail_permille(300, s->seed + i);
		host_enter(n);
		enum wgproto_result result = wgproto_peer_add(n->tunnel, key.b, KEY_BYTES);
		OK(s, result == WGPROTO_OK || result == WGPROTO_EXISTS || result == WGPROTO_NO_MEMORY);
		memcpy(prefix.addr.b, a.b, sizeof a.b);
		prefix.bits = (uint8_t)rng_below(&s->actions, 33);
		if (result != WGPROTO_NO_MEMORY) {
			result = wgproto_allow(n->tunnel, key.b, KEY_BYTES, &prefix);
			OK(s, result == WGPROTO_OK || result == WGPROTO_NO_MEMORY);
			if (rng_below(&s->actions, 2))
				host_must(n, wgproto_peer_remove(n->tunnel, key.b, KEY_BYTES));
		}
		host_leave(n);
		memory_fail_permille(0, 0);
	}
	struct wgproto_peer peer;
	host_enter(n);
	while (wgproto_peer_next(n->tunnel, NULL, 0, &peer) == WGPROTO_OK)
		host_must(n, wgproto_peer_remove(n->tunnel, peer.public_key, KEY_BYTES));
	host_leave(n);
	s->nodes[0].conf[1].present = false;
	tap_reset_pair(s, 0, 1, true);
	sim_peer(s, 0, 1);
	story_connect(s, 0, 1);
}

int main(int argc, char **argv)
{
	static const struct story stories[] = {
		{"psk_on_both_sides", psk_on_both_sides, 2, 0},
		{"psk_on_one_side_fails", psk_on_one_side_fails, 2, 0},
		{"psk_changed_during_a_session", psk_changed_during_a_session, 2, 0},
		{"key_change_during_a_session", key_change_during_a_session, 2, 0},
		{"key_change_unknown_to_the_peer", key_change_unknown_to_the_peer, 2, 0},
		{"setting_the_same_key_changes_nothing", setting_the_same_key_changes_nothing, 2, 0},
		{"unclamped_key_is_clamped", unclamped_key_is_clamped, 1, 0},
		{"without_identity_nothing_is_sent", without_identity_nothing_is_sent, 2, 0},
		{"own_public_key_is_not_a_peer", own_public_key_is_not_a_peer, 2, 0},
		{"peer_removed_during_traffic", peer_removed_during_traffic, 3, 5},
		{"adding_a_peer_twice_is_refused", adding_a_peer_twice_is_refused, 2, 0},
		{"prefix_moves_to_another_peer", prefix_moves_to_another_peer, 10, 0},
		{"down_and_up", down_and_up, 2, 0},
		{"up_and_down_with_keepalive", up_and_down_with_keepalive, 2, 3},
		{"packets_wait_for_an_endpoint", packets_wait_for_an_endpoint, 2, 0},
		{"add_and_remove_leaks_nothing", add_and_remove_leaks_nothing, 2, 0},
		{"out_of_memory", out_of_memory, 2, 3},
	};

	return stories_run(stories, ARRAY_LEN(stories), argc, argv);
}
