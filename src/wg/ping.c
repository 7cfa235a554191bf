/* `wg ping`: sends through the tunnel to one peer, which starts a handshake if there is no session, and determines from the
 * device's counters whether the peer answers, even if nothing inside the tunnel does. A peer that receives data and has
 * none to send answers with a keepalive within ten seconds (WireGuard paper, section 6.5). */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "access.h"
#include "peer_names.h"
#include "ping_address.h"
#include "ping_socket.h"
#include "program.h"
#include "report/report.h"

enum { PROBES_DEFAULT = 4, PROBES_MAX = 1000000, PROBE_MS = 1000, TUNNEL_ANSWER_MS = 12000 };

struct ping {
	struct program *program;
	const char *interface;
	struct wg_device device; /* at the last look */
	uint32_t peer;
	struct ip_addr address;
	struct ping_socket socket;
	struct timespec sent_at;  /* real time of the last probe */
	struct wg_peer before;    /* counters before the last probe; owns nothing */
	uint64_t tx_bytes;        /* before the first probe */
	unsigned int sent, replies;
	int send_error;           /* -errno of the last probe that was not sent, or 0 */
	bool peer_answered;       /* a handshake, or authenticated packets */
	double min_ms, max_ms, sum_ms;
};

/* ---- arguments ---- */

static int usage(const struct program *p, const char *word)
{
	report_verbatim("Usage: %s %s <interface> <peer> [-c <count>] [-a <address>]", p->name, word);
	return 1;
}

struct arguments {
	const char *interface, *peer, *address;
	unsigned int count;
};

static bool parse_count(unsigned int *out, const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	if (*end != '\0' || end == word || word[0] == '-' || n < 1 || n > PROBES_MAX) {
		report_error("-c: expected a number from 1 to %d, found `%s'", PROBES_MAX, word);
		return false;
	}
	*out = (unsigned int)n;
	return true;
}

/* False after reporting, or for the usage message. */
static bool parse_arguments(struct arguments *a, int argc, char *const argv[], bool *misused)
{
	*a = (struct arguments){ .count = PROBES_DEFAULT };
	*misused = true;
	for (int i = 1; i < argc; i++) {
		bool is_count = strcmp(argv[i], "-c") == 0, is_address = strcmp(argv[i], "-a") == 0;
		if ((is_count || is_address) && i + 1 == argc)
			return false;
		if (is_count && !parse_count(&a->count, argv[++i])) {
			*misused = false;
			return false;
		}
		if (is_address)
			a->address = argv[++i];
		if (is_count || is_address)
			continue;
		if (argv[i][0] == '-' || a->peer)
			return false;
		*(a->interface ? &a->peer : &a->interface) = argv[i];
	}
	return a->peer;
}

/* ---- the device ---- */

static bool read_device(struct ping *g)
{
	int r = ipc_get(&g->program->ipc, &g->device, g->interface);

	if (r < 0)
		report_no_access_to(&g->program->ipc, g->interface, r);
	if (r < 0 && g->interface[0] == '@')
		report_help("the name of a peer follows the interface");
	return r == 0;
}

static bool find_key(struct ping *g, const struct wg_public *key)
{
	for (g->peer = 0; g->peer < g->device.n_peers; g->peer++)
		if (memcmp(&g->device.peers[g->peer].public_key, key, sizeof *key) == 0)
			return true;
	return false;
}

/* Reads the device again. */
static bool look(struct ping *g)
{
	struct wg_public key = g->device.peers[g->peer].public_key;

	device_free(&g->device);
	if (!read_device(g))
		return false;
	if (find_key(g, &key))
		return true;
	report_error("the peer was removed");
	return false;
}

static const struct wg_peer *peer_of(const struct ping *g)
{
	return &g->device.peers[g->peer];
}

static bool find_peer(struct ping *g, const char *word)
{
	struct peer_names names = { 0 };
	struct wg_public key;
	bool ok;

	if (word[0] == '@')
		peer_names_read(&names, &g->device);
	ok = names_resolve(&key, &names, word);
	names_free(&names);
	if (ok && !find_key(g, &key)) {
		report_error("the interface has no peer %s", word);
		return false;
	}
	return ok;
}

