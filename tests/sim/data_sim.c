/* The data path against a peer that forges messages with valid keys: replay window, counters, invalid
 * inner headers, foreign source addresses, padding, congestion marks; and batches, duplicates,
 * reordering. */
#include "story.h"

enum { WINDOW = 8128 };
static const uint64_t REJECT_AFTER_MESSAGES = UINT64_MAX - (1 << 13);

static struct tap_session *connected(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	return tap_session_of(s, 0, 1);
}

static bool is_delivered(struct sim *s, struct tap_session *k, bool as_initiator, uint64_t counter)
{
	return ledger_has_arrived(s, story_forge_packet(s, k, as_initiator, counter));
}

static void replay_window(struct sim *s)
{
	struct tap_session *k = connected(s);

	for (int side = 0; side < 2; side++) {
		bool i = side;
		OK(s, is_delivered(s, k, i, 20000));
		OK(s, !is_delivered(s, k, i, 20000));
		OK(s, is_delivered(s, k, i, 20000 - WINDOW));
		OK(s, !is_delivered(s, k, i, 20000 - WINDOW - 1));
		OK(s, !is_delivered(s, k, i, 20000 - WINDOW));
		OK(s, is_delivered(s, k, i, 19999) && !is_delivered(s, k, i, 19999));
		OK(s, is_delivered(s, k, i, 20001));
		OK(s, !is_delivered(s, k, i, 20001 - WINDOW - 1));
		OK(s, is_delivered(s, k, i, 1ull << 40) && !is_delivered(s, k, i, 20002));
		for (uint64_t c = 0; c < 300; c++)
			OK(s, is_delivered(s, k, i, (1ull << 40) + 1000 - c));
		for (uint64_t c = 0; c < 300; c++)
			OK(s, !is_delivered(s, k, i, (1ull << 40) + 1000 - c));
	}
}

/* Packets that do not authenticate must not move the replay window. */
static void forged_counters(struct sim *s)
{
	struct tap_session *k = connected(s);
	struct message *m;

	sim_cut(s, 0, 1, true);
	sim_push(s, 0, 1);
	m = sim_recent(s, 0, 4);
	m->refs++;
	for (size_t at = 8; at < 16; at++)
		story_inject_flipped(s, m, at, 0x7f);
	OK(s, sim_drops(s, 1, WGPROTO_DROP_AUTH) == 8);
	story_inject_again(s, m, NULL);
	OK(s, ledger_has_arrived(s, s->ledger.n - 1));
	message_put(m);
	(void)k;
}

static void last_counters_are_received(struct sim *s)
{
	struct tap_session *k = connected(s);

	OK(s, is_delivered(s, k, true, (1ull << 60) + 1));
	OK(s, is_delivered(s, k, true, REJECT_AFTER_MESSAGES - 3));
	OK(s, is_delivered(s, k, true, REJECT_AFTER_MESSAGES - 1));
	OK(s, !is_delivered(s, k, true, REJECT_AFTER_MESSAGES));
	OK(s, !is_delivered(s, k, true, REJECT_AFTER_MESSAGES + 1));
	OK(s, !is_delivered(s, k, true, UINT64_MAX));
	OK(s, sim_drops(s, k->responder, WGPROTO_DROP_EXPIRED) == 3);
	OK(s, !is_delivered(s, k, true, REJECT_AFTER_MESSAGES - 1));
	OK(s, is_delivered(s, k, true, REJECT_AFTER_MESSAGES - 2));
	OK(s, is_delivered(s, k, true, REJECT_AFTER_MESSAGES - 1 - WINDOW));
}

/* Sends a forged data message with this plaintext. True: it was delivered to the TUN. */
static bool plaintext_is_delivered(struct sim *s, struct tap_session *k, const uint8_t *p, size_t n)
{
	static uint64_t counter;
	uint64_t before = s->nodes[k->responder].delivered;

	story_forge(s, k, true, 100 + counter++, p, n);
	return s->nodes[k->responder].delivered != before;
}

