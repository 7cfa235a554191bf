/* The simulator: instances of libwgproto, driven by its public header only, on a virtual clock and a wire that loses, delays, duplicates, reorders
 * and alters datagrams, all determined by one seed. sim_run() advances to the earliest event of the
 * wire or deadline of a tunnel. Invariants are checked while it runs (tap.h, ledger.h, memory.h) and
 * by sim_end(); a violation prints the seed and the command that replays it. SIM_TRACE=1 in the
 * environment prints every datagram. */
#ifndef SIM_H
#define SIM_H

#include "base/addr.h"
#include "base/heap.h"
#include "lib/wgproto.h"
#include "rng.h"
#include "ledger.h"
#include "reference.h"

enum {
	NODES_MAX = 64,
	DRAWS_KEPT = 64, /* latest random draws of 32 bytes per node: ephemeral keys are among them */
	RECENT_KEPT = 256, /* latest messages, which the adversary can replay */
	INBOX_KEPT = 16,
	ROUTES_MAX = 4,
	BATCH_MAX = 16,
};

struct link {
	uint32_t loss, dup, reorder, corrupt, ce; /* in a thousand */
	uint64_t delay_ns, jitter_ns;
	bool cut;
	uint64_t last_at; /* latest arrival: without `reorder`, no datagram overtakes another */
};

/* A message that a tunnel sent, and what the wiretap knows about it. */
struct message {
	uint32_t refs;
	unsigned int from;
	int to;	      /* the node it is encrypted to; -1: none */
	uint8_t type; /* 1-4 */
	uint8_t tos;
	bool accepted;	     /* the receiver has accepted it: from now on it is a replay */
	uint32_t generation; /* tap.generation of the receiver at that time */
	bool empty;	     /* data: a keepalive */
	bool from_initiator;
	int session;	/* index into tap.sessions, -1: none */
	int initiation; /* index into tap.initiations, -1 */
	uint64_t counter;
	uint32_t n;
	uint8_t bytes[];
};

struct datagram {
	struct heap_node due;
	struct message *msg; /* null: invented by the adversary */
	struct ip_endpoint src, dst;
	uint8_t tos;
	bool altered;
	int push_into; /* ≥ 0: goes into the TUN of this node, whose tunnel carries the sender's */
	uint32_t n;
	uint8_t bytes[];
};

struct observation { /* a datagram that a tunnel sent, for the stories */
	uint64_t at;
	unsigned int from;
	int to;
	uint8_t type;
	bool empty;
	uint32_t n;
};

struct peer_conf {
	bool present;
	struct wg_public key;
	struct wg_psk psk;
	struct ip_endpoint endpoint;
	uint16_t keepalive_s;
	unsigned int n_routes;
	struct ip_prefix routes[ROUTES_MAX];
};

struct nat_entry {
	struct ip_endpoint near, far;
	uint16_t port;
	uint64_t used_at;
};

struct nat {
	struct ip_addr addr[2]; /* public address: IPv4, IPv6 */
	uint64_t timeout_ns;
	uint16_t next_port;
	unsigned int n;
	struct nat_entry entries[64];
};

struct node {
	struct sim *sim;
	unsigned int id;
	struct wgproto *tunnel; /* null: a puppet, or powered off */
	struct wg_private private_key;
	struct wg_public public_key;
	struct wg_private old_keys[4]; /* newest first: late messages may be encrypted to them */
	struct wg_public old_publics[4];
	unsigned int n_old;
	bool up, under_load, forward, ever_loaded;
	uint32_t mtu;
	struct ip_endpoint v4, v6; /* of its sockets */
	struct nat *nat;
	int carrier; /* the node whose tunnel carries the datagrams of this one; -1: the wire does */
	uint64_t boot_ns; /* its monotonic clock at the beginning of the simulation */
	int64_t wall_offset_ns;
	uint64_t slack_ns; /* its timers are late by at most this */
	uint64_t slack_now_ns;
	struct rng entropy;
	struct draw {
		struct wg_private b;
		struct wg_public pub;
		bool have_pub;
	} draws[DRAWS_KEPT];
	unsigned int n_draws;
	int publish_depth;
	bool in_data_half;
	struct peer_conf *conf; /* NODES_MAX of them */
	uint64_t sent[5], sent_keepalives, sent_bytes, delivered, delivered_bytes, stale_sources;
	uint64_t last_sent_ns;
	bool clock_was_set_back;
	struct {
		struct ip_endpoint from;
		uint32_t n;
		uint8_t bytes[256];
	} inbox[INBOX_KEPT]; /* of a puppet */
	unsigned int n_inbox;
	uint64_t ticks;
};

