/* The wiretap: sees everything every tunnel sends, knows all static keys and all randomness, redoes
 * every handshake (reference.h), opens every data message, and checks the rules of the wire:
 * legal sizes and TOS, counters used once, keys not too old, nothing sent with unconfirmed keys,
 * initiations not too often, timestamps that grow, padding as it should be, inner packets that were
 * really given to this tunnel for this peer. */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include "sim.h"

struct tap_initiation {
	uint64_t at;
	unsigned int from, to;
	uint32_t index;
	struct ref_transcript transcript;
	uint8_t mac1[16];
	uint32_t generation;	/* of the responder's memory when it answered */
	bool answered, genuine; /* genuine: sent by a tunnel, not by a puppet */
};

struct tap_session {
	unsigned int initiator, responder;
	uint32_t index_i, index_r;
	struct ref_keys keys;
	uint64_t created_i, created_r; /* when the response was taken, when it was made; NEVER: not yet */
	bool confirmed;		 /* the responder was given a data message of the initiator */
	bool used_i;		 /* the initiator has sent with it */
	uint64_t n_sent[2];	 /* data messages: of the initiator, of the responder */
	uint64_t last_counter[2];
};

struct tap_cookie { /* what a node holds for one of its peers */
	uint8_t value[16];
	uint64_t at;
	bool held;
	bool uncertain; /* a key changed meanwhile: nothing is said about mac2 */
};

struct tap_reply { /* a cookie reply on its way */
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
	uint32_t *generation;  /* [node * n + peer]: how often it has forgotten the peer */
	struct counters *seen; /* (session, direction, counter) already sent */
	uint8_t (*answered)[SIM_TIMESTAMP_BYTES]; /* [responder * n + initiator]: of the last
						     answered */
	struct tap_reply *replies;
	size_t n_replies, cap_replies;
	struct ip_endpoint before[NODES_MAX]; /* endpoints of the receiving node's peers */
	bool raw_allowed;		      /* inner packets the ledger does not know are sent */
	bool routes_change;		      /* a story moves allowed IPs while packets wait */
};

struct tap *tap_new(struct sim *s);
void tap_free(struct tap *t);
/* The 5 s rule and the timestamps begin anew between these: reboot, new key, peer removed. */
void tap_reset_pair(struct sim *s, unsigned int a, unsigned int b, bool timestamps_too);
/* The 5 s rule begins anew, and cookies may be forgotten. */
void tap_down(struct sim *s, unsigned int a);
/* a has (no longer) this identity: secrets that follow from it are computed anew. */
void tap_new_key(struct sim *s, unsigned int a);

/* Fills m and checks. */
void tap_sent(struct sim *s, struct node *n, struct message *m);
/* Before a node is given a datagram, and after. */
void tap_before_receive(struct sim *s, struct node *n, const struct datagram *d);
void tap_after_receive(struct sim *s, struct node *n, const struct datagram *d);

/* The newest session between these two, whoever began it; null: none. */
struct tap_session *tap_session_of(struct sim *s, unsigned int a, unsigned int b);
size_t tap_sessions_between(struct sim *s, unsigned int a, unsigned int b);

/* A data message made with a session's own keys, as its initiator or responder; its size.
 * out has n + 32 bytes. Not padded. */
size_t tap_forge(const struct tap_session *k, bool as_initiator, uint64_t counter, const uint8_t *p,
		 size_t n, uint8_t *out);

/* tap_data.c: the part for type 4 */
void tap_sent_data(struct sim *s, struct node *n, struct message *m);

/* counters.c: a set of (session, direction, counter) */
struct counters *counters_new(void);
void counters_free(struct counters *c);
must_check bool counters_add(struct counters *c, uint32_t session, bool direction,
			     uint64_t counter);

#endif
