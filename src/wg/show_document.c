/* Reading of the devices, one after the other, into the writer of the format. */
#include "show_document.h"

#include <errno.h>
#include <sys/auxv.h>

#include "access.h"
#include "base/mem.h"
#include "ipc/daemon_stats.h"
#include "peer_names.h"
#include "report/exposition.h"
#include "report/json_device.h"
#include "report/output.h"
#include "report/report.h"
#include "show_select.h"

struct document {
	struct program *p;
	const struct show_document *r;
	const struct format *format;
	struct show_search search; /* for r->peer with all devices */
	unsigned int added, failed;
	struct json json;
	struct exposition exposition;
};

struct format {
	const char *word;
	bool has_file;
	void (*begin)(struct document *doc);
	/* 0 or -errno. */
	int (*add)(struct document *doc, const struct wg_device *d, const struct peer_names *names);
	/* 0 or -errno. */
	int (*end)(struct document *doc);
};

/* ---- JSON ---- */

static void begin_json(struct document *doc)
{
	json_begin(&doc->json, &doc->p->out, false);
	json_open_object(&doc->json, NULL);
}

static int add_json(struct document *doc, const struct wg_device *d, const struct peer_names *names)
{
	struct json_device_options o = { .names = names, .scopes = &ipc_scopes, .show_secrets = doc->p->show_secrets };

	return json_device(&doc->json, d, &o) ? 0 : -ENOMEM;
}

static int end_json(struct document *doc)
{
	json_close(&doc->json);
	json_end(&doc->json);
	return 0;
}

/* ---- metrics ---- */

static void begin_metrics(struct document *doc)
{
	doc->exposition = (struct exposition){ 0 };
}

/* Statistics of wireguardd(8); other daemons have none. */
static int add_daemon(struct document *doc, const char *device)
{
	struct text t = text_heap();
	int rc = ipc_daemon_stats(NULL, device, &t);

	if (rc == 0)
		rc = exposition_add_daemon(&doc->exposition, device, text_of(&t));
	if (rc && rc != -ENOENT && rc != -ENOMEM) {
		report_set_interface(device);
		report_warning("without the statistics of the daemon: %s", rc == -EINVAL ? "they are not valid" : strerror(-rc));
		report_set_interface(doc->r->device);
	}
	text_heap_free(&t);
	return rc == -ENOMEM ? rc : 0;
}

static int add_metrics(struct document *doc, const struct wg_device *d, const struct peer_names *names)
{
	int rc = exposition_add_device(&doc->exposition, d, names);

	return rc == 0 && d->ifindex == 0 && !doc->r->peer ? add_daemon(doc, d->name) : rc;
}

/* With elevated privileges, any user could replace any file. */
static int write_file(const char *path, struct span text)
{
	int rc = getauxval(AT_SECURE) ? -EPERM : report_replace_file(path, text);

	if (rc)
		report_error("cannot write %s: %s", path, rc == -EINVAL ? "it is not a regular file" : strerror(-rc));
	return rc;
}

static int end_metrics(struct document *doc)
{
	bool openmetrics = strcmp(doc->format->word, "openmetrics") == 0;
	struct text t = text_heap(), *out = doc->r->file ? &t : &doc->p->out;
	int rc = 0;

	exposition_print(&doc->exposition, out, openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS);
	if (t.failed)
		report_error("out of memory");
	if (doc->r->file)
		rc = t.failed ? -ENOMEM : write_file(doc->r->file, text_of(&t));
	text_heap_free(&t);
	exposition_free(&doc->exposition);
	return rc;
}

static const struct format formats[] = {
	{ "json", false, begin_json, add_json, end_json },
	{ "prometheus", true, begin_metrics, add_metrics, end_metrics },
	{ "openmetrics", true, begin_metrics, add_metrics, end_metrics },
};

static const struct format *find_format(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].word, word) == 0)
			return &formats[i];
	return NULL;
}

bool show_document_is_format(const char *word)
{
	return find_format(word);
}

bool show_document_has_file(const char *format)
{
	return find_format(format)->has_file;
}

/* ---- devices ---- */

static bool select_peer(struct document *doc, struct wg_device *selected, const struct wg_device *d,
			const struct peer_names *names)
{
	if (!doc->r->peer)
		return true;
	return doc->r->device ? show_select(selected, d, names, doc->r->peer) :
				show_search_next(&doc->search, selected, d, names);
}

static void add_device(struct document *doc, const struct wg_device *d)
{
	struct peer_names names = { 0 };
	struct wg_device selected = *d;
	int rc;

	if (doc->r->peer || doc->p->show_names != SHOW_NAMES_NEVER)
		peer_names_read(&names, d);
	if (select_peer(doc, &selected, d, &names)) {
		rc = doc->format->add(doc, &selected, doc->p->show_names == SHOW_NAMES_NEVER ? NULL : &names);
		if (rc) {
			report_error("%s: %s", d->name, strerror(-rc));
			doc->failed++;
		}
		doc->added++;
	}
	mem_wipe(&selected, sizeof selected);
	names_free(&names);
}

static int show_one(struct document *doc)
{
	struct wg_device d;
	int rc = ipc_get(&doc->p->ipc, &d, doc->r->device);

	if (rc) {
		report_no_access(&doc->p->ipc, doc->r->device, rc);
		return 1;
	}
	report_set_interface(doc->r->device);
	doc->format->begin(doc);
	add_device(doc, &d);
	rc = doc->format->end(doc);
	device_free(&d);
	return rc || doc->added == 0 || doc->failed > 0;
}

static int show_all(struct document *doc)
{
	struct ipc_names names;
	struct wg_device d;
	int rc = ipc_list(&doc->p->ipc, &names);

	if (rc) {
		report_verbatim("Unable to list interfaces: %s", strerror(-rc));
		return 1;
	}
	doc->format->begin(doc);
	for (size_t i = 0; i < names.n; i++) {
		rc = ipc_get_listed(&doc->p->ipc, &d, &names.list[i]);
		if (rc)
			report_no_access_to(&doc->p->ipc, names.list[i].name, rc);
		else
			add_device(doc, &d);
		device_free(&d);
	}
	rc = doc->format->end(doc) || (names.n > 0 && doc->added == 0) || doc->failed > 0;
	ipc_names_free(&names);
	return !doc->r->peer || show_search_end(&doc->search, doc->added > 0) ? rc : 1;
}

int show_document(struct program *p, const struct show_document *r)
{
	struct document doc = { .p = p, .r = r, .format = find_format(r->format), .search = { .word = r->peer } };

	return r->device ? show_one(&doc) : show_all(&doc);
}