static void invalid_inner_headers(struct sim *s)
{
	struct tap_session *k = connected(s);
	struct ledger_entry v4 = {.from = (uint8_t)k->initiator,
				  .as = (uint8_t)k->initiator,
				  .to = (uint8_t)k->responder,
				  .size = 100};
	struct ledger_entry v6 = v4;
	uint8_t good4[LEDGER_PACKET_MAX], good6[LEDGER_PACKET_MAX], p[LEDGER_PACKET_MAX];
	uint64_t drops;

	v6.v6 = true;
	ledger_packet(s, ledger_add(s, &v4), good4);
	ledger_packet(s, ledger_add(s, &v6), good6);
	for (unsigned int version = 0; version < 16; version++) {
		memcpy(p, version & 1 ? good6 : good4, 100);
		p[0] = (uint8_t)(version << 4 | (p[0] & 15));
		if (version != 4 && version != 6)
			OK(s, !plaintext_is_delivered(s, k, p, 100));
	}
	for (uint16_t n = 0; n < 20; n++) { /* total length shorter than the header */
		memcpy(p, good4, 100);
		store_be16(p + 2, n);
		OK(s, !plaintext_is_delivered(s, k, p, 100));
	}
	static const uint16_t too_long[] = {101, 112, 113, 1500, 0x7fff, 0xffff};
	for (size_t i = 0; i < ARRAY_LEN(too_long); i++) {
		memcpy(p, good4, 100);
		store_be16(p + 2, too_long[i]);
		OK(s, !plaintext_is_delivered(s, k, p, 100));
		memcpy(p, good6, 100);
		store_be16(p + 4, (uint16_t)(too_long[i] - 40));
		OK(s, !plaintext_is_delivered(s, k, p, 100));
	}
	for (size_t n = 1; n < 100; n++) /* truncated */
		OK(s, !plaintext_is_delivered(s, k, n & 1 ? good4 : good6, n));
	drops = sim_drops(s, k->responder, WGPROTO_DROP_INNER_NOT_IP);
	OK(s, drops == 14 + 20 + 12 + 99);
	OK(s, plaintext_is_delivered(s, k, good4, 100) && plaintext_is_delivered(s, k, good6, 100));
}

static void padding_is_removed(struct sim *s)
{
	struct tap_session *k = connected(s);
	uint8_t p[LEDGER_PACKET_MAX];

	for (unsigned int extra = 0; extra < 400; extra += 1 + extra / 7) {
		struct ledger_entry e = {.from = (uint8_t)k->initiator,
					 .as = (uint8_t)k->initiator,
					 .to = (uint8_t)k->responder,
					 .size = 90,
					 .v6 = extra & 1};
		ledger_packet(s, ledger_add(s, &e), p);
		memset(p + 90, 0, extra);
		OK(s, plaintext_is_delivered(s, k, p, 90 + extra)); /* the ledger compares lengths */
	}
}

/* The source address of a packet from node 1 must be in the allowed IPs of node 1, not in those of
 * another peer or of none. */
static void sources_are_checked(struct sim *s)
{
	sim_pair(s, 0, 1);
	sim_pair(s, 0, 2);
	story_connect(s, 1, 0);
	story_connect(s, 2, 0);
	for (int v6 = 0; v6 < 2; v6++)
		for (uint8_t as = 0; as < 4; as++) {
			struct ledger_entry e = {
				.from = 1, .to = 0, .as = as, .v6 = v6, .spoofed = as != 1};
			uint64_t serial = sim_push_with(s, 1, &e);
			sim_run_s(s, 1);
			OK(s, ledger_has_arrived(s, serial) == (as == 1));
		}
	OK(s, sim_drops(s, 0, WGPROTO_DROP_SOURCE) == 6);
	/* in a prefix of node 1, but the longest match belongs to node 2 */
	struct ip_addr net = sim_inner(0, false);
	struct ip_prefix wide;
	OK(s, prefix_make(&wide, &net, 16));
	sim_route(s, 0, 1, &wide);
	struct ledger_entry e = {.from = 1, .to = 0, .as = 2, .spoofed = true};
	sim_push_with(s, 1, &e);
	struct ledger_entry in_wide = {.from = 1, .to = 0, .as = 40};
	uint64_t serial = sim_push_with(s, 1, &in_wide);
	sim_run_s(s, 1);
	OK(s, ledger_has_arrived(s, serial));
	OK(s, sim_drops(s, 0, WGPROTO_DROP_SOURCE) == 7);
}

