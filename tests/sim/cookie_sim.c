/* Under load: cookie replies requested, sent, used, refused, replayed and expired, and the rate limit. */
#include "base/mem.h"
#include "story.h"

enum { MAC2_AT = 132, RATE_PER_S = 20, RATE_BURST = 5 };

static void loaded(struct sim *s, unsigned int node)
{
	s->nodes[node].under_load = s->nodes[node].ever_loaded = true;
}

static void second_attempt_succeeds(struct sim *s)
{
	sim_pair(s, 0, 1);
	loaded(s, 1);
	uint64_t serial = sim_push(s, 0, 1);
	sim_run_s(s, 4);
	OK(s, s->nodes[1].sent[3] == 1 && s->nodes[1].sent[2] == 0 && s->n_observations == 2);
	OK(s, sim_drops(s, 1, WGPROTO_DROP_COOKIE_SENT) == 1);
	sim_run_s(s, 2); /* not sent again before the timer; then with mac2 */
	OK(s, s->nodes[0].sent[1] == 2 && s->nodes[1].sent[2] == 1);
	OK(s, !mem_is_zero_ct(sim_recent(s, 0, 1)->bytes + MAC2_AT, 16));
	OK(s, ledger_has_arrived(s, serial));
}

static void both_under_load(struct sim *s)
{
	sim_pair(s, 0, 1);
	loaded(s, 0);
	loaded(s, 1);
	uint64_t serial = sim_push(s, 0, 1);
	sim_run_s(s, 20);
	OK(s, ledger_has_arrived(s, serial));
	OK(s, s->nodes[0].sent[3] == 1 && s->nodes[1].sent[3] == 1);
}

static void mac2_is_ignored_without_load(struct sim *s)
{
	struct message *m;

	sim_pair(s, 0, 1);
	sim_cut(s, 0, 1, true);
	sim_push(s, 0, 1);
	m = sim_recent(s, 0, 1);
	uint8_t p[SIM_INITIATION_BYTES];
	memcpy(p, m->bytes, sizeof p);
	memset(p + MAC2_AT, 0x5a, 16);
	sim_inject(s, &s->nodes[0].v4, &s->nodes[1].v4, p, sizeof p, m, false);
	sim_run_s(s, 1);
	OK(s, s->nodes[1].sent[2] == 1 && s->nodes[1].sent[3] == 0);
}

/* Returns an initiation of node 0 with a valid mac2 that was lost on a cut link. */
static struct message *with_mac2(struct sim *s)
{
	sim_pair(s, 0, 1);
	loaded(s, 1);
	sim_push(s, 0, 1);
	sim_run_s(s, 1);
	OK(s, s->nodes[1].sent[3] == 1);
	sim_cut(s, 0, 1, true);
	while (s->nodes[0].sent[1] < 2)
		sim_run(s, NS_PER_MS);
	struct message *m = sim_recent(s, 0, 1);
	OK(s, !mem_is_zero_ct(m->bytes + MAC2_AT, 16));
	m->refs++;
	return m;
}

static void every_flipped_byte_under_load(struct sim *s)
{
	struct message *m = with_mac2(s);

	for (size_t at = 0; at < SIM_INITIATION_BYTES; at++) {
		story_inject_flipped(s, m, at, 0x01);
		story_inject_flipped(s, m, at, 0x80);
	}
	OK(s, s->nodes[1].sent[2] == 0);
	OK(s, s->nodes[1].sent[3] ==
		      1 + 2 * 16); /* an invalid mac2 gets a cookie reply, an invalid mac1 nothing */
	story_inject_again(s, m, NULL);
	OK(s, s->nodes[1].sent[2] == 1);
	message_put(m);
}

/* The same for a response: its receiver is under load, its sender has a cookie. */
static void every_flipped_byte_of_a_response(struct sim *s)
{
	struct message *m;

	sim_pair(s, 0, 1);
	loaded(s, 0);
	sim_push(s, 0, 1);
	sim_run_s(s, 1);
	OK(s, s->nodes[1].sent[2] == 1 && s->nodes[0].sent[3] == 1);
	sim_link(s, 1, 0)->cut = true;
	while (s->nodes[1].sent[2] < 2)
		sim_run(s, NS_PER_MS);
	m = sim_recent(s, 1, 2);
	m->refs++;
	for (size_t at = 0; at < SIM_RESPONSE_BYTES; at++) {
		story_inject_flipped(s, m, at, 0x01);
		story_inject_flipped(s, m, at, 0x80);
	}
	OK(s, s->nodes[0].sent[4] == 0 && s->nodes[0].sent[3] == 1 + 2 * 16);
	story_inject_again(s, m, NULL);
	OK(s, s->nodes[0].sent[4] == 1);
	message_put(m);
}

