/* Recorded exchanges of another implementation (tests/vectors/transcripts.txt): handshake with and
 * without a preshared key and mac2, keepalive, data in both directions, cookie reply. Ours produces the
 * same bytes and accepts them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/cookie.h"
#include "proto/noise.h"
#include "proto/packet.h"
#include "../../lib/vectors.h"

enum { TRANSCRIPTS = 8, FIELDS = 19, FIELD_MAX = 160 };

struct named {
	char name[32];
	uint8_t b[FIELD_MAX];
	size_t n;
};

static struct transcript {
	struct named fields[FIELDS];
	size_t n;
} transcripts[TRANSCRIPTS];

static void line(const struct vector *v, void *ctx)
{
	unsigned long number = vector_number(v, 0);
	struct named *x;

	(void)ctx;
	assert_true(number < TRANSCRIPTS && transcripts[number].n < FIELDS);
	x = &transcripts[number].fields[transcripts[number].n++];
	assert_true(strlen(v->field[1]) < sizeof x->name);
	strcpy(x->name, v->field[1]);
	x->n = vector_bytes(v, 2, x->b, sizeof x->b);
}

static int load(void **state)
{
	(void)state;
	return vectors_each("transcripts.txt", 3, line, NULL) == TRANSCRIPTS * FIELDS ? 0 : -1;
}

static const struct named *get(const struct transcript *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->fields[i].name, name) == 0)
			return &t->fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

static void key_of(void *key, const struct transcript *t, const char *name)
{
	const struct named *x = get(t, name);

	assert_int_equal(x->n, KEY_BYTES);
	memcpy(key, x->b, KEY_BYTES);
}

static void same(const struct transcript *t, const char *name, const void *have, size_t n)
{
	const struct named *x = get(t, name);

	assert_int_equal(x->n, n);
	assert_memory_equal(x->b, have, n);
}

struct world {
	struct noise_identity i, r;
	struct wg_shared ss;
	struct wg_psk psk;
	struct wg_private ei, er;
	struct cookie_maker to_r, to_i; /* of the initiator, of the responder */
	struct noise_pending pending;
	struct wg_keypair ki, kr;
	struct msg_initiation m1;
	struct msg_response m2;
};

static void begin(struct world *w, const struct transcript *t)
{
	const struct named *cookie = get(t, "cookie_for_mac2");
	struct wg_private key;

	memset(w, 0, sizeof *w);
	key_of(&key, t, "initiator_static");
	noise_identity_init(&w->i, &key);
	key_of(&key, t, "responder_static");
	noise_identity_init(&w->r, &key);
	key_of(&w->psk, t, "psk");
	key_of(&w->ei, t, "initiator_ephemeral");
	key_of(&w->er, t, "responder_ephemeral");
	assert_true(x25519(&w->ss, &w->i.key, &w->r.pub));
	w->to_r.has_cookie = cookie->n > 0;
	memcpy(w->to_r.cookie, cookie->b, cookie->n);
}

static void initiation(struct world *w, const struct transcript *t)
{
	struct x25519_job jobs[NOISE_INITIATE_JOBS];
	struct noise_initiate_in in = {
		.self = &w->i, .peer = &w->r.pub, .ss = &w->ss, .timestamp = get(t, "tai64n")->b,
		.index = load_le32(get(t, "initiator_index")->b), .jobs = jobs,
	};

	noise_initiate_jobs(jobs, &w->ei, &w->r.pub);
	x25519_batch(jobs, NOISE_INITIATE_JOBS);
	assert_true(noise_initiate(&w->pending, &w->m1, &in));
	cookie_add_macs(&w->to_r, 0, (uint8_t *)&w->m1, sizeof w->m1, &w->r.pub);
	same(t, "initiation", &w->m1, sizeof w->m1);
}

