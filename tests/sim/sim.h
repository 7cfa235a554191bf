/* The simulator: tunnels, a clock of integer nanoseconds and a wire that loses, delays, repeats,
 * reorders and alters, all out of one seed. sim_run() jumps to the earliest of the wire's events
 * and the tunnels' deadlines. The rules that must hold whatever happens are checked while it runs
 * (tap.h, ledger.h, memory.h) and by sim_end(); a broken one prints the seed and how to replay it.
 * SIM_TRACE=1 in the environment prints every datagram sent. */
#ifndef SIM_H
#define SIM_H

#include "base/heap.h"
#include "proto/tunnel.h"
#include "rng.h"
#include "ledger.h"
#include "reference.h"

enum {
	NODES_MAX = 64,
	DRAWS_KEPT =
		64, /* random draws of 32 bytes remembered per node: ephemerals are among them */
	RECENT_KEPT = 256, /* datagrams the adversary can replay */
	INBOX_KEPT = 16,
	ROUTES_MAX = 4,
	BATCH_MAX = 16,
};

struct link {
	uint32_t loss, dup, reorder, corrupt, ce; /* in a thousand */
	uint64_t delay_ns, jitter_ns;
	bool cut;
	uint64_t last_at; /* a link without `reorder` keeps the order */
};

/* One emission of a tunnel, and what the wiretap knows about it. */
struct message {
	uint32_t refs;
	unsigned int from;
	int to;	      /* the node whose key it is made for; -1: nobody's */
	uint8_t type; /* 1-4 */
	uint8_t tos;
	bool accepted;	     /* the receiver has already acted upon it: from now on a replay */
	uint32_t generation; /* of the receiver's memory, then */
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
	struct message *msg; /* null: garbage of the adversary */
	struct ip_endpoint src, dst;
	uint8_t tos;
	bool altered;
	int push_into; /* ≥ 0: goes into the TUN of this node, which carries the sender */
	uint32_t n;
	uint8_t bytes[];
};

struct observation { /* what stories look at: every datagram a tunnel sent */
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
	struct wg_tunnel *tunnel; /* null: a puppet, or switched off */
	struct wg_private private_key;
	struct wg_public public_key;
	struct wg_private old_keys[4]; /* newest first; tells late messages apart */
	struct wg_public old_publics[4];
	unsigned int n_old;
	bool up, under_load, forward, ever_loaded;
	uint32_t mtu;
	struct ip_endpoint v4, v6; /* where its sockets are */
	struct nat *nat;
	int carrier; /* the node whose tunnel carries this one's datagrams; -1: the wire does */
	uint64_t boot_ns; /* its monotonic clock when the world began */
	int64_t wall_offset_ns;
	uint64_t slack_ns; /* its timers come up to this late */
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
	} inbox[INBOX_KEPT]; /* puppets' */
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
	uint64_t same_instant; /* calls since the clock moved: a busy loop shows here */
	uint8_t *drain_buffer;
	struct ledger ledger;
	struct tap *tap;
	bool memory_failed; /* allocations did, until then */
	uint64_t memory_failed_at;
	const struct datagram *cause; /* being processed by `cause_node` */
	unsigned int cause_node;
	bool cause_was_accepted;
};

/* ---- worlds ---- */

