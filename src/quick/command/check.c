/* `check`: findings about tunnel files. Needs no privileges, and reads nothing but the files. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "ipc/resolve.h"
#include "base/mem.h"
#include "messages.h"
#include "quick/host/drop_ins_load.h"
#include "quick/host/folder.h"
#include "quick/host/inspect.h"
#include "quick/host/key_file.h"
#include "quick/host/route_tables.h"
#include "quick/host/tunnel_file_load.h"
#include "report/check_command.h"
#include "report/diagnostics.h"
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

static struct tunnel_file file; /* its keys, not its device */
static struct interface_keys_reader reader;
static struct peer_keys_reader peer_reader;

/* The merged texts of all files, as the findings show their lines. */
static struct merged {
	struct drop_ins_text text;
	struct conf_origins *origins;
	struct string_list paths;
	struct merged *next;
} *all;

static bool read_drop_ins(struct check_input *in)
{
	struct diag d = { .emit = report_diag };
	struct merged *m = calloc(1, sizeof *m);
	uint64_t changed_ns = 0;

	if (!m)
		return report_failure("read the drop-ins", -ENOMEM) == 0;
	m->next = all;
	all = m;
	if (drop_ins_list(&m->paths, &changed_ns, file.folder, file.name, &d) < 0)
		return false;
	if (m->paths.n == 0)
		return true;
	m->text.p = span_dup(in->text);
	m->text.n = in->text.n;
	if (!m->text.p)
		return report_failure("read the drop-ins", -ENOMEM) == 0;
	if (drop_ins_load(&m->text, &m->origins, in->path, &m->paths, &changed_ns, &d) < 0)
		return false;
	in->text = (struct span){ m->text.p, m->text.n };
	in->origins = m->origins;
	for (size_t i = 0; i < m->paths.n; i++)
		in->world_readable |= file_is_world_accessible(m->paths.list[i]);
	return true;
}

static void free_merged(void)
{
	for (struct merged *m; (m = all);) {
		all = m->next;
		if (m->text.p)
			mem_wipe(m->text.p, m->text.n);
		free(m->text.p);
		if (m->origins) {
			free(m->origins->lines);
			free(m->origins->files);
		}
		free(m->origins);
		string_list_free(&m->paths);
		free(m);
	}
}

static bool begin(struct check_input *in)
{
	const char *path = in->path;

	file.path = realpath(path, NULL);
	file.folder = file.path && tunnel_file_name_of(file.name, path) ? tunnel_file_folder(&file) : NULL;
	reader = (struct interface_keys_reader){ .keys = &file.interface, .file = path, .find_table = route_table_by_name,
						 .folder = file.folder, .interface = file.name };
	peer_reader = (struct peer_keys_reader){ .file = path, .folder = file.folder, .interface = file.name };
	if (!file.folder || read_drop_ins(in))
		return true;
	tunnel_file_free(&file);
	return false;
}

static void add_message(void *c, const struct diag_message *m)
{
	check_add_message(c, m);
}

/* Keys of disabled peers are not looked at. */
static void end(struct check *c)
{
	struct diag d = { .emit = add_message, .ctx = c };

	if (file.folder)
		key_file_check(&file.interface.private_key, &d);
	for (size_t i = 0; i < file.n_peers && file.folder; i++)
		if (!file.peers[i].disabled)
			key_file_check(&file.peers[i].psk, &d);
	tunnel_file_free(&file);
}

static bool read_key(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	(void)ctx;
	if (peer < 0)
		return interface_keys_read(&reader, x, d);
	while (file.n_peers <= (size_t)peer) {
		if (!vector_reserve(&file.peers, &file.cap_peers, file.n_peers + 1, sizeof *file.peers))
			return conf_is_quick_line(x->key, x->value, true);
		file.peers[file.n_peers++] = (struct peer_keys){ 0 };
	}
	peer_reader.keys = &file.peers[peer];
	return peer_keys_read(&peer_reader, x, d);
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
	return conf_is_quick_line(x->key, x->value, peer >= 0);
}

void report_check_warnings(const struct tunnel_file *f)
{
	const struct check_input in = { .path = f->path, .text = { f->text, f->n_text }, .origins = f->origins, .is_quick = true, .extra = accept_key,
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

	int status = check_command(&program, argc, argv);

	free_merged();
	return status;
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