static void no_route_no_endpoint(struct sim *s)
{
	struct wgproto_packet seen;
	uint8_t p[LEDGER_PACKET_MAX];
	struct ledger_entry e = {.from = 0, .to = 3, .as = 0, .size = 100};
	static const uint8_t junk[] = {0, 0x10, 0x45, 0x50, 0x60, 0x70, 0xff};

	sim_pair(s, 0, 1);
	size_t n = ledger_packet(s, ledger_add(s, &e), p);
	sim_push_raw(s, 0, p, n, &seen);
	OK(s, seen.action == WGPROTO_DONE && seen.drop == WGPROTO_DROP_NO_PEER);
	sim_peer_remove(s, 0, 2);
	s->nodes[0].conf[2] = (struct peer_conf){.present = true, .key = s->nodes[2].public_key};
	struct ip_addr to = sim_inner(2, false);
	OK(s, prefix_make(&s->nodes[0].conf[2].routes[0], &to, 32));
	s->nodes[0].conf[2].n_routes = 1;
	host_apply_peer(s, &s->nodes[0], 2);
	e.to = 2;
	n = ledger_packet(s, ledger_add(s, &e), p);
	sim_push_raw(s, 0, p, n, &seen);
	OK(s, seen.action == WGPROTO_DONE && seen.drop == WGPROTO_DROP_NO_ENDPOINT);
	for (size_t i = 0; i < ARRAY_LEN(junk); i++)
		for (size_t size = 0; size < 60; size += size < 24 ? 1 : 7) {
			memset(p, junk[i], sizeof p);
			sim_push_raw(s, 0, p, size, &seen);
			OK(s, seen.action == WGPROTO_DONE && seen.drop != WGPROTO_DROP_NONE);
		}
	sim_run_s(s, 10);
	OK(s, s->n_observations == 0);
}

static void padding_for_every_mtu(struct sim *s)
{
	static const uint32_t mtus[] = {0,    68,   576,  1280, 1299, 1300,
					1400, 1420, 1421, 1500, 65535};

	connected(s);
	for (size_t i = 0; i < ARRAY_LEN(mtus); i++) { /* the wiretap checks the padding */
		sim_mtu(s, 0, mtus[i]);
		sim_mtu(s, 1, mtus[i]);
		for (uint16_t n = LEDGER_V4_MIN; n < 1600; n = (uint16_t)(n + 1 + n / 16)) {
			struct ledger_entry e = {.from = 0, .to = 1, .as = 0, .size = n};
			sim_push_with(s, 0, &e);
			e.size = (uint16_t)(mtus[i] >= LEDGER_V4_MIN && mtus[i] < 1900
					    ? mtus[i] - n % 3
					    : n);
			if (e.size >= LEDGER_V4_MIN)
				sim_push_with(s, 0, &e);
		}
		sim_run_s(s, 1);
	}
	OK(s, ledger_arrived(s, 1) + 1 >= s->ledger.n - 1);
}