/* n nodes with keys, addresses, tunnels without peers, up, on links of 10 ms. WG_CPU is obeyed. */
struct sim *sim_new(uint64_t seed, unsigned int n_nodes);
/* Checks what must hold at the end, frees everything. */
void sim_end(struct sim *s);
/* A broken rule: prints seed, time, replay line; then sim_on_fail. */
void sim_fail(struct sim *s, const char *fmt, ...) printf_like(2, 3);
extern void (*sim_on_fail)(void);
extern const char *sim_story; /* printed in the replay line */
#define OK(s, what)                                                                                \
	do {                                                                                       \
		if (!(what))                                                                       \
			sim_fail(s, "%s:%d: not true: %s", __FILE__, __LINE__, #what);             \
	} while (0)

struct link *sim_link(struct sim *s, unsigned int from, unsigned int to);
/* Both directions of every link like this. */
void sim_links(struct sim *s, const struct link *like);
void sim_cut(struct sim *s, unsigned int a, unsigned int b, bool cut); /* both directions */

/* Peers with the /32 and /128 of the other as allowed IPs, the other's endpoint, no psk. */
void sim_peer(struct sim *s, unsigned int a, unsigned int b);
void sim_pair(struct sim *s, unsigned int a, unsigned int b);
void sim_peer_remove(struct sim *s, unsigned int a, unsigned int b);
struct wg_tunnel_peer *sim_peer_of(struct sim *s, unsigned int a, unsigned int b);
void sim_psk(struct sim *s, unsigned int a, unsigned int b, const struct wg_psk *psk);
void sim_keepalive(struct sim *s, unsigned int a, unsigned int b, uint16_t seconds);
void sim_endpoint(struct sim *s, unsigned int a, unsigned int b, const struct ip_endpoint *e);
void sim_route(struct sim *s, unsigned int a, unsigned int b, const struct ip_prefix *prefix);
void sim_state(struct sim *s, unsigned int a, unsigned int b, struct wg_peer_state *out);
uint64_t sim_drops(struct sim *s, unsigned int a, enum wg_drop why);

void sim_up(struct sim *s, unsigned int a, bool up);
void sim_off(struct sim *s, unsigned int a);  /* the tunnel object is freed */
void sim_boot(struct sim *s, unsigned int a); /* and made again from the configuration */
void sim_reboot(struct sim *s, unsigned int a);
void sim_new_key(struct sim *s, unsigned int a);		   /* a draws a new private key */
void sim_update_key(struct sim *s, unsigned int a, unsigned int b); /* a's peer b gets b's new key */
void sim_puppet(struct sim *s, unsigned int a); /* no tunnel: the story speaks for it */
void sim_mtu(struct sim *s, unsigned int a, uint32_t mtu);

/* ---- addresses ---- */

struct ip_addr sim_inner(unsigned int node, bool v6);
struct ip_endpoint sim_outer(unsigned int node, unsigned int place,
			     bool v6); /* 0: where it begins */
/* Sockets move to another place; the port changes too when place is odd. */
void sim_move(struct sim *s, unsigned int a, unsigned int place);
void sim_nat(struct sim *s, unsigned int a, uint64_t timeout_ns);
void sim_nat_rebind(struct sim *s, unsigned int a);
/* The address others see, if a NAT has one for `a` towards `b`. */
struct ip_endpoint sim_seen(struct sim *s, unsigned int a, unsigned int b);

/* ---- time and traffic ---- */

void sim_run(struct sim *s, uint64_t duration_ns);
static inline void sim_run_s(struct sim *s, uint64_t seconds)
{
	sim_run(s, seconds * NS_PER_S);
}

/* One packet of `size` bytes (0: any) from a's address to b's into a's TUN. Its serial. */
uint64_t sim_push(struct sim *s, unsigned int a, unsigned int b);
uint64_t sim_push_with(struct sim *s, unsigned int a, const struct ledger_entry *e);
void sim_push_batch(struct sim *s, unsigned int a, const struct ledger_entry *e, size_t n);
/* Anything, for packets the ledger does not know: they must not come out anywhere. */
void sim_push_raw(struct sim *s, unsigned int a, const uint8_t *p, size_t n, struct wg_buf *seen);

/* The adversary's: bytes that appear at dst with that source. `msg` may be null. */
void sim_inject(struct sim *s, const struct ip_endpoint *src, const struct ip_endpoint *dst,
		const uint8_t *p, size_t n, struct message *msg, bool altered);
/* The newest message of this kind still in `recent`; null when there is none. */
struct message *sim_recent(struct sim *s, unsigned int from, uint8_t type);
/* The one with these bytes. */
struct message *sim_recent_like(struct sim *s, const uint8_t *p, size_t n);

/* Sights of this kind in [since, until). type 0: any. */
size_t sim_count(const struct sim *s, unsigned int from, uint8_t type, uint64_t since,
		 uint64_t until);
/* The nth (from 0) at or after `since`; null when there is none. */
const struct observation *sim_nth(const struct sim *s, unsigned int from, uint8_t type, uint64_t since,
				  size_t nth);

/* ---- between the simulator's own files ---- */

/* wire.c */
void wire_send(struct sim *s, struct node *n, const struct wg_path *path, struct message *m);
void wire_due(struct sim *s); /* delivers the first event */
void wire_free(struct sim *s);
struct message *message_new(unsigned int from, const uint8_t *p, size_t n, uint8_t tos);
void message_put(struct message *m);
/* The node whose sockets these bytes reach, and its own address for it; null: nobody's. */
struct node *node_at(struct sim *s, const struct ip_endpoint *dst, const struct ip_endpoint *src,
		     struct ip_endpoint *translated);

/* sim.c */
void sim_wall(const struct sim *s, const struct node *n, uint64_t *unix_s, uint32_t *ns);

/* host.c: the program around a tunnel */
void host_boot(struct sim *s, struct node *n);
void host_off(struct sim *s, struct node *n);
void host_enter(struct node *n);
void host_leave(struct node *n);
/* The datagram arrives with these addresses, which a NAT may have rewritten. */
void host_receive(struct sim *s, struct node *n, const struct datagram *d,
		  const struct ip_endpoint *src, const struct ip_endpoint *dst);
/* Packets into the TUN, as one batch; the buffers' verdicts to *seen when it is not null. */
void host_push(struct sim *s, struct node *n, const uint8_t *const *packets, const size_t *sizes,
	       size_t count, struct wg_buf *seen);
void host_tick(struct sim *s, struct node *n);
void host_drain(struct sim *s, struct node *n);
uint64_t host_deadline(struct node *n); /* on the simulator's clock */
uint64_t host_now(const struct node *n);
void host_apply_peer(struct sim *s, struct node *n, unsigned int peer);

#endif