struct sim {
	uint64_t seed, now;
	struct rng wire, actions;
	unsigned int n_nodes;
	struct node *nodes;
	struct link *links; /* [from * n_nodes + to] */
	struct heap events;
	struct heap_node **slots;
	uint32_t slots_cap;
	struct message *recent[RECENT_KEPT];
	unsigned int n_recent;
	struct observation *observations;
	size_t n_observations, cap_observations;
	uint64_t lost, reordered, altered_count, undeliverable;
	uint64_t same_instant; /* calls since the clock advanced, to detect a busy loop */
	uint8_t *drain_buffer;
	struct ledger ledger;
	struct tap *tap;
	bool memory_failed; /* allocations have failed, the last time at memory_failed_at */
	uint64_t memory_failed_at;
	const struct datagram *cause; /* the datagram that `cause_node` is processing */
	unsigned int cause_node;
	bool cause_was_accepted;
};

/* ---- worlds ---- */

/* n nodes with keys, addresses and tunnels that are up and have no peers, on links with a delay of
 * 10 ms. Obeys WG_CPU. */
struct sim *sim_new(uint64_t seed, unsigned int n_nodes);
/* Checks the invariants of the end, and frees everything. */
void sim_end(struct sim *s);
/* An invariant does not hold: prints seed, time and replay command, then calls sim_on_fail. */
void sim_fail(struct sim *s, const char *fmt, ...) printf_like(2, 3);
extern void (*sim_on_fail)(void);
extern const char *sim_story; /* for the replay command */
#define OK(s, what)                                                                                \
	do {                                                                                       \
		if (!(what))                                                                       \
			sim_fail(s, "%s:%d: not true: %s", __FILE__, __LINE__, #what);             \
	} while (0)

struct link *sim_link(struct sim *s, unsigned int from, unsigned int to);
/* Sets both directions of every link. */
void sim_links(struct sim *s, const struct link *like);
void sim_cut(struct sim *s, unsigned int a, unsigned int b, bool cut); /* both directions */

/* a gets the peer b, with its /32 and /128 as allowed IPs, its endpoint, and no psk; sim_pair: and vice
 * versa. */
void sim_peer(struct sim *s, unsigned int a, unsigned int b);
void sim_pair(struct sim *s, unsigned int a, unsigned int b);
void sim_peer_remove(struct sim *s, unsigned int a, unsigned int b);
void sim_psk(struct sim *s, unsigned int a, unsigned int b, const struct wg_psk *psk);
void sim_keepalive(struct sim *s, unsigned int a, unsigned int b, uint16_t seconds);
void sim_endpoint(struct sim *s, unsigned int a, unsigned int b, const struct ip_endpoint *e);
void sim_route(struct sim *s, unsigned int a, unsigned int b, const struct ip_prefix *prefix);
struct peer_state {
	struct ip_endpoint endpoint; /* family IP_NONE: none */
	uint64_t handshake_s, rx_bytes, tx_bytes;
	uint32_t handshake_ns;
};
void sim_state(struct sim *s, unsigned int a, unsigned int b, struct peer_state *out);
uint64_t sim_drops(struct sim *s, unsigned int a, enum wgproto_drop why);

void sim_up(struct sim *s, unsigned int a, bool up);
void sim_off(struct sim *s, unsigned int a);  /* frees the tunnel */
void sim_boot(struct sim *s, unsigned int a); /* creates it again from the configuration */
void sim_reboot(struct sim *s, unsigned int a);
void sim_new_key(struct sim *s, unsigned int a);		   /* a draws a new private key */
void sim_update_key(struct sim *s, unsigned int a, unsigned int b); /* a's peer b gets b's new key */
void sim_puppet(struct sim *s, unsigned int a); /* frees the tunnel: the story writes its messages */
void sim_mtu(struct sim *s, unsigned int a, uint32_t mtu);

/* ---- addresses ---- */

struct ip_addr sim_inner(unsigned int node, bool v6);
/* Site 0 is where a node is at the beginning. */
struct ip_endpoint sim_outer(unsigned int node, unsigned int site, bool v6);
/* Moves the sockets to another site; if its number is odd, the port changes, too. */
void sim_move(struct sim *s, unsigned int a, unsigned int site);
void sim_nat(struct sim *s, unsigned int a, uint64_t timeout_ns);
void sim_nat_rebind(struct sim *s, unsigned int a);
/* The endpoint of `a` as `b` sees it: the public one if `a` is behind a NAT. */
struct ip_endpoint sim_public_endpoint(struct sim *s, unsigned int a, unsigned int b);

/* ---- time and traffic ---- */

void sim_run(struct sim *s, uint64_t duration_ns);
static inline void sim_run_s(struct sim *s, uint64_t seconds)
{
	sim_run(s, seconds * NS_PER_S);
}

/* Puts a packet of random size from a to b into the TUN of a. Returns its serial. */
uint64_t sim_push(struct sim *s, unsigned int a, unsigned int b);
uint64_t sim_push_with(struct sim *s, unsigned int a, const struct ledger_entry *e);
void sim_push_batch(struct sim *s, unsigned int a, const struct ledger_entry *e, size_t n);
/* Bytes that are not in the ledger: they must not be delivered anywhere. */
void sim_push_raw(struct sim *s, unsigned int a, const uint8_t *p, size_t n, struct wgproto_packet *seen);

/* The adversary sends these bytes to dst with a source address of its choice. msg: the message that they
 * were copied from; null: none. */
void sim_inject(struct sim *s, const struct ip_endpoint *src, const struct ip_endpoint *dst,
		const uint8_t *p, size_t n, struct message *msg, bool altered);
/* The newest message of this type in `recent`; null: none. */
struct message *sim_recent(struct sim *s, unsigned int from, uint8_t type);
/* The one with these bytes. */
struct message *sim_recent_like(struct sim *s, const uint8_t *p, size_t n);

/* Counts observations in [since, until). type 0: any. */
size_t sim_count(const struct sim *s, unsigned int from, uint8_t type, uint64_t since,
		 uint64_t until);
/* The nth observation (from 0) at or after `since`; null: none. */
const struct observation *sim_nth(const struct sim *s, unsigned int from, uint8_t type, uint64_t since,
				  size_t nth);

/* ---- between the simulator's own files ---- */

/* wire.c */
/* Along this path; of instances only, `session` of it is not 0. */
void wire_send(struct sim *s, struct node *n, const struct wgproto_path *path, struct message *m);
void wire_due(struct sim *s); /* handles the first event */
void wire_free(struct sim *s);
struct message *message_new(unsigned int from, const uint8_t *p, size_t n, uint8_t tos);
void message_put(struct message *m);
/* The node that a datagram reaches, and its destination address after NAT. Null: none. */
struct node *node_at(struct sim *s, const struct ip_endpoint *dst, const struct ip_endpoint *src,
		     struct ip_endpoint *translated);

/* sim.c */
void sim_wall(const struct sim *s, const struct node *n, uint64_t *unix_s, uint32_t *ns);

/* The types of the library, and those of the simulator. */
struct wgproto_endpoint endpoint_to_lib(const struct ip_endpoint *e);
struct ip_endpoint endpoint_from_lib(const struct wgproto_endpoint *e);
/* A path to there, from any address. */
struct wgproto_path path_to(const struct ip_endpoint *remote);

/* host.c: the program around an instance, as the daemon would be */
void host_boot(struct sim *s, struct node *n);
void host_off(struct sim *s, struct node *n);
void host_enter(struct node *n);
void host_leave(struct node *n);
/* The datagram arrives with these addresses, which a NAT may have translated. */
void host_receive(struct sim *s, struct node *n, const struct datagram *d,
		  const struct ip_endpoint *src, const struct ip_endpoint *dst);
/* Puts packets into the TUN as one batch. seen: where to copy the buffers afterwards, or null. */
void host_push(struct sim *s, struct node *n, const uint8_t *const *packets, const size_t *sizes,
	       size_t count, struct wgproto_packet *seen);
void host_tick(struct sim *s, struct node *n);
void host_drain(struct sim *s, struct node *n);
uint64_t host_deadline(struct node *n); /* on the clock of the simulator */
uint64_t host_now(const struct node *n);
/* A function of the library must have returned this; reports what is broken otherwise. */
void host_must(const struct node *n, enum wgproto_result result);
/* Sets the private key. */
void host_set_key(struct node *n, const struct wg_private *key);
void host_apply_peer(struct sim *s, struct node *n, unsigned int peer);

#endif
