/* `check`: findings about tunnel files. Needs no privileges, and reads nothing but the files. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "ipc/resolve.h"
#include "messages.h"
#include "quick/config/interface_keys.h"
#include "quick/config/peer_keys.h"
#include "quick/host/folder.h"
#include "quick/host/inspect.h"
#include "quick/host/route_tables.h"
#include "quick/host/tunnel_file_load.h"
#include "report/check_command.h"
#include "report/report.h"

/* ---- files ---- */

static bool find(char path[CHECK_PATH_MAX], const char *argument)
{
	return tunnel_file_path(path, CHECK_PATH_MAX, argument) || report_failure("find the file", -ENAMETOOLONG) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All tunnel files of the default folder, by name. */
static bool list(struct string_list *paths)
{
	static const char folder[] = SYSCONFDIR "/wireguard";
	struct string_list names = { 0 };
	char path[CHECK_PATH_MAX];
	int r = folder_list(&names, folder);

	if (names.n > 0)
		qsort(names.list, names.n, sizeof *names.list, compare_names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		size_t n = strlen(names.list[i]);
		struct text t = text_fixed(path, sizeof path);
		text_f(&t, "%s/%s", folder, names.list[i]);
		if (n > 5 && strcmp(names.list[i] + n - 5, ".conf") == 0 && !t.failed && !string_list_add(paths, text_of(&t)))
			r = -ENOMEM;
	}
	string_list_free(&names);
	return report_failure("list " SYSCONFDIR "/wireguard", r) == 0;
}

/* ---- keys of wg-quick ---- */

static struct interface_keys keys;
static struct interface_keys_reader reader;
static struct peer_keys peer_keys;
static struct peer_keys_reader peer_reader;

static void begin(const char *path)
{
	reader = (struct interface_keys_reader){ .keys = &keys, .file = path, .find_table = route_table_by_name };
	peer_reader = (struct peer_keys_reader){ .keys = &peer_keys, .file = path };
}

static void end(void)
{
	interface_keys_free(&keys);
	peer_keys_free(&peer_keys);
}

static bool read_key(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	(void)ctx;
	return peer < 0 ? interface_keys_read(&reader, x, d) : peer_keys_read(&peer_reader, x, d);
}

/* ---- --resolve ---- */

static void measure_path(struct wg_device *d, unsigned int *mtu)
{
	struct rtnetlink rt = { 0 };
	struct host_state s = { 0 };
	struct settings settings = { 0 };

	if (rtnetlink_open(&rt) == 0 && host_inspect(&s, &rt, "", &settings) == 0 && host_inspect_mtu(&s, &rt, d, 0) == 0)
		*mtu = s.path_mtu;
	host_state_free(&s);
	rtnetlink_close(&rt);
}

static void resolve(struct wg_device *d, unsigned int *mtu)
{
	const struct resolve_options o = { .partial = true, .lists = true };
	struct diag quiet = { 0 };
	bool any = false;

	(void)!resolve_device(d, &o, &quiet);
	for (uint32_t i = 0; i < d->n_peers; i++)
		any |= (d->peers[i].flags & WG_PEER_HAS_ENDPOINT) != 0;
	if (any)
		measure_path(d, mtu);
}

/* ---- warnings of up and reload ---- */

/* The file is known to be valid. */
static bool accept_key(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	(void)ctx;
	(void)d;
	return conf_is_quick_key(x->key, peer >= 0);
}

void report_check_warnings(const struct tunnel_file *f)
{
	const struct check_input in = { .path = f->path, .text = { f->text, f->n_text }, .is_quick = true, .extra = accept_key,
					.scopes = &ipc_scopes, .service = ipc_service };
	struct check c = { 0 };

	if (check_add(&c, &in) && check_run(&c))
		check_report_for_up(&c);
	check_free(&c);
}

static int run(const char *usage, bool graph, int argc, char *const argv[])
{
	const struct check_program program = {
		.usage = usage,
		.input = { .is_quick = true, .extra = read_key, .scopes = &ipc_scopes, .service = ipc_service },
		.find = find, .list = list, .begin = begin, .end = end, .resolve = resolve, .graph = graph,
	};

	return check_command(&program, argc, argv);
}

int command_graph(int argc, char *const argv[])
{
	return run("Usage: wg-quick graph [ CONFIG_FILE | INTERFACE ]...", true, argc, argv);
}

int command_check(int argc, char *const argv[])
{
	static const char usage[] = "Usage: wg-quick check [--strict] [--resolve] [--format=text|json|github] [ CONFIG_FILE | INTERFACE ]...\n"
				    "       wg-quick check --explain [FINDING]...";

	return run(usage, false, argc, argv);
}