static void response(struct world *w, const struct transcript *t)
{
	static const uint8_t never[TAI64N_BYTES];
	struct x25519_job jobs[NOISE_RESPOND_JOBS];
	struct noise_opened opened;
	struct noise_accepted accepted;

	noise_open_job(jobs, &w->r, &w->m1);
	x25519_batch(jobs, 1);
	assert_true(noise_open(&opened, &w->r, &w->m1, jobs));
	assert_memory_equal(opened.peer.b, w->i.pub.b, KEY_BYTES);
	assert_int_equal(noise_accept(&accepted, &opened, &w->ss, never), NOISE_OK);
	noise_respond_jobs(jobs, &w->er, &accepted);
	x25519_batch(jobs, NOISE_RESPOND_JOBS);
	assert_true(noise_respond(&w->kr, &w->m2, &accepted, &w->psk,
				  load_le32(get(t, "responder_index")->b), jobs));
	cookie_add_macs(&w->to_i, 0, (uint8_t *)&w->m2, sizeof w->m2, &w->i.pub);
	same(t, "response", &w->m2, sizeof w->m2);
	noise_finish_jobs(jobs, &w->pending, &w->i, &w->m2);
	x25519_batch(jobs, NOISE_FINISH_JOBS);
	assert_true(noise_finish(&w->ki, &w->pending, &w->m2, &w->psk, jobs));
	same(t, "initiator_send_key", w->ki.tx.b, sizeof w->ki.tx.b);
	same(t, "initiator_recv_key", w->ki.rx.b, sizeof w->ki.rx.b);
	assert_memory_equal(w->kr.rx.b, w->ki.tx.b, sizeof w->kr.rx.b);
	assert_memory_equal(w->kr.tx.b, w->ki.rx.b, sizeof w->kr.tx.b);
}

static void data(const struct transcript *t, const char *name, const struct wg_keypair *from,
		 const struct wg_keypair *to, const struct named *packet, uint64_t counter)
{
	uint8_t message[FIELD_MAX] = { 0 }, plain[FIELD_MAX];
	size_t padded = packet_padded(packet->n, 1420);

	memcpy(message + MSG_DATA_HEADER_BYTES, packet->b, packet->n);
	msg_data_header(message, from->remote, counter);
	aead_seal(message + MSG_DATA_HEADER_BYTES, message + MSG_DATA_HEADER_BYTES, padded, NULL, 0,
		  counter, &from->tx);
	same(t, name, message, MSG_DATA_HEADER_BYTES + padded + TAG_BYTES);
	assert_true(aead_open(plain, message + MSG_DATA_HEADER_BYTES, padded, NULL, 0, counter,
			      &to->rx));
	assert_memory_equal(plain, packet->b, packet->n);
}

static void cookie(struct world *w, const struct transcript *t)
{
	const struct named *reply = get(t, "cookie_reply");

	assert_int_equal(reply->n, MSG_COOKIE_BYTES);
	assert_true(cookie_consume_reply(&w->to_r, 0, (const struct msg_cookie *)reply->b, &w->r.pub));
	same(t, "cookie_plain", w->to_r.cookie, sizeof w->to_r.cookie);
}

static void test_every_transcript(void **state)
{
	static const struct named nothing;
	unsigned int with_mac2 = 0;

	(void)state;
	for (size_t i = 0; i < TRANSCRIPTS; i++) {
		const struct transcript *t = &transcripts[i];
		struct world w;

		begin(&w, t);
		with_mac2 += w.to_r.has_cookie;
		initiation(&w, t);
		response(&w, t);
		data(t, "keepalive", &w.ki, &w.kr, &nothing, 0);
		data(t, "data_counter_1", &w.ki, &w.kr, get(t, "inner_packet"), 1);
		data(t, "responder_data_counter_0", &w.kr, &w.ki, get(t, "inner_packet"), 0);
		cookie(&w, t);
	}
	assert_true(with_mac2 > 0 && with_mac2 < TRANSCRIPTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_transcript),
	};
	return cmocka_run_group_tests(tests, load, NULL);
}
