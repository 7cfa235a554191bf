/* The wiretap: sees every message that a tunnel sends, knows all static keys and all randomness, repeats
 * every handshake with an independent implementation (reference.h) and decrypts every data message. It
 * checks sizes and TOS, that no counter is used twice, that keys are neither expired nor unconfirmed,
 * the rate of initiations, timestamps that increase, padding, and that inner packets entered this tunnel
 * for this peer. */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include "sim.h"

struct tap_initiation {
	uint64_t at;
	unsigned int from, to;
	uint32_t index;
	struct ref_transcript transcript;
	uint8_t mac1[16];
	uint32_t generation;	/* tap.generation of the responder when it answered */
	bool answered, genuine; /* genuine: sent by a tunnel, not by a puppet */
};

struct tap_session {
	unsigned int initiator, responder;
	uint32_t index_i, index_r;
	struct ref_keys keys;
	uint64_t created_i, created_r; /* response received, response sent; NEVER: not yet */
	bool confirmed;		 /* the responder received a data message of the initiator */
	bool used_i;		 /* the initiator has sent data */
	uint64_t n_sent[2];	 /* data messages of the initiator, of the responder */
	uint64_t last_counter[2];
};

struct tap_cookie { /* a cookie that a node received from a peer */
	uint8_t value[16];
	uint64_t at;
	bool held;
	bool uncertain; /* a key changed meanwhile: mac2 is not checked */
};

struct tap_reply { /* a cookie reply in flight */
	uint8_t value[16], mac1[16];
	unsigned int holder, sender;
};

struct tap {
	struct tap_initiation *initiations;
	size_t n_initiations, cap_initiations;
	struct tap_session *sessions;
	size_t n_sessions, cap_sessions;
	uint64_t *handshake_at; /* [from * n + to]: last initiation or response sent; NEVER: none */
	uint8_t (*timestamps)[SIM_TIMESTAMP_BYTES]; /* [from * n + to]: last one sent */
	struct tap_cookie *cookies;		    /* [holder * n + peer] */
	uint8_t (*last_mac1)[16];		    /* [from * n + to] */
	struct wg_shared *ss;			    /* [from * n + to], zero: not computed */
	uint32_t *generation;  /* [node * n + peer]: how often it lost its state of the peer */
	struct counters *seen; /* (session, direction, counter) that was sent */
	uint8_t (*answered)[SIM_TIMESTAMP_BYTES]; /* [responder * n + initiator]: last one answered */
	struct tap_reply *replies;
	size_t n_replies, cap_replies;
	struct ip_endpoint before[NODES_MAX]; /* endpoints of the peers before the datagram was received */
	bool raw_allowed;		      /* inner packets need not be in the ledger */
	bool routes_change;		      /* a story moves allowed IPs while packets are staged */
};

struct tap *tap_new(struct sim *s);
void tap_free(struct tap *t);
/* a lost its state of b (reboot, new key, peer removed): initiations may follow at once, and
 * timestamps_too: timestamps may start again. */
void tap_reset_pair(struct sim *s, unsigned int a, unsigned int b, bool timestamps_too);
/* a was brought down: initiations may follow at once, and it may have erased its cookies. */
void tap_down(struct sim *s, unsigned int a);
/* a changed its private key: secrets that depend on it are computed again. */
void tap_new_key(struct sim *s, unsigned int a);

/* Fills in m and checks it. */
void tap_sent(struct sim *s, struct node *n, struct message *m);
/* Before a node receives a datagram, and after. */
void tap_before_receive(struct sim *s, struct node *n, const struct datagram *d);
void tap_after_receive(struct sim *s, struct node *n, const struct datagram *d);

/* The newest session between these two in either direction; null: none. */
struct tap_session *tap_session_of(struct sim *s, unsigned int a, unsigned int b);
size_t tap_sessions_between(struct sim *s, unsigned int a, unsigned int b);

/* Writes a data message encrypted with the keys of the session, without padding, and returns its size.
 * out: space for n + 32 bytes. */
size_t tap_forge(const struct tap_session *k, bool as_initiator, uint64_t counter, const uint8_t *p,
		 size_t n, uint8_t *out);

/* tap_data.c: messages of type 4 */
void tap_sent_data(struct sim *s, struct node *n, struct message *m);

/* counters.c: a set of (session, direction, counter) */
struct counters *counters_new(void);
void counters_free(struct counters *c);
must_check bool counters_add(struct counters *c, uint32_t session, bool direction,
			     uint64_t counter);

#endif
