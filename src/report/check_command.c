/* Options, files and exit status of `check`. */
#include "check_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/suggestion.h"
#include "base/vector.h"
#include "check/graph.h"
#include "check_output.h"
#include "output.h"
#include "report.h"
#include "terminal.h"

struct options {
	enum check_format format;
	bool strict, resolve, explain;
	struct string_list arguments;
};

/* ---- options; functions that return false have reported ---- */

static bool misused(const struct check_program *p)
{
	report_verbatim("%s", p->usage);
	return false;
}

static bool read_format(struct options *o, const struct check_program *p, const char *word)
{
	static const struct {
		const char *name;
		enum check_format format;
	} formats[] = { { "text", CHECK_TEXT }, { "gcc", CHECK_TEXT }, { "json", CHECK_JSON }, { "github", CHECK_GITHUB } };

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(word, formats[i].name) == 0) {
			o->format = formats[i].format;
			return true;
		}
	report_error("unknown format `%s'", word);
	return misused(p);
}

static bool read_option(struct options *o, const struct check_program *p, const char *word)
{
	static const char *const names[] = { "--strict", "--resolve", "--explain", "--format=text", "--format=json",
					     "--format=github" };
	struct suggestion s;

	if (strncmp(word, "--format=", 9) == 0)
		return read_format(o, p, word + 9);
	o->strict |= strcmp(word, names[0]) == 0;
	o->resolve |= strcmp(word, names[1]) == 0;
	o->explain |= strcmp(word, names[2]) == 0;
	suggestion_init(&s, span_of(word));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(word, names[i]) == 0)
			return true;
		suggestion_offer(&s, names[i]);
	}
	report_error("unknown option `%s'", word);
	if (s.best)
		report_help("did you mean %s?", s.best);
	return misused(p);
}

static bool out_of_memory(void)
{
	report_error("out of memory");
	return false;
}

static bool read_arguments(struct options *o, const struct check_program *p, int argc, char *const argv[])
{
	bool only_files = false;

	for (int i = 1; i < argc; i++) {
		bool is_option = !only_files && argv[i][0] == '-' && argv[i][1] != '\0';
		if (is_option && strcmp(argv[i], "--") == 0)
			only_files = true;
		else if (is_option && !read_option(o, p, argv[i]))
			return false;
		else if (!is_option && !string_list_add(&o->arguments, span_of(argv[i])))
			return out_of_memory();
	}
	if (o->arguments.n > 0 || o->explain)
		return true;
	return p->list ? p->list(&o->arguments) : misused(p);
}

static bool takes_no_options(const struct options *o, const struct check_program *p)
{
	return (o->format == CHECK_GRAPH && !o->strict && !o->resolve && !o->explain) || misused(p);
}

/* ---- output ---- */

static int write_output(struct text *t)
{
	int error = t->failed ? -ENOMEM : report_write(STDOUT_FILENO, t->p, t->n);

	text_heap_free(t);
	if (error < 0)
		report_error("cannot write to standard output: %s", strerror(-error));
	return error < 0;
}

static void suggest_id(const char *id)
{
	struct suggestion s;

	report_error("there is no finding `%s'", id);
	suggestion_init(&s, span_of(id));
	for (size_t i = 0; check_id(i); i++)
		suggestion_offer(&s, check_id(i));
	if (s.best)
		report_help("did you mean %s?", s.best);
	else
		report_help("--explain alone lists all findings");
}

/* The pages of the arguments, or a list of all findings. */
static int explain(const struct options *o)
{
	struct text t = text_heap();
	int status = 0;

	for (size_t i = 0; o->arguments.n == 0 && check_id(i); i++)
		text_f(&t, "%s: %s\n", check_id(i), check_title(i));
	for (size_t i = 0; i < o->arguments.n; i++) {
		text_add(&t, i > 0 ? "\n" : "");
		if (!check_explain(&t, o->arguments.list[i])) {
			suggest_id(o->arguments.list[i]);
			status = 1;
		}
	}
	return write_output(&t) | status;
}

/* ---- files ---- */

enum { FILE_MAX_BYTES = 1 << 28 };

struct file {
	char path[CHECK_PATH_MAX];
	char *text; /* holds keys: wiped */
	size_t n, cap;
	bool world_readable;
};

static void file_free(struct file *f)
{
	if (f->text)
		mem_wipe(f->text, f->cap);
	free(f->text);
	free(f);
}

/* realloc(3) would not wipe the old memory. */
static int enlarge(struct file *f, size_t cap)
{
	char *larger = cap <= FILE_MAX_BYTES ? malloc(cap) : NULL;

	if (!larger)
		return cap > FILE_MAX_BYTES ? -EFBIG : -ENOMEM;
	if (f->text) {
		memcpy(larger, f->text, f->n);
		mem_wipe(f->text, f->cap);
	}
	free(f->text);
	f->text = larger;
	f->cap = cap;
	return 0;
}

static int read_text(struct file *f, int fd)
{
	ssize_t got = 1;
	int r = 0;

	while (r == 0 && got != 0) {
		if (f->n == f->cap)
			r = enlarge(f, f->cap ? 2 * f->cap : 4096);
		if (r < 0)
			break;
		got = read(fd, f->text + f->n, f->cap - f->n);
		if (got < 0 && errno != EINTR)
			r = -errno;
		f->n += got > 0 ? (size_t)got : 0;
	}
	return r;
}

/* As wg-quick decides it: all users may enter the folder, and read the file. */
static bool is_world_readable(const char *path, const struct stat *file)
{
	const char *slash = strrchr(path, '/');
	struct stat folder;
	char *dir = span_dup(slash ? (struct span){ path, slash > path ? (size_t)(slash - path) : 1 } : SPAN("."));
	bool readable = dir && S_ISREG(file->st_mode) && stat(dir, &folder) == 0 && (file->st_mode & folder.st_mode & 0007) != 0;

	free(dir);
	return readable;
}

