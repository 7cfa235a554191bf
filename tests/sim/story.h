/* Stories: named worlds with a seed each; run all, or one by name, and print TAP and a summary. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include "tap.h"

struct story {
	const char *name;
	void (*run)(struct sim *s);
	unsigned int nodes;
	unsigned int seeds; /* how often, with a seed each; 0: once */
};

/* SIM_SEED: that seed only. A word on the command line: that story only. */
int stories_run(const struct story *stories, size_t n, int argc, char **argv);

/* A data message made with a session's own keys appears on the wire, as if its initiator or
 * responder had sent it from where that node is. */
void story_forge(struct sim *s, struct tap_session *k, bool as_initiator, uint64_t counter,
		 const uint8_t *p, size_t n);
/* The same with a packet that the ledger knows; its serial. */
uint64_t story_forge_packet(struct sim *s, struct tap_session *k, bool as_initiator,
			    uint64_t counter);
/* A copy of a message with the byte at `at` xored, to where `to` is, from where `from` is. */
void story_inject_flipped(struct sim *s, struct message *m, size_t at, uint8_t mask);
/* The same message again, from another address perhaps (null: the sender's own). */
void story_inject_again(struct sim *s, struct message *m, const struct ip_endpoint *src);

/* A handshake of a puppet: sends an initiation with this timestamp and index. The transcript to *t.
 */
void story_puppet_initiates(struct sim *s, unsigned int puppet, unsigned int to, uint64_t unix_s,
			    uint32_t index, struct ref_transcript *t);
/* Both push until both ends have a confirmed session. */
void story_connect(struct sim *s, unsigned int a, unsigned int b);

#endif
