/* The statistics. To add a metric, add a family here and describe it in wireguardd(8). */
#include "statistics.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <unistd.h>
#include "base/version.h"
#include "binding.h"
#include "daemon/io/offload_disable.h"
#include "daemon/process/clock.h"
#include "daemon/process/sandbox.h"
#include "interface.h"
#include "openmetrics.h"

enum { TUN_USO = 0x20 }; /* TUN_F_USO4, Linux 6.2 */

#define LABELS(...) (const struct metric_label[METRIC_LABELS_MAX]){ __VA_ARGS__ }

/* ---- losses and events of the protocol ---- */

static const char *scope_name(enum wg_scope scope)
{
	switch (scope) {
	case WG_SCOPE_NONE: break;
	case WG_SCOPE_SEND: return "send";
	case WG_SCOPE_RECEIVE: return "receive";
	case WG_SCOPE_HANDSHAKE: return "handshake";
	}
	unreachable();
}

static void print_drops(struct metrics *m, const struct control *c)
{
	uint64_t counts[WG_DROP_COUNT];

	tunnel_drops(c->tunnel, counts);
	metrics_family(m, METRIC_COUNTER, "dropped_packets", NULL, "Packets that were lost, by reason.");
	for (enum wg_drop i = WG_DROP_NONE + 1; i < WG_DROP_COUNT; i++)
		metrics_value(m, LABELS({ "scope", scope_name(wg_drop_scope(i)) }, { "reason", wg_drop_name(i) }),
			      counts[i]);
}

static void print_events(struct metrics *m, const struct control *c)
{
	static const struct { enum wg_event event; const char *direction, *type; } messages[] = {
		{ WG_EVENT_INITIATION_SENT, "sent", "initiation" },
		{ WG_EVENT_RESPONSE_SENT, "sent", "response" },
		{ WG_EVENT_COOKIE_SENT, "sent", "cookie_reply" },
		{ WG_EVENT_INITIATION_RECEIVED, "received", "initiation" },
		{ WG_EVENT_RESPONSE_RECEIVED, "received", "response" },
		{ WG_EVENT_COOKIE_RECEIVED, "received", "cookie_reply" },
	};
	uint64_t counts[WG_EVENT_COUNT];

	tunnel_events(c->tunnel, counts);
	metrics_family(m, METRIC_COUNTER, "handshake_messages", NULL,
		       "Handshake messages to send, and received ones that were accepted.");
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		metrics_value(m, LABELS({ "direction", messages[i].direction }, { "type", messages[i].type }),
			      counts[messages[i].event]);
	metrics_family(m, METRIC_COUNTER, "handshakes", NULL,
		       "Completed handshakes, by initiator, and handshakes without an answer for 90 seconds.");
	metrics_value(m, LABELS({ "outcome", "initiated" }), counts[WG_EVENT_RESPONSE_RECEIVED]);
	metrics_value(m, LABELS({ "outcome", "answered" }), counts[WG_EVENT_CONFIRMED]);
	metrics_value(m, LABELS({ "outcome", "gave_up" }), counts[WG_EVENT_GAVE_UP]);
	metrics_family(m, METRIC_COUNTER, "keepalives", NULL, "Keepalive messages.");
	metrics_value(m, LABELS({ "direction", "sent" }), counts[WG_EVENT_KEEPALIVE_SENT]);
	metrics_value(m, LABELS({ "direction", "received" }), counts[WG_EVENT_KEEPALIVE_RECEIVED]);
}

/* ---- threads ---- */

enum { CONTROL = -1 }; /* the index of the control thread */

struct thread_name {
	char text[12];
};

static struct thread_name thread_name(int i)
{
	struct thread_name name;
	struct text t = text_fixed(name.text, sizeof name.text);

	if (i == CONTROL)
		text_add(&t, "control");
	else
		text_u64(&t, (uint64_t)i);
	return name;
}

