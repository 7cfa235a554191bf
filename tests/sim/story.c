/* The runner of stories, and steps that several of them share. */
#include "story.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf out;

static void give_up(void)
{
	longjmp(out, 1);
}

static bool run_once(const struct story *story, uint64_t seed)
{
	sim_story = story->name;
	sim_on_fail = give_up;
	if (setjmp(out) != 0)
		return false; /* leaks the world, in an unknown state */
	struct sim *s = sim_new(seed, story->nodes);
	story->run(s);
	sim_end(s);
	return true;
}

int stories_run(const struct story *stories, size_t n, int argc, char **argv)
{
	const char *only = getenv("SIM_SEED");
	unsigned int passed = 0, failed = 0, count = 0;

	for (size_t i = 0; i < n; i++)
		count += argc < 2 || strcmp(argv[1], stories[i].name) == 0;
	printf("1..%u\n", count);
	for (size_t i = 0; i < n; i++) {
		const struct story *story = &stories[i];
		bool ok = true;
		if (argc >= 2 && strcmp(argv[1], story->name) != 0)
			continue;
		if (only)
			ok = run_once(story, strtoull(only, NULL, 10));
		else
			for (uint64_t seed = 1; ok && seed <= (story->seeds ? story->seeds : 1);
			     seed++)
				ok = run_once(story, seed);
		*(ok ? &passed : &failed) += 1;
		printf("%s %u - %s\n", ok ? "ok" : "not ok", passed + failed, story->name);
		fflush(stdout);
	}
	printf("# %u passed, %u failed\n", passed, failed);
	return failed != 0 || count == 0;
}

static void inject(struct sim *s, struct message *m, const struct ip_endpoint *src,
		   const uint8_t *p, size_t n, bool altered)
{
	struct ip_endpoint from = src ? *src : s->nodes[m->from].v4;

	OK(s, m->to >= 0);
	sim_inject(s, &from, &s->nodes[m->to].v4, p, n, m, altered);
}

void story_forge(struct sim *s, struct tap_session *k, bool as_initiator, uint64_t counter,
		 const uint8_t *p, size_t n)
{
	static uint8_t bytes[WGPROTO_DATAGRAM_MAX];
	size_t size = tap_forge(k, as_initiator, counter, p, n, bytes);
	struct message *m = message_new(as_initiator ? k->initiator : k->responder, bytes, size, 0);

	m->type = 4;
	m->to = (int)(as_initiator ? k->responder : k->initiator);
	m->session = (int)(k - s->tap->sessions);
	m->from_initiator = as_initiator;
	m->counter = counter;
	m->empty = n == 0;
	inject(s, m, NULL, bytes, size, false);
	message_put(m);
	sim_run(s, 0);
}

uint64_t story_forge_packet(struct sim *s, struct tap_session *k, bool as_initiator,
			    uint64_t counter)
{
	uint8_t p[LEDGER_PACKET_MAX];
	unsigned int from = as_initiator ? k->initiator : k->responder;
	struct ledger_entry e = {.from = (uint8_t)from,
				 .as = (uint8_t)from,
				 .size = 80,
				 .to = (uint8_t)(as_initiator ? k->responder : k->initiator)};
	uint64_t serial = ledger_add(s, &e);

	story_forge(s, k, as_initiator, counter, p, ledger_packet(s, serial, p));
	return serial;
}

void story_inject_flipped(struct sim *s, struct message *m, size_t at, uint8_t mask)
{
	uint8_t p[2048];

	OK(s, m && m->n <= sizeof p && at < m->n);
	memcpy(p, m->bytes, m->n);
	p[at] ^= mask;
	inject(s, m, NULL, p, m->n, true);
	sim_run(s, 0);
}

void story_inject_again(struct sim *s, struct message *m, const struct ip_endpoint *src)
{
	OK(s, m);
	inject(s, m, src, m->bytes, m->n, false);
	sim_run(s, 0);
}

void story_puppet_initiates(struct sim *s, unsigned int puppet, unsigned int to, uint64_t unix_s,
			    uint32_t index, struct ref_transcript *t)
{
	uint8_t bytes[SIM_INITIATION_BYTES], stamp[SIM_TIMESTAMP_BYTES];
	struct node *n = &s->nodes[puppet];
	struct ref_transcript local;
	struct wg_private e;
	struct wgproto_path path = path_to(&s->nodes[to].v4);

	rng_bytes(&s->actions, e.b, sizeof e.b);
	x25519_clamp(&e);
	ref_timestamp(stamp, unix_s, 0);
	OK(s, ref_initiate(t ? t : &local, bytes, &n->private_key, &e, &s->nodes[to].public_key,
			   stamp, index));
	struct message *m = message_new(puppet, bytes, sizeof bytes, 0x88);
	tap_sent(s, n, m);
	wire_send(s, n, &path, m);
	message_put(m);
}

void story_connect(struct sim *s, unsigned int a, unsigned int b)
{
	uint64_t there = sim_push(s, a, b);

	sim_run_s(s, 2);
	OK(s, ledger_has_arrived(s, there));
	uint64_t back = sim_push(s, b, a);
	sim_run_s(s, 1);
	OK(s, ledger_has_arrived(s, back));
}
