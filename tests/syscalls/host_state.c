/* Reads the state of the host, without running programs as far as possible: it is read thousands of times. */
#include "host_state.h"

#include <dirent.h>
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "netlink_dump.h"

enum { NAMES = 1 << 16 };

struct state {
	struct text *out;
	const char *name;
	char (*names)[IF_NAMESIZE]; /* of links, by the last bits of their index */
};

static void add_hex(struct text *t, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_f(t, "%02x", (unsigned int)((const uint8_t *)p)[i]);
}

static const char *link_name(const struct state *s, const struct rtattr *index)
{
	uint32_t i;

	memcpy(&i, netlink_value(index), sizeof i);
	return s->names[i % NAMES];
}

/* ---- the network ---- */

static void add_link(void *ctx, const struct nlmsghdr *h)
{
	struct state *s = ctx;
	const struct ifinfomsg *m = netlink_body(h);
	const struct rtattr *a = NULL;
	uint32_t mtu = 0;
	char *name = s->names[(unsigned int)m->ifi_index % NAMES];

	while ((a = netlink_attribute(h, sizeof *m, a))) {
		if (a->rta_type == IFLA_IFNAME)
			snprintf(name, IF_NAMESIZE, "%s", (const char *)netlink_value(a));
		if (a->rta_type == IFLA_MTU)
			memcpy(&mtu, netlink_value(a), sizeof mtu);
	}
	text_f(s->out, "link %s up %u mtu %u\n", name, (unsigned int)(m->ifi_flags & IFF_UP), mtu);
}

static void add_address(void *ctx, const struct nlmsghdr *h)
{
	struct state *s = ctx;
	const struct ifaddrmsg *m = netlink_body(h);
	const struct rtattr *a = NULL;

	text_f(s->out, "address %s family %u bits %u scope %u", s->names[m->ifa_index % NAMES],
	       (unsigned int)m->ifa_family, (unsigned int)m->ifa_prefixlen, (unsigned int)m->ifa_scope);
	while ((a = netlink_attribute(h, sizeof *m, a)))
		if (a->rta_type == IFA_ADDRESS || a->rta_type == IFA_LOCAL) {
			text_f(s->out, " %u:", (unsigned int)a->rta_type);
			add_hex(s->out, netlink_value(a), RTA_PAYLOAD(a));
		}
	text_char(s->out, '\n');
}

static void add_route(void *ctx, const struct nlmsghdr *h)
{
	struct state *s = ctx;
	const struct rtmsg *m = netlink_body(h);
	const struct rtattr *a = NULL;

	if (m->rtm_flags & RTM_F_CLONED)
		return;
	text_f(s->out, "route family %u type %u bits %u protocol %u scope %u", (unsigned int)m->rtm_family,
	       (unsigned int)m->rtm_type, (unsigned int)m->rtm_dst_len, (unsigned int)m->rtm_protocol,
	       (unsigned int)m->rtm_scope);
	while ((a = netlink_attribute(h, sizeof *m, a))) {
		if (a->rta_type == RTA_CACHEINFO)
			continue;
		text_f(s->out, " %u:", (unsigned int)a->rta_type);
		if (a->rta_type == RTA_OIF)
			text_add(s->out, link_name(s, a));
		else
			add_hex(s->out, netlink_value(a), RTA_PAYLOAD(a));
	}
	text_char(s->out, '\n');
}

static void add_rule(void *ctx, const struct nlmsghdr *h)
{
	struct state *s = ctx;

	text_add(s->out, "rule ");
	add_hex(s->out, netlink_body(h), h->nlmsg_len - NLMSG_HDRLEN);
	text_char(s->out, '\n');
}

static void add_network(struct state *s)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	netlink_dump(RTM_GETLINK, AF_UNSPEC, add_link, s);
	netlink_dump(RTM_GETADDR, AF_UNSPEC, add_address, s);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		netlink_dump(RTM_GETROUTE, families[i], add_route, s);
		netlink_dump(RTM_GETRULE, families[i], add_rule, s);
	}
}

/* ---- the firewall ---- */

/* Lines of rules are the same in several chains, so each gets the names of its table and chain. */
static void add_ruleset(struct state *s, struct span text)
{
	struct span line, table = SPAN(""), chain = SPAN("");

	while (span_next(&line, &text, '\n')) {
		struct span trimmed = span_trim(line);
		if (trimmed.n == 0)
			continue;
		if (span_starts(line, "table "))
			table = trimmed, chain = SPAN("");
		else if (span_starts(line, "\tchain "))
			chain = trimmed;
		text_f(s->out, "firewall %.*s %.*s %.*s\n", (int)table.n, table.p, (int)chain.n, chain.p, (int)trimmed.n, trimmed.p);
	}
}

static void *symbol(void *library, const char *name)
{
	void *p = dlsym(library, name);

	if (!p)
		errx(1, "%s", dlerror());
	return p;
}

static void add_nft(struct state *s)
{
	static void *library, *nft;
	static void *(*ctx_new)(uint32_t flags);
	static int (*buffer)(void *nft), (*run)(void *nft, const char *commands);
	static const char *(*output)(void *nft);

	if (!library) {
		library = dlopen("libnftables.so.1", RTLD_NOW);
		if (!library)
			errx(1, "%s", dlerror());
		*(void **)&ctx_new = symbol(library, "nft_ctx_new");
		*(void **)&buffer = symbol(library, "nft_ctx_buffer_output");
		*(void **)&run = symbol(library, "nft_run_cmd_from_buffer");
		*(void **)&output = symbol(library, "nft_ctx_get_output_buffer");
		nft = ctx_new(0);
		if (!nft || buffer(nft))
			errx(1, "nft");
		*(void **)&buffer = symbol(library, "nft_ctx_buffer_error");
		if (buffer(nft))
			errx(1, "nft");
	}
	if (run(nft, "list ruleset") == 0)
		add_ruleset(s, span_of(output(nft)));
	else
		text_add(s->out, "firewall: nft failed\n");
}