static bool find_address(struct ping *g, const char *word)
{
	struct own_addresses own;
	bool ok;

	if (word) {
		if (!ip_parse(&g->address, span_of(word)))
			report_error("-a: expected an IP address, found `%s'", word);
		else if (!ping_address_is_of(&g->device, g->peer, &g->address))
			report_error("%s is not routed to this peer: it is not in its allowed IPs", word);
		else
			return true;
		return false;
	}
	ok = own_addresses_of(&own, g->interface) && ping_address_choose(&g->address, &g->device, g->peer, &own);
	free(own.list);
	if (!ok) {
		report_error("no address is known inside the tunnel of this peer");
		report_help("-a ADDRESS names one that is in its allowed IPs");
	}
	return ok;
}

/* ---- probes ---- */

static void print_ms(struct text *t, double ms)
{
	unsigned int hundredths = (unsigned int)(ms * 100 + 0.5);

	text_f(t, "%u.%u%u", hundredths / 100, hundredths / 10 % 10, hundredths % 10);
}

/* Milliseconds between the last probe and the latest handshake; negative: the handshake was earlier. */
static double handshake_delay_ms(const struct ping *g)
{
	const struct wg_peer *p = peer_of(g);

	return ((double)p->handshake_s - (double)g->sent_at.tv_sec) * 1e3 +
	       ((double)p->handshake_ns - (double)g->sent_at.tv_nsec) / 1e6;
}

static bool has_new_handshake(const struct ping *g)
{
	const struct wg_peer *p = peer_of(g), *b = &g->before;

	return p->handshake_s != b->handshake_s || p->handshake_ns != b->handshake_ns;
}

static void note_answers(struct ping *g)
{
	double delay = handshake_delay_ms(g);

	/* The clock may have been set since, and a daemon may report any time. */
	if (has_new_handshake(g) && delay >= 0 && delay <= (double)TUNNEL_ANSWER_MS) {
		text_add(&g->program->out, "handshake: time=");
		print_ms(&g->program->out, delay);
		text_add(&g->program->out, " ms\n");
	}
	if (has_new_handshake(g) || peer_of(g)->rx_bytes > g->before.rx_bytes)
		g->peer_answered = true;
	g->before.handshake_s = peer_of(g)->handshake_s;
	g->before.handshake_ns = peer_of(g)->handshake_ns;
	g->before.rx_bytes = peer_of(g)->rx_bytes;
}

static void print_reply(struct ping *g, double ms)
{
	struct text *t = &g->program->out;

	text_f(t, "seq=%u ", g->sent);
	ip_print(t, &g->address);
	text_add(t, ": time=");
	print_ms(t, ms);
	text_add(t, " ms\n");
	g->min_ms = g->replies == 0 || ms < g->min_ms ? ms : g->min_ms;
	g->max_ms = ms > g->max_ms ? ms : g->max_ms;
	g->sum_ms += ms;
	g->replies++;
}

/* False: the device can no longer be read (reported). */
static bool probe(struct ping *g, bool last)
{
	double begin, end;
	bool reply = false;

	clock_gettime(CLOCK_REALTIME, &g->sent_at);
	begin = ping_now_ms();
	g->send_error = ping_socket_send(&g->socket, (uint16_t)++g->sent);
	if (g->send_error == 0)
		reply = ping_socket_wait(&g->socket, (uint16_t)g->sent, begin + (double)PROBE_MS);
	end = ping_now_ms();
	if (!look(g))
		return false;
	note_answers(g);
	if (reply)
		print_reply(g, end - begin);
	else if (g->send_error == 0 && !ping_is_interrupted())
		text_f(&g->program->out, "seq=%u no reply\n", g->sent);
	program_flush(g->program);
	if (!last && g->send_error == 0)
		ping_sleep_until(begin + (double)PROBE_MS);
	return true;
}

static bool has_endpoint(const struct ping *g)
{
	return peer_of(g)->flags & WG_PEER_HAS_ENDPOINT;
}

static int route_to_endpoint(const struct ping *g)
{
	return ping_route_to(&peer_of(g)->endpoint, g->device.fwmark);
}

/* Without replies, the peer's keepalive or the handshake may still come. */
static bool wait_for_peer(struct ping *g, double begin)
{
	bool may_answer = g->send_error == 0 && has_endpoint(g) && route_to_endpoint(g) == 0;

	while (may_answer && !g->peer_answered && !ping_is_interrupted() && ping_now_ms() < begin + (double)TUNNEL_ANSWER_MS) {
		ping_sleep_until(ping_now_ms() + (double)PROBE_MS / 4);
		if (!look(g))
			return false;
		note_answers(g);
	}
	return true;
}