static const struct worker_counters *counters_of(const struct control *c, int i)
{
	return i == CONTROL ? &c->worker->counters : &c->threads.threads[i].worker->counters;
}

/* A family with a sample for each thread of one counter, or of two with another label. */
static void print_counters(struct metrics *m, const struct control *c, const char *name, const char *help,
			   size_t first, size_t second, const char *first_source)
{
	metrics_family(m, METRIC_COUNTER, name, NULL, help);
	for (int i = CONTROL; i < (int)c->threads.n; i++) {
		const uint8_t *counters = (const uint8_t *)counters_of(c, i);
		struct thread_name thread = thread_name(i);
		struct metric_label source = { first_source ? "source" : NULL, first_source };
		metrics_value(m, LABELS({ "thread", thread.text }, source),
			      counter_read((const _Atomic uint64_t *)(const void *)(counters + first)));
		if (first_source)
			metrics_value(m, LABELS({ "thread", thread.text }, { "source", "udp" }),
				      counter_read((const _Atomic uint64_t *)(const void *)(counters + second)));
	}
}

#define AT(field) offsetof(struct worker_counters, field)

static void print_threads(struct metrics *m, const struct control *c)
{
	print_counters(m, c, "thread_batches", "Batches of packets that the thread processed.", AT(tun_batches),
		       AT(udp_batches), "tun");
	print_counters(m, c, "thread_packets", "Packets from the TUN device, and datagrams from UDP.", AT(tun_packets),
		       AT(udp_datagrams), "tun");
	print_counters(m, c, "sent_datagrams", "Datagrams that the kernel accepted.", AT(sent_datagrams), 0, NULL);
	print_counters(m, c, "written_packets", "Packets that the TUN device accepted.", AT(written_packets), 0, NULL);
	print_counters(m, c, "thread_multiplications", "X25519 multiplications that the thread computed for the control thread.",
		       AT(multiplications), 0, NULL);
	metrics_family(m, METRIC_COUNTER, "thread_cpu_seconds", "seconds",
		       "CPU time of the thread; its increase per second is the utilisation.");
	for (int i = CONTROL; i < (int)c->threads.n; i++) {
		struct thread_name thread = thread_name(i);
		metrics_seconds(m, LABELS({ "thread", thread.text }),
				i == CONTROL ? clock_thread_ns() : threads_cpu_ns(&c->threads, (unsigned int)i));
	}
}

/* ---- sources of the threads ---- */

/* Of the sockets that are open. */
static void print_sources(struct metrics *m, const struct control *c)
{
	bool any = false;

	for (unsigned int i = THREADS_UDP_V4; c->threads.n > 0 && i < THREADS_TUN; i++) {
		struct thread_name number = thread_name((int)(i / 2));
		if (c->threads.sources[i].fd < 0)
			continue;
		if (!any)
			metrics_family(m, METRIC_COUNTER, "socket_datagrams", NULL,
				       "Datagrams that data threads received from a UDP socket for data.");
		any = true;
		metrics_value(m, LABELS({ "family", i % 2 == UDP_V6 ? "ipv6" : "ipv4" }, { "socket", number.text }),
			      counter_read(&c->threads.sources[i].n_received));
	}
	metrics_family(m, METRIC_GAUGE, "queue_by_peer", NULL,
		       "Whether the queue of the TUN device that a packet is written to depends on its peer, or on its flow.");
	metrics_value(m, NULL, atomic_load(&c->threads.shared.by_shard));
}

/* ---- load ---- */

static void print_gauge(struct metrics *m, const char *name, const char *unit, const char *help, uint64_t value)
{
	metrics_family(m, METRIC_GAUGE, name, unit, help);
	metrics_value(m, NULL, value);
}

