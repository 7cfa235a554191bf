/* `status`: one page about a tunnel, or about all of them. The exit status is that of systemctl(1): 0 it is up, 3 it is not,
 * 4 there is no such tunnel. With --health: 0 or 1. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>

#include "health.h"
#include "messages.h"
#include "observation.h"
#include "quick/diagnosis/checks.h"
#include "quick/host/clock.h"
#include "quick/host/signals.h"
#include "report/output.h"
#include "report/report.h"
#include "status_json.h"
#include "status_page.h"

enum { STATUS_UP = 0, STATUS_FAILED = 1, STATUS_NOT_UP = 3, STATUS_UNKNOWN = 4 };

enum { SAMPLE_MS = 200 }; /* between the samples that rates are computed from */

/* ---- rates ---- */

/* Without a session no data flows, and there is nothing to wait for. */
static bool has_session(const struct observation *o)
{
	const struct wg_device *d = &o->c.state.device;

	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].handshake_s + HANDSHAKE_OLD_S > o->facts.now_s)
			return true;
	return false;
}

/* first_ms: when the counters of the observation were read. */
static void sample_rates(struct status_rates *rates, struct observation *o, struct host *host, uint64_t first_ms)
{
	uint64_t passed_ms = clock_boot_ms() - first_ms;

	if (passed_ms < SAMPLE_MS && !stop_signal)
		clock_wait_ms((unsigned int)(SAMPLE_MS - passed_ms));
	if (ipc_get(&host->ipc, &rates->later, o->c.file.name) < 0)
		device_free(&rates->later);
	rates->ms = clock_boot_ms() - first_ms;
}

/* ---- one tunnel ---- */

struct one {
	struct observation o;
	struct status_rates rates;
	uint64_t read_ms;
	bool observed;
};

static int status_of(const struct observation *o)
{
	if (o->c.state.link.index && (o->facts.device_error == 0 || !o->may_read))
		return STATUS_UP;
	if (o->c.state.link.index) /* a daemon that died or does not answer; or another kind of interface */
		return o->facts.applied || o->facts.device_error == -ETIMEDOUT || o->facts.device_error == -ECONNREFUSED ?
			       STATUS_NOT_UP : STATUS_UNKNOWN;
	return o->facts.file_seen == FILE_MISSING && !o->facts.leftover ? STATUS_UNKNOWN : STATUS_NOT_UP;
}

/* False: there is nothing to show, which was reported. */
static bool is_tunnel(const struct observation *o)
{
	const char *name = o->c.file.name;

	if (status_of(o) != STATUS_UNKNOWN)
		return true;
	if (o->c.state.link.index)
		report_upstream("`%s' is not a WireGuard interface", name);
	else
		report_upstream("`%s' does not exist", o->c.file.path ? o->c.file.path : name);
	return false;
}

static int look(struct one *one, struct host *host, const char *argument)
{
	int r = observe(&one->o, host, argument);

	one->observed = true;
	one->read_ms = clock_boot_ms();
	return r;
}

/* Where the pages, or the document, go. */
struct output {
	struct text text;
	bool is_json;
	struct json json;
	const struct console *console;
};

static bool print_page(struct one *one, struct host *host, struct output *out)
{
	struct findings findings = { 0 };
	bool ok;

	if (has_session(&one->o))
		sample_rates(&one->rates, &one->o, host, one->read_ms);
	if (out->text.n > 0)
		text_char(&out->text, '\n');
	ok = status_page(&out->text, &one->o, &one->rates, &findings, &host->settings, out->console);
	findings_free(&findings);
	return ok;
}

static int print_one(struct one *one, struct host *host, struct output *out)
{
	bool ok = out->is_json ? status_json(&out->json, &one->o) : print_page(one, host, out);

	if (ok && !out->text.failed)
		return status_of(&one->o);
	report_error("out of memory");
	return STATUS_FAILED;
}

static void one_free(struct one *one)
{
	if (one->observed)
		observation_free(&one->o);
	device_free(&one->rates.later);
}

/* ---- all tunnels ---- */

/* A name of which no interface and no file is here is a daemon's in another place. */
static int print_all(struct one *list, size_t n, struct host *host, struct output *out)
{
	int status = STATUS_NOT_UP;

	for (size_t i = 0; i < n; i++) {
		int each;
		if (!list[i].observed || status_of(&list[i].o) == STATUS_UNKNOWN)
			continue;
		report_set_interface(list[i].o.c.file.name);
		each = print_one(&list[i], host, out);
		if (each == STATUS_UP || each == STATUS_FAILED)
			status = each;
		if (each == STATUS_FAILED)
			break;
	}
	return status;
}

static int show_all(struct host *host, struct output *out)
{
	struct string_list names = { 0 };
	struct one *list = NULL;
	int status = STATUS_FAILED;

	if (observe_names(&names, host) == 0)
		list = calloc(names.n + 1, sizeof *list);
	for (size_t i = 0; list && i < names.n && !stop_signal; i++)
		if (look(&list[i], host, names.list[i]) < 0) {
			one_free(&list[i]);
			list[i] = (struct one){ 0 };
		}
	if (list)
		status = print_all(list, names.n, host, out);
	for (size_t i = 0; list && i < names.n; i++)
		one_free(&list[i]);
	report_set_interface(NULL);
	if (status == STATUS_NOT_UP && !out->is_json && out->text.n == 0)
		text_add(&out->text, "no tunnel is up\n");
	free(list);
	string_list_free(&names);
	return status;
}

static int show_one(struct host *host, const char *argument, struct output *out)
{
	struct one one = { 0 };
	int status = STATUS_FAILED, r = look(&one, host, argument);

	if (r == 0)
		status = is_tunnel(&one.o) ? print_one(&one, host, out) : STATUS_UNKNOWN;
	else if (r == -EINVAL)
		status = STATUS_UNKNOWN;
	one_free(&one);
	return status;
}

int command_status(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct output out = { .text = text_heap(), .is_json = o->json, .console = &o->console };
	int status;

	if (out.is_json) {
		json_begin(&out.json, &out.text, false);
		json_open_object(&out.json, NULL);
	}
	if (o->health)
		status = health(&out.text, host, o->argument);
	else
		status = o->argument ? show_one(host, o->argument, &out) : show_all(host, &out);
	if (out.is_json) {
		json_close(&out.json);
		json_end(&out.json);
	}
	if (out.text.failed || (out.text.n > 0 && exit_status_of_output(report_write(trace->fd, out.text.p, out.text.n)) != 0))
		status = STATUS_FAILED;
	text_heap_free(&out.text);
	return status;
}