/* ---- files ---- */

static void add_contents(struct state *s, const char *path)
{
	char piece[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, piece, sizeof piece);
	struct span text = { piece, n > 0 ? (size_t)n : 0 }, line;

	if (fd >= 0)
		close(fd);
	while (text.n > 0 && span_next(&line, &text, '\n'))
		text_f(s->out, "in %s: %.*s\n", path, (int)line.n, line.p);
}

static bool has_contents(const char *path, const struct stat *st)
{
	return S_ISREG(st->st_mode) && (strncmp(path, "/run/wgsuite/", 13) == 0 || strncmp(path, "/etc/resolv.conf", 16) == 0);
}

static bool is_left_out(const struct state *s, const char *path)
{
	char own[PATH_MAX];
	size_t n = strlen(path);

	/* The folder of the sockets stays, and the daemon may end a moment later. */
	if (strncmp(path, "/run/wgsuite/", 13) == 0 && strcmp(path + n - 6, ".stats") == 0)
		return true;
	snprintf(own, sizeof own, "/etc/wireguard/%s.conf", s->name);
	return strcmp(path, own) == 0 || strcmp(path, "/run/wireguard") == 0 || strncmp(path, "/run/mount", 10) == 0;
}

static void add_folder(struct state *s, const char *path);

static void add_file(struct state *s, const char *path)
{
	char target[PATH_MAX] = "";
	struct stat st;

	if (is_left_out(s, path) || lstat(path, &st) < 0)
		return;
	if (S_ISLNK(st.st_mode) && readlink(path, target, sizeof target - 1) < 0)
		return;
	if (strcmp(path, "/run/wgsuite") != 0) /* likewise; its files are listed */
		text_f(s->out, "file %s mode %x owner %u:%u size %u%s%s\n", path, st.st_mode, st.st_uid, st.st_gid,
	       S_ISREG(st.st_mode) ? (unsigned int)st.st_size : 0, target[0] ? " -> " : "", target);
	if (has_contents(path, &st))
		add_contents(s, path);
	/* The other folders of /etc have many files. */
	if (S_ISDIR(st.st_mode) && (strncmp(path, "/etc/", 5) != 0 || strcmp(path, "/etc/wireguard") == 0))
		add_folder(s, path);
}

static void add_folder(struct state *s, const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	char inside[PATH_MAX];

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(inside, sizeof inside, "%s/%s", path, e->d_name);
		add_file(s, inside);
	}
	if (d)
		closedir(d);
}

/* ---- parameters and processes ---- */

static void add_parameters(struct state *s)
{
	static const char *const paths[] = {
		"/proc/sys/net/ipv4/conf/all/src_valid_mark", "/proc/sys/net/ipv4/conf/all/rp_filter",
		"/proc/sys/net/ipv4/conf/default/src_valid_mark", "/proc/sys/net/ipv6/conf/all/disable_ipv6",
		"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		add_contents(s, paths[i]);
}

static bool is_ours(const char *command)
{
	return strncmp(command, "wg", 2) == 0 || strncmp(command, "wireguard", 9) == 0 || strncmp(command, "nft", 3) == 0 ||
	       strstr(command, "tables") || strncmp(command, "resolv", 6) == 0;
}

static void add_processes(struct state *s)
{
	DIR *d = opendir("/proc");
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[64], command[32] = "";
		FILE *f;
		if (!ascii_is_digit(e->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/comm", e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(command, sizeof command, f) && is_ours(command))
			text_f(s->out, "process %s", command);
		fclose(f);
	}
	if (d)
		closedir(d);
}

/* ---- lines ---- */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of the text, sorted, with their newlines. */
static struct string_list sorted_lines(struct span text)
{
	struct string_list l = { 0 };
	struct span line;

	while (text.n > 0 && span_next(&line, &text, '\n'))
		if (!string_list_add(&l, line))
			errx(1, "out of memory");
	if (l.n > 0)
		qsort(l.list, l.n, sizeof *l.list, compare_lines);
	return l;
}

void sort_lines(struct text *t)
{
	struct string_list lines = sorted_lines(text_of(t));

	t->n = 0;
	for (size_t i = 0; i < lines.n; i++)
		text_f(t, "%s\n", lines.list[i]);
	string_list_free(&lines);
	if (t->failed)
		errx(1, "out of memory");
}

void host_state_read(struct text *out, const char *name)
{
	static char names[NAMES][IF_NAMESIZE];
	struct state s = { .out = out, .name = name, .names = names };

	out->n = 0;
	add_network(&s);
	add_nft(&s);
	add_file(&s, "/run");
	add_file(&s, "/etc");
	add_file(&s, "/var/lib/wgsuite");
	add_parameters(&s);
	add_processes(&s);
}

void host_state_print_difference(struct text *out, struct span before, struct span after)
{
	struct string_list a = sorted_lines(before), b = sorted_lines(after);
	size_t i = 0, k = 0;

	while (i < a.n || k < b.n) {
		int order = i == a.n ? 1 : k == b.n ? -1 : strcmp(a.list[i], b.list[k]);
		if (order < 0)
			text_f(out, "  - %s\n", a.list[i]);
		else if (order > 0)
			text_f(out, "  + %s\n", b.list[k]);
		i += order <= 0;
		k += order >= 0;
	}
	string_list_free(&a);
	string_list_free(&b);
}