static int file_read(struct file *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
	if (r == 0) {
		f->world_readable = is_world_readable(f->path, &st);
		r = read_text(f, fd);
	}
	close(fd);
	return r;
}

/* ---- endpoints ---- */

/* Peers with the endpoints of the file that was added last, in its order. */
static bool list_endpoints(struct wg_device *d, const struct check *c)
{
	for (size_t i = 0; i < check_peers(c); i++) {
		struct span endpoint = check_endpoint(c, i);
		struct wg_peer *p = device_add_peer(d);
		if (!p)
			return false;
		if (!endpoint.p)
			continue;
		if (endpoint_parse(&p->endpoint, endpoint, NULL)) {
			p->flags = WG_PEER_HAS_ENDPOINT;
			continue;
		}
		p->flags = WG_PEER_HAS_HOST;
		p->host = span_dup(endpoint);
		if (!p->host)
			return false;
	}
	return true;
}

static bool resolve(const struct check_program *p, struct check *c)
{
	struct wg_device d = { 0 };
	unsigned int mtu = 0;
	bool ok = list_endpoints(&d, c);

	if (ok)
		p->resolve(&d, &mtu);
	for (uint32_t i = 0; ok && i < d.n_peers; i++) {
		if (d.peers[i].flags & WG_PEER_HAS_ENDPOINT)
			check_set_endpoint(c, i, &d.peers[i].endpoint);
		else if (d.peers[i].flags & WG_PEER_HAS_HOST)
			check_set_unresolved(c, i, "the name of the endpoint cannot be resolved");
	}
	check_set_path_mtu(c, mtu);
	device_free(&d);
	return ok;
}

/* ---- the name of the interface ---- */

static void check_name(struct check *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct span base = span_of(slash ? slash + 1 : path), stem = span_sub(base, 0, base.n > 5 ? base.n - 5 : 0);

	if (!span_is(span_sub(base, stem.n, base.n), ".conf") || stem.n == 0)
		check_add_error(c, "bad-name", "the name of the file does not end in .conf", NULL);
	else if (stem.n >= WG_NAME_MAX)
		check_add_error(c, "name-too-long", "the name of the interface, which is that of the file, has more than 15 characters",
				"rename the file");
	else if (!device_name_is_valid(stem))
		check_add_error(c, "bad-name", "the name of the file is not a valid interface name: letters, digits and _=+.-", NULL);
}

/* ---- the command ---- */

static bool add_file(const struct check_program *p, const struct options *o, struct check *c, struct file *f)
{
	struct check_input in = p->input;
	bool ok;

	in.path = f->path;
	in.text = (struct span){ f->text, f->n };
	in.world_readable = f->world_readable;
	if (p->begin && !p->begin(&in))
		return false;
	ok = check_add(c, &in);
	if (p->end)
		p->end(c);
	if (ok && in.is_quick)
		check_name(c, f->path);
	if (ok && o->resolve)
		ok = resolve(p, c);
	return ok || out_of_memory();
}

/* False after reporting. A file that cannot be read does not prevent that the others are checked. */
static bool load(const struct check_program *p, const struct options *o, struct check *c, struct file *f, const char *argument)
{
	struct text path = text_fixed(f->path, sizeof f->path);
	int r;

	if (!p->find)
		text_add(&path, argument);
	else if (!p->find(f->path, argument))
		return false;
	r = path.failed ? -ENAMETOOLONG : file_read(f);
	if (r == 0)
		return add_file(p, o, c, f);
	report_error("cannot read %s: %s", f->path, strerror(-r));
	return false;
}

static int print_found(const struct options *o, struct check *c)
{
	struct text t = text_heap();

	switch (o->format) {
	case CHECK_TEXT: check_print_text(&t, c, terminal_has_colour(STDOUT_FILENO)); break;
	case CHECK_JSON: check_print_json(&t, c); break;
	case CHECK_GITHUB: check_print_github(&t, c); break;
	case CHECK_GRAPH: (void)!check_graph(&t, c); break;
	}
	return write_output(&t);
}

static int check_files(const struct check_program *p, const struct options *o)
{
	struct file **files = calloc(o->arguments.n + 1, sizeof *files);
	struct check c = { 0 };
	bool ok = files || out_of_memory();
	int status = 1;

	for (size_t i = 0; files && i < o->arguments.n; i++) {
		files[i] = calloc(1, sizeof **files);
		ok &= files[i] ? load(p, o, &c, files[i], o->arguments.list[i]) : out_of_memory();
	}
	if (check_run(&c))
		status = print_found(o, &c);
	else
		ok = out_of_memory();
	status = !ok || status || (c.errors > 0 && !p->graph) ? 1 : o->strict && c.warnings > 0 ? 2 : 0;
	check_free(&c);
	for (size_t i = 0; files && i < o->arguments.n; i++)
		if (files[i])
			file_free(files[i]);
	free(files);
	return status;
}

int check_command(const struct check_program *p, int argc, char *const argv[])
{
	struct options o = { .format = p->graph ? CHECK_GRAPH : CHECK_TEXT };
	int status = 1;

	if (argc == 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
		report_verbatim("%s", p->usage);
		return 0;
	}
	if (read_arguments(&o, p, argc, argv) && (!p->graph || takes_no_options(&o, p)))
		status = o.explain ? explain(&o) : check_files(p, &o);
	string_list_free(&o.arguments);
	return status;
}

void check_report_for_up(struct check *c)
{
	struct text t = text_heap();

	check_print_for_up(&t, c);
	if (!t.failed)
		report_write(STDERR_FILENO, t.p, t.n);
	text_heap_free(&t);
}