static void cookie_is_bound_to_address_and_port(struct sim *s)
{
	struct message *m = with_mac2(s);
	struct ip_endpoint other = s->nodes[0].v4;

	other.port ^= 1;
	story_inject_again(s, m, &other);
	other = s->nodes[0].v4;
	other.port ^= 0x100;
	story_inject_again(s, m, &other);
	other = s->nodes[0].v4;
	other.addr.b[3] ^= 4;
	story_inject_again(s, m, &other);
	story_inject_again(s, m, &s->nodes[0].v6);
	OK(s, s->nodes[1].sent[2] == 0 && s->nodes[1].sent[3] == 5);
	story_inject_again(s, m, NULL);
	OK(s, s->nodes[1].sent[2] == 1);
	message_put(m);
}

static void secret_is_renewed_after_120_s(struct sim *s)
{
	struct message *m = with_mac2(s);

	sim_run_s(s, 110); /* 116 s: the secret is the same */
	story_inject_flipped(s, m, MAC2_AT, 1);
	OK(s, s->nodes[1].sent[2] == 0);
	sim_run_s(s, 6);
	story_inject_again(s, m, NULL);
	OK(s, s->nodes[1].sent[2] == 0);
	OK(s, s->nodes[1].sent[3] >= 2);
	message_put(m);
}

static void secret_is_valid_for_112_s(struct sim *s)
{
	struct message *m = with_mac2(s);

	sim_run_s(s, 112);
	story_inject_again(s, m, NULL);
	OK(s, s->nodes[1].sent[2] == 1);
	message_put(m);
}

static void forged_replayed_and_unexpected_replies(struct sim *s)
{
	struct message *m;
	uint64_t refused;

	sim_pair(s, 0, 1);
	loaded(s, 1);
	sim_link(s, 1, 0)->cut = true;
	sim_push(s, 0, 1);
	sim_run_s(s, 1);
	m = sim_recent(s, 1, 3);
	OK(s, m);
	m->refs++;
	for (size_t at = 0; at < SIM_COOKIE_BYTES; at++) {
		story_inject_flipped(s, m, at, 0x01);
		story_inject_flipped(s, m, at, 0x80);
	}
	while (s->nodes[0].sent[1] < 2)
		sim_run(s, NS_PER_MS);
	OK(s, mem_is_zero_ct(sim_recent(s, 0, 1)->bytes + MAC2_AT, 16));
	refused = sim_drops(s, 0, WGPROTO_DROP_COOKIE);
	story_inject_again(s, m, NULL); /* a reply to the previous initiation: too late */
	OK(s, sim_drops(s, 0, WGPROTO_DROP_COOKIE) == refused + 1);
	message_put(m);
	sim_run(s, 50 * NS_PER_MS);
	m = sim_recent(s, 1, 3);
	m->refs++;
	story_inject_again(s, m, NULL);
	OK(s, sim_drops(s, 0, WGPROTO_DROP_COOKIE) == refused + 1);
	story_inject_again(s, m, NULL); /* a second time */
	OK(s, sim_drops(s, 0, WGPROTO_DROP_COOKIE) == refused + 2);
	message_put(m);
	while (s->nodes[0].sent[1] < 3)
		sim_run(s, NS_PER_MS);
	OK(s, !mem_is_zero_ct(sim_recent(s, 0, 1)->bytes + MAC2_AT, 16));
}

static void cookie_is_used_for_115_s(struct sim *s)
{
	sim_pair(s, 0, 1);
	loaded(s, 1);
	sim_push(s, 0, 1);
	sim_run_s(s, 10);
	s->nodes[1].under_load = false;
	for (int i = 0; i < 130; i++) { /* rekeys at 126 s: the wiretap expects a zero mac2 then */
		sim_push(s, 0, 1);
		sim_run_s(s, 1);
	}
	OK(s, s->nodes[0].sent[1] == 3);
	OK(s, mem_is_zero_ct(sim_recent(s, 0, 1)->bytes + MAC2_AT, 16));
}

/* The keys of the last session are erased 540 s after it began. Seed 41574335 of swarm_sim. */
static void cookie_outlives_the_keys(struct sim *s)
{
	sim_pair(s, 0, 1);
	sim_push(s, 0, 1);
	sim_run_s(s, 530);
	loaded(s, 1);
	sim_push(s, 0, 1);
	sim_run_s(s, 1);
	OK(s, s->nodes[1].sent[3] == 1);
	sim_link(s, 0, 1)->cut = true; /* no new session */
	size_t before = s->nodes[0].sent[1];
	sim_run_s(s, 20); /* the wiretap expects mac2 in every initiation */
	OK(s, s->nodes[0].sent[1] >= before + 3);
	OK(s, !mem_is_zero_ct(sim_recent(s, 0, 1)->bytes + MAC2_AT, 16));
}