static void print_load(struct metrics *m, struct control *c)
{
	struct wg_load load;
	bool mail = c->threads.n > 0;

	tunnel_load(c->tunnel, &load);
	print_gauge(m, "up", NULL, "Whether the interface is up and the UDP sockets are open.", c->up);
	print_gauge(m, "peers", NULL, "Peers.", load.peers);
	print_gauge(m, "receiver_indices", NULL, "Sessions, and handshakes that wait for a response.",
		    load.receiver_indices);
	print_gauge(m, "peer_timers", NULL, "Peers with a running timer.", load.timers);
	print_gauge(m, "staged_bytes", "bytes", "Packets that wait for a session.", load.staged_bytes);
	print_gauge(m, "flow_queue_packets", NULL, "Packets from the TUN device that wait while there is a backlog.",
		    tun_queue_waiting(c->queue));
	print_gauge(m, "under_load", NULL, "Whether handshake messages need a cookie.",
		    clock_boot_ns() < c->worker->under_load_until_ns);
	print_gauge(m, "handshake_queue_messages", NULL, "Received handshake messages that wait.",
		    handshake_queue_n(&c->worker->handshakes));
	print_gauge(m, "outbox_messages", NULL, "Handshake messages that wait to be sent.", load.outbox);
	metrics_family(m, METRIC_GAUGE, "control_queue_bytes", "bytes", "Bytes that wait for the control thread.");
	metrics_value(m, LABELS({ "source", "tun" }), mail ? mailbox_waiting(&c->threads.shared.tun_mail) : 0);
	metrics_value(m, LABELS({ "source", "udp" }), mail ? mailbox_waiting(&c->threads.shared.udp_mail) : 0);
}

/* ---- what is in use ---- */

static void print_crypto(struct metrics *m)
{
	static const char *const primitives[] = { "aead", "x25519", "x25519-batch", "blake2s", "blake2s-lanes",
						  "chacha20", "xchacha20", "poly1305" };

	metrics_family(m, METRIC_INFO, "crypto", NULL, "Implementations of the cryptographic primitives in use.");
	for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
		metrics_value(m, LABELS({ "primitive", primitives[i] },
					{ "implementation", tunnel_crypto_impl(primitives[i]) }), 1);
}

static void print_offload(struct metrics *m, const struct control *c, const char *name, bool is_active,
			  unsigned int disable, bool needs_sockets)
{
	struct metric_label reason = { is_active ? NULL : "reason", "not supported by the kernel" };

	if (c->disabled_offloads & disable)
		reason.value = "disabled by WG_NO_OFFLOAD";
	else if (needs_sockets && !c->up)
		reason.value = "the interface is down";
	metrics_value(m, LABELS({ "offload", name }, reason), is_active);
}

static void print_offloads(struct metrics *m, const struct control *c)
{
	const struct udp_socket *all = c->udp.sockets, *s = all[UDP_V4].fd >= 0 ? &all[UDP_V4] : &all[UDP_V6];
	bool separate = all[UDP_V4_REPLIES].fd >= 0 || all[UDP_V6_REPLIES].fd >= 0, up = s->fd >= 0;

	metrics_family(m, METRIC_GAUGE, "offload", NULL, "Whether an offload is in use, and if not, why.");
	print_offload(m, c, "vnet", c->tun.ops && strcmp(c->tun.ops->name, "vnet") == 0, OFFLOAD_NO_VNET, false);
	print_offload(m, c, "tso", c->tun.offloads & TUN_F_TSO4, OFFLOAD_NO_VNET | OFFLOAD_NO_TSO, false);
	print_offload(m, c, "uso", c->tun.offloads & TUN_USO, OFFLOAD_NO_VNET | OFFLOAD_NO_TSO | OFFLOAD_NO_USO, false);
	print_offload(m, c, "tunnel", c->tun.header_n == sizeof(struct vnet_header),
		      OFFLOAD_NO_VNET | OFFLOAD_NO_TSO | OFFLOAD_NO_USO | OFFLOAD_NO_TUNNEL, false);
	print_offload(m, c, "join", c->tun.join != 0, OFFLOAD_NO_VNET | OFFLOAD_NO_JOIN, false);
	print_offload(m, c, "segment", up && s->gso, OFFLOAD_NO_SEGMENT, true);
	print_offload(m, c, "gro", up && s->gro, OFFLOAD_NO_GRO, true);
	print_offload(m, c, "mmsg", up && s->ops == &udp_mmsg_ops, OFFLOAD_NO_MMSG, true);
	print_offload(m, c, "split", separate, OFFLOAD_NO_SPLIT, true);
	print_offload(m, c, "queues", c->tun.n_more > 0, OFFLOAD_NO_QUEUES, false);
}

