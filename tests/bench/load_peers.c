/* Handshakes and data messages of many peers. */
#include "load_peers.h"

#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "proto/cookie.h"
#include "bench.h"

enum { WINDOW = 32, ROUNDS = 8, WAIT_MS = 500 };

static void random_bytes(void *p, size_t n)
{
	must(getrandom(p, n, 0) == (ssize_t)n, "getrandom");
}

static void allocate(struct load_peers *p, uint32_t n)
{
	p->n = n;
	p->all = calloc(n, sizeof *p->all);
	must(p->all != NULL, "memory");
}

void load_peers_init(struct load_peers *p, uint32_t n)
{
	allocate(p, n);
	for (uint32_t i = 0; i < n; i++) {
		struct wg_private key;
		random_bytes(&key, sizeof key);
		noise_identity_init(&p->all[i].id, &key);
	}
}

void load_peers_save(const struct load_peers *p, const char *file)
{
	FILE *f = fopen(file, "w");

	must(f != NULL, file);
	for (uint32_t i = 0; i < p->n; i++)
		must(fwrite(&p->all[i].id, sizeof p->all[i].id, 1, f) == 1, file);
	must(fclose(f) == 0, file);
}

void load_peers_load(struct load_peers *p, const char *file)
{
	FILE *f = fopen(file, "r");

	must(f && fseek(f, 0, SEEK_END) == 0, file);
	allocate(p, (uint32_t)((size_t)ftell(f) / sizeof p->all[0].id));
	rewind(f);
	for (uint32_t i = 0; i < p->n; i++)
		must(fread(&p->all[i].id, sizeof p->all[i].id, 1, f) == 1, file);
	fclose(f);
}

void load_peers_write_conf(const struct load_peers *p, const char *file)
{
	FILE *f = fopen(file, "a");
	char text[KEY_BASE64_CHARS + 1];

	must(f != NULL, file);
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t a = LOAD_ADDRESS + i;
		key_to_base64(text, p->all[i].id.pub.b);
		fprintf(f, "[Peer]\nPublicKey = %s\nAllowedIPs = %u.%u.%u.%u/32\n", text, a >> 24, a >> 16 & 255,
			a >> 8 & 255, a & 255);
	}
	must(fclose(f) == 0, file);
}

static void send_message(const struct load_peers *p, uint32_t peer, const void *message, size_t n)
{
	if (p->send)
		p->send(p, peer, message, n);
	else
		must(send(p->fd, message, n, 0) == (ssize_t)n, "send");
}

static void send_initiation(struct load_peers *p, uint32_t i)
{
	struct load_peer *peer = &p->all[i];
	struct x25519_job jobs[NOISE_INITIATE_JOBS];
	struct msg_initiation m;
	uint8_t timestamp[TAI64N_BYTES];
	struct wg_private e;
	struct wg_shared ss;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	tai64n_from_unix(timestamp, (uint64_t)ts.tv_sec, (uint32_t)ts.tv_nsec);
	random_bytes(&e, sizeof e);
	x25519_clamp(&e);
	must(x25519(&ss, &peer->id.key, &p->device), "key of the device");
	noise_initiate_jobs(jobs, &e, &p->device);
	x25519_batch(jobs, NOISE_INITIATE_JOBS);
	must(noise_initiate(&peer->pending, &m,
			    &(struct noise_initiate_in){ .self = &peer->id, .peer = &p->device, .ss = &ss,
							 .timestamp = timestamp, .index = i, .jobs = jobs }),
	     "initiation");
	cookie_add_macs(&(struct cookie_maker){ 0 }, NS_PER_S, (uint8_t *)&m, sizeof m, &p->device);
	send_message(p, i, &m, sizeof m);
}