/* The puppet sends an initiation; with a cookie, mac2 is valid. */
static void puppet_with_cookie(struct sim *s, unsigned int puppet, unsigned int to,
			       const uint8_t cookie[16], uint32_t i)
{
	uint8_t p[SIM_INITIATION_BYTES], stamp[SIM_TIMESTAMP_BYTES];
	struct node *n = &s->nodes[puppet];
	struct ref_transcript t;
	struct wg_private e;
	struct wgproto_path path = path_to(&s->nodes[to].v4);

	rng_bytes(&s->actions, e.b, sizeof e.b);
	x25519_clamp(&e);
	ref_timestamp(stamp, 1700002000 + i, 0);
	OK(s, ref_initiate(&t, p, &n->private_key, &e, &s->nodes[to].public_key, stamp, 5000 + i));
	if (cookie)
		mac16_2(p + MAC2_AT, cookie, 16, p, MAC2_AT, NULL, 0);
	struct message *m = message_new(puppet, p, sizeof p, 0x88);
	tap_sent(s, n, m);
	wire_send(s, n, &path, m);
	message_put(m);
}

static void puppet_obtains_cookie(struct sim *s, unsigned int puppet, unsigned int to,
			       uint8_t cookie[16])
{
	struct node *n = &s->nodes[puppet];
	struct wg_sym key;

	puppet_with_cookie(s, puppet, to, NULL, 0);
	const uint8_t *mac1 = sim_recent(s, puppet, 1)->bytes + 116;
	sim_run_s(s, 1);
	OK(s, n->n_inbox == 1 && n->inbox[0].n == SIM_COOKIE_BYTES);
	ref_cookie_key(&key, &s->nodes[to].public_key);
	OK(s,
	   xaead_open(cookie, n->inbox[0].bytes + 32, 16, mac1, 16, n->inbox[0].bytes + 8, &key));
}

static void rate_limit_per_address(struct sim *s)
{
	uint8_t cookie[2][16];

	sim_peer(s, 2, 0);
	sim_peer(s, 2, 1);
	sim_puppet(s, 0);
	sim_puppet(s, 1);
	loaded(s, 2);
	puppet_obtains_cookie(s, 0, 2, cookie[0]);
	puppet_obtains_cookie(s, 1, 2, cookie[1]);
	uint32_t i = 1;
	for (; i <= 250; i++) { /* 25 ms apart, slower than the 20 ms rule: 6.25 s */
		puppet_with_cookie(s, 0, 2, cookie[0], i);
		sim_run(s, 25 * NS_PER_MS);
	}
	sim_run(s, 20 * NS_PER_MS);
	size_t answers = s->nodes[2].sent[2];
	OK(s, answers >= 6 * RATE_PER_S && answers <= 25 * RATE_PER_S / 4 + RATE_BURST + 1);
	OK(s, sim_drops(s, 2, WGPROTO_DROP_RATE) == 250 - answers);
	puppet_with_cookie(s, 1, 2, cookie[1], i); /* another address is not limited */
	sim_run(s, 20 * NS_PER_MS);
	OK(s, s->nodes[2].sent[2] == answers + 1);
}

int main(int argc, char **argv)
{
	static const struct story stories[] = {
		{"second_attempt_succeeds", second_attempt_succeeds, 2, 5},
		{"both_under_load", both_under_load, 2, 5},
		{"mac2_is_ignored_without_load", mac2_is_ignored_without_load, 2, 0},
		{"every_flipped_byte_under_load", every_flipped_byte_under_load, 2, 0},
		{"every_flipped_byte_of_a_response", every_flipped_byte_of_a_response, 2,
		 0},
		{"cookie_is_bound_to_address_and_port", cookie_is_bound_to_address_and_port, 2, 0},
		{"secret_is_renewed_after_120_s", secret_is_renewed_after_120_s, 2, 0},
		{"secret_is_valid_for_112_s", secret_is_valid_for_112_s, 2, 0},
		{"forged_replayed_and_unexpected_replies", forged_replayed_and_unexpected_replies, 2, 0},
		{"cookie_is_used_for_115_s", cookie_is_used_for_115_s, 2, 0},
		{"cookie_outlives_the_keys", cookie_outlives_the_keys, 2, 0},
		{"rate_limit_per_address", rate_limit_per_address, 3, 0},
	};

	return stories_run(stories, ARRAY_LEN(stories), argc, argv);
}