/* ---- the result ---- */

static void print_summary(struct ping *g)
{
	struct text *t = &g->program->out;

	text_f(t, "%u sent, %u %s", g->sent, g->replies, g->replies == 1 ? "reply" : "replies");
	if (g->replies > 0) {
		text_add(t, ", min/avg/max = ");
		print_ms(t, g->min_ms);
		text_char(t, '/');
		print_ms(t, g->sum_ms / g->replies);
		text_char(t, '/');
		print_ms(t, g->max_ms);
		text_add(t, " ms");
	}
	text_char(t, '\n');
}

static void report_unsent(struct ping *g)
{
	const struct ip_endpoint *e = &peer_of(g)->endpoint;
	char text[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(text, sizeof text);
	int route;

	if (!has_endpoint(g)) {
		report_error("no route: the peer has no endpoint, and has not sent anything");
		report_help("the peer must connect first, or needs an Endpoint");
		return;
	}
	endpoint_print(&t, e, &ipc_scopes);
	route = route_to_endpoint(g);
	if (route < 0) {
		report_error("no route to the endpoint %s: %s", text, strerror(-route));
	} else if (g->send_error < 0) {
		report_error("no route: %s", strerror(-g->send_error));
		report_help("the interface may be down or have no address of this family, or the local firewall refuses");
	} else {
		report_error("no route: nothing was sent to the endpoint %s", text);
		report_help("the local firewall or routing may drop what enters the tunnel, or the encrypted packets");
	}
}

static int verdict(struct ping *g)
{
	bool was_sent = g->send_error == 0 && peer_of(g)->tx_bytes > g->tx_bytes;

	if (g->replies > 0)
		return 0;
	if (g->peer_answered) {
		report_warning("the peer answered, but nothing inside the tunnel did: the far end filters or does not have this address");
		return 0;
	}
	if (!was_sent) {
		report_unsent(g);
	} else if (!ping_is_interrupted()) { /* else it may have been too early */
		report_error("no answer: the peer answered neither handshakes nor data");
		report_help("its endpoint or port may be wrong, it may not know this public key, or a firewall drops UDP");
	}
	return 1;
}

static int run(struct ping *g, unsigned int count)
{
	double begin = ping_now_ms();

	g->before = (struct wg_peer){ .handshake_s = peer_of(g)->handshake_s, .handshake_ns = peer_of(g)->handshake_ns,
				      .rx_bytes = peer_of(g)->rx_bytes };
	g->tx_bytes = peer_of(g)->tx_bytes;
	ping_handle_interrupt();
	for (unsigned int i = 1; i <= count && g->send_error == 0 && !ping_is_interrupted(); i++)
		if (!probe(g, i == count))
			return 1;
	if (g->replies == 0 && !wait_for_peer(g, begin))
		return 1;
	print_summary(g);
	program_flush(g->program);
	return verdict(g);
}

static void print_header(struct ping *g, const char *peer)
{
	struct text *t = &g->program->out;

	text_f(t, "PING %s through %s, endpoint ", peer, g->interface);
	if (has_endpoint(g))
		endpoint_print(t, &peer_of(g)->endpoint, &ipc_scopes);
	else
		text_add(t, "(none)");
	text_add(t, ", inner address ");
	ip_print(t, &g->address);
	text_char(t, '\n');
	program_flush(g->program);
}

static bool open_socket(struct ping *g)
{
	int r = ping_socket_open(&g->socket, g->interface, g->device.ifindex, &g->address);

	if (r < 0)
		report_error("cannot send through the interface: %s", strerror(-r));
	if (r == -EPERM || r == -EACCES)
		report_help("run it as root, or with CAP_NET_RAW");
	return r == 0;
}

int cmd_ping(struct program *p, int argc, char *const argv[])
{
	struct ping g = { .program = p, .socket.fd = -1 };
	struct arguments a;
	bool misused;
	int code = 1;

	if (!parse_arguments(&a, argc, argv, &misused))
		return misused ? usage(p, argv[0]) : 1;
	report_set_interface(a.interface);
	g.interface = a.interface;
	if (read_device(&g) && find_peer(&g, a.peer) && find_address(&g, a.address) && open_socket(&g)) {
		print_header(&g, a.peer);
		code = run(&g, a.count);
	}
	ping_socket_close(&g.socket);
	device_free(&g.device);
	return code;
}