/* True: the peer has a session now. */
static bool take_response(struct load_peers *p, const uint8_t *message, ssize_t n)
{
	const struct msg_response *m = (const void *)message;
	struct x25519_job jobs[NOISE_FINISH_JOBS];
	static const struct wg_psk none;
	struct load_peer *peer;
	uint32_t i;

	if (n != MSG_RESPONSE_BYTES || message[0] != MSG_RESPONSE)
		return false;
	i = load_le32(m->receiver);
	if (i >= p->n || p->all[i].has_session)
		return false;
	peer = &p->all[i];
	noise_finish_jobs(jobs, &peer->pending, &peer->id, m);
	x25519_batch(jobs, NOISE_FINISH_JOBS);
	peer->has_session = noise_finish(&peer->keys, &peer->pending, m, &none, jobs);
	peer->counter = 0;
	return peer->has_session;
}

/* Waits until at most `most` of `waiting` initiations are unanswered, or nothing arrives. Returns how many still are. */
static uint32_t wait_for_responses(struct load_peers *p, uint32_t waiting, uint32_t most)
{
	struct pollfd wait = { p->fd, POLLIN, 0 };
	uint8_t message[2048];

	while (waiting > most) {
		ssize_t n;
		if (poll(&wait, 1, WAIT_MS) == 0)
			return 0; /* they are tried again */
		n = recv(p->fd, message, sizeof message, MSG_DONTWAIT);
		waiting -= n > 0 && take_response(p, message, n);
	}
	return waiting;
}

void load_peers_connect(struct load_peers *p)
{
	uint32_t left = p->n;

	for (uint32_t i = 0; i < p->n; i++)
		p->all[i].has_session = p->plain;
	for (int round = 0; round < ROUNDS && left > 0 && !p->plain; round++) {
		uint32_t waiting = 0;
		left = 0;
		for (uint32_t i = 0; i < p->n; i++) {
			if (p->all[i].has_session)
				continue;
			send_initiation(p, i);
			waiting = wait_for_responses(p, waiting + 1, WINDOW - 1);
		}
		wait_for_responses(p, waiting, 0);
		for (uint32_t i = 0; i < p->n; i++)
			left += !p->all[i].has_session;
	}
	if (left > 0 && !p->plain) {
		fprintf(stderr, "%u of %u handshakes are not answered\n", left, p->n);
		exit(EXIT_FAILURE);
	}
	load_peers_keep_alive(p); /* which confirms the sessions */
}

void load_peers_keep_alive(struct load_peers *p)
{
	uint8_t message[MSG_DATA_MIN_BYTES];

	for (uint32_t i = 0; i < p->n && !p->plain; i++) {
		uint32_t n = load_peers_seal(p, i, message, NULL, 0);
		send_message(p, i, message, n);
		if (i % WINDOW == WINDOW - 1)
			pause_s(200e-6);
	}
}

uint32_t load_peers_seal(struct load_peers *p, uint32_t i, uint8_t *out, const uint8_t *packet, uint32_t n)
{
	struct load_peer *peer = &p->all[i];
	struct msg_data *m = (void *)out;
	uint32_t padded = (n + 15) & ~15u;
	uint8_t text[2048] = { 0 };

	must(padded <= sizeof text, "length");
	memset(m, 0, sizeof *m);
	m->type[0] = MSG_DATA;
	if (n > 0)
		memcpy(text, packet, n);
	if (p->plain) {
		memcpy(out + sizeof *m, text, padded);
		memset(out + sizeof *m + padded, 0, TAG_BYTES);
	} else {
		store_le32(m->receiver, peer->keys.remote);
		store_le64(m->counter, peer->counter);
		aead_seal(out + sizeof *m, text, padded, NULL, 0, peer->counter++, &peer->keys.tx);
	}
	return (uint32_t)sizeof *m + padded + TAG_BYTES;
}

const uint8_t *load_peers_open(const struct load_peers *p, uint8_t *message, uint32_t n)
{
	struct msg_data *m = (void *)message;
	uint8_t *packet = message + sizeof *m;
	uint32_t i;

	if (n <= MSG_DATA_MIN_BYTES || message[0] != MSG_DATA)
		return NULL;
	if (p->plain)
		return packet;
	i = load_le32(m->receiver);
	if (i >= p->n)
		return NULL;
	return aead_open(packet, packet, n - MSG_DATA_MIN_BYTES, NULL, 0, load_le64(m->counter), &p->all[i].keys.rx) ?
		       packet : NULL;
}