/* Of addresses that are missing in the binding, there is no label. */
static void print_binding(struct metrics *m, struct control *c)
{
	const struct wg_binding *b = &c->binding;
	char source[2][IP_TEXT_MAX] = { "", "" };
	const char *problem;

	if (binding_is_empty(b))
		return;
	for (int v6 = 0; v6 < 2; v6++) {
		struct text t = text_fixed(source[v6], sizeof source[v6]);
		if (b->source[v6].family != IP_NONE)
			ip_print(&t, &b->source[v6]);
	}
	metrics_family(m, METRIC_INFO, "binding", NULL, "The requested device and source addresses of the UDP sockets.");
	metrics_value(m, LABELS({ b->device[0] ? "device" : NULL, b->device }, { source[0][0] ? "source_ipv4" : NULL, source[0] },
				{ source[1][0] ? "source_ipv6" : NULL, source[1] }), 1);
	problem = control_binding_problem(c);
	metrics_family(m, METRIC_GAUGE, "binding_in_effect", NULL, "Whether the UDP sockets are bound as requested, and if not, why.");
	metrics_value(m, LABELS({ problem ? "reason" : NULL, problem }), !problem);
}

static void print_sandbox(struct metrics *m)
{
	metrics_family(m, METRIC_GAUGE, "sandbox", NULL, "Whether a part of the sandbox is active, and if not, why.");
	for (enum sandbox_part i = 0; i < SANDBOX_PARTS; i++) {
		const struct sandbox_state *s = sandbox_state(i);
		struct metric_label reason = { s->is_active ? NULL : "reason", s->why };
		metrics_value(m, LABELS({ "part", s->name }, reason), s->is_active);
	}
}

/* ---- memory ---- */

void stats_prepare(struct control *c)
{
	c->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC); /* proc_pid_statm(5) */
}

/* Pages of virtual and of resident memory. */
static void print_memory(struct metrics *m, const struct control *c)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), virtual_pages, resident_pages;
	struct span rest, word;
	char text[128];
	ssize_t n = c->statm_fd < 0 ? -1 : pread(c->statm_fd, text, sizeof text, 0);

	if (n <= 0)
		return;
	rest = (struct span){ text, (size_t)n };
	if (!span_next(&word, &rest, ' ') || !span_to_u64(&virtual_pages, word, UINT32_MAX) || !span_next(&word, &rest, ' ') ||
	    !span_to_u64(&resident_pages, word, UINT32_MAX))
		return;
	print_gauge(m, "virtual_memory_bytes", "bytes", "Virtual memory.", virtual_pages * page_bytes);
	print_gauge(m, "resident_memory_bytes", "bytes", "Memory in use.", resident_pages * page_bytes);
}

void stats_print(void *ctx, struct text *out)
{
	struct control *c = ctx;
	struct metrics m = { .out = out, .interface = c->link.now.name };

	interface_count_kernel_drops(c);
	metrics_family(&m, METRIC_INFO, "build", NULL, "The version of the daemon.");
	metrics_value(&m, LABELS({ "version", WGSUITE_VERSION }), 1);
	print_drops(&m, c);
	print_events(&m, c);
	print_threads(&m, c);
	print_sources(&m, c);
	print_load(&m, c);
	print_crypto(&m);
	print_offloads(&m, c);
	print_binding(&m, c);
	print_sandbox(&m);
	print_memory(&m, c);
	metrics_end(&m);
}
