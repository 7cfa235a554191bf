/* Stories: test scenarios by name, each run in a new world for one or more seeds. Prints TAP. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include "tap.h"

struct story {
	const char *name;
	void (*run)(struct sim *s);
	unsigned int nodes;
	unsigned int seeds; /* how many seeds; 0: one */
};

/* SIM_SEED in the environment: that seed only. An argument on the command line: that story only. */
int stories_run(const struct story *stories, size_t n, int argc, char **argv);

/* Sends a data message that is encrypted with the keys of the session, as if its initiator or responder
 * had sent it. */
void story_forge(struct sim *s, struct tap_session *k, bool as_initiator, uint64_t counter,
		 const uint8_t *p, size_t n);
/* The same with a packet of the ledger. Returns its serial number. */
uint64_t story_forge_packet(struct sim *s, struct tap_session *k, bool as_initiator,
			    uint64_t counter);
/* Sends a copy of the message with one byte xored, from its sender to its receiver. */
void story_inject_flipped(struct sim *s, struct message *m, size_t at, uint8_t mask);
/* Sends the message again. src: another source address; null: that of the sender. */
void story_inject_again(struct sim *s, struct message *m, const struct ip_endpoint *src);

/* The puppet sends an initiation with this timestamp and index. t: where to store the transcript, or
 * null. */
void story_puppet_initiates(struct sim *s, unsigned int puppet, unsigned int to, uint64_t unix_s,
			    uint32_t index, struct ref_transcript *t);
/* A packet each way: both ends have a confirmed session afterwards. */
void story_connect(struct sim *s, unsigned int a, unsigned int b);

#endif