static void congestion_marks(struct sim *s)
{
	connected(s);
	sim_link(s, 0, 1)->ce = 500;
	for (unsigned int tos = 0; tos < 256; tos++)
		for (int v6 = 0; v6 < 2; v6++) {
			struct ledger_entry e = {
				.from = 0, .to = 1, .as = 0, .v6 = v6, .tos = (uint8_t)tos};
			sim_push_with(s, 0, &e);
		}
	sim_run_s(s, 1);
	OK(s, ledger_arrived(s, 1) == 513);
}

static void duplicates_and_reordering(struct sim *s)
{
	struct link like = {.delay_ns = 20 * NS_PER_MS,
			    .jitter_ns = 60 * NS_PER_MS,
			    .dup = 600,
			    .reorder = 400};

	sim_pair(s, 0, 1);
	sim_links(s, &like);
	for (int i = 0; i < 3000; i++) {
		sim_push(s, i & 1, !(i & 1));
		sim_run(s, 50 * NS_PER_MS);
	}
	sim_run_s(s, 5);
	OK(s, ledger_arrived(s, 0) == 1500 && ledger_arrived(s, 1) == 1500);
}

/* All faults at once, but enough packets are delivered. */
static void every_fault_at_once(struct sim *s)
{
	struct link like = {.loss = 200,
			    .delay_ns = 20 * NS_PER_MS,
			    .jitter_ns = 100 * NS_PER_MS,
			    .dup = 200,
			    .reorder = 200,
			    .corrupt = 200,
			    .ce = 100};

	sim_pair(s, 0, 1);
	sim_links(s, &like);
	for (int i = 0; i < 2000; i++) {
		sim_push(s, i & 1, !(i & 1));
		sim_run(s, 200 * NS_PER_MS);
	}
	OK(s, s->altered_count > 300 && s->lost > 300);
	OK(s, ledger_arrived(s, 0) > 500 && ledger_arrived(s, 1) > 500);
}

static void batches(struct sim *s)
{
	struct ledger_entry e[BATCH_MAX];

	sim_pair(s, 0, 1);
	sim_pair(s, 0, 2);
	for (int round = 0; round < 300; round++) {
		size_t n = 1 + rng_below(&s->actions, BATCH_MAX);
		for (size_t i = 0; i < n; i++)
			e[i] = (struct ledger_entry){
				.from = 0,
				.as = 0,
				.to = (uint8_t)(1 + rng_below(&s->actions, 3)),
				.v6 = rng_below(&s->actions, 2)};
		sim_push_batch(s, 0, e, n);
		sim_run(s, 100 * NS_PER_MS);
	}
	sim_run_s(s, 1);
	size_t wanted = 0;
	uint64_t last[2] = {0, 0};
	for (size_t i = 0; i < s->ledger.n;
	     i++) { /* all are delivered, those of each peer in order; node 3 is not a peer */
		const struct ledger_entry *l = &s->ledger.entries[i];
		if (l->to == 3)
			continue;
		wanted++;
		OK(s, l->order > last[l->to - 1]);
		last[l->to - 1] = l->order;
	}
	OK(s, ledger_arrived(s, 1) + ledger_arrived(s, 2) == wanted);
}

int main(int argc, char **argv)
{
	static const struct story stories[] = {
		{"replay_window", replay_window, 2, 2},
		{"forged_counters", forged_counters, 2, 0},
		{"last_counters_are_received", last_counters_are_received, 2, 0},
		{"invalid_inner_headers", invalid_inner_headers, 2, 0},
		{"padding_is_removed", padding_is_removed, 2, 0},
		{"sources_are_checked", sources_are_checked, 42, 0},
		{"no_route_no_endpoint", no_route_no_endpoint, 4, 0},
		{"padding_for_every_mtu", padding_for_every_mtu, 2, 0},
		{"congestion_marks", congestion_marks, 2, 2},
		{"duplicates_and_reordering", duplicates_and_reordering, 2, 3},
		{"every_fault_at_once", every_fault_at_once, 2, 5},
		{"batches", batches, 4, 3},
	};

	return stories_run(stories, ARRAY_LEN(stories), argc, argv);
}
