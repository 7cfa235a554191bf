/* JSON and metrics of a device: three parts, separated by NUL bytes, are a tunnel file with names, the reply of a daemon to
 * get, and its statistics. Whatever they contain, the output is valid. The names are those that the complete reader of
 * tunnel files finds. */
#include <errno.h>
#include <stdlib.h>

#include "../lib/exposition_check.h"
#include "../lib/json_check.h"
#include "base/utf8.h"
#include "model/conf.h"
#include "model/conf_names.h"
#include "model/uapi.h"
#include "report/exposition.h"
#include "report/json_device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool accept_extra(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	(void)ctx, (void)x, (void)peer, (void)d;
	return true;
}

static void compare_names(const struct wg_device *names, struct span text)
{
	struct conf_options o = { .file = "f", .extra = accept_extra };
	struct diag d = { 0 };
	struct wg_device all;
	uint32_t next = 0;

	if (conf_read(&all, text, &o, &d) != 0)
		return;
	for (uint32_t i = 0; i < all.n_peers; i++) {
		const struct wg_peer *peer = &all.peers[i], *named = &names->peers[next];
		if (!peer->name)
			continue;
		if (next == names->n_peers || strcmp(peer->name, named->name) != 0 ||
		    memcmp(&peer->public_key, &named->public_key, sizeof peer->public_key) != 0)
			abort();
		next++;
	}
	if (next != names->n_peers)
		abort();
	device_free(&all);
}

static void check_names(const struct wg_device *names)
{
	for (uint32_t i = 0; i < names->n_peers; i++)
		if (!utf8_all_printable(span_of(names->peers[i].name)) || strlen(names->peers[i].name) > 64)
			abort();
}

static void check_json(const struct wg_device *d, const struct peer_names *names)
{
	struct json_device_options o = { .names = names };
	struct text t = text_heap();
	struct json j;

	for (int i = 0; i < 4; i++) {
		t.n = 0;
		o.show_secrets = i & 1;
		json_begin(&j, &t, i & 2);
		json_open_object(&j, NULL);
		if (!json_device(&j, d, &o))
			abort();
		json_close(&j);
		json_end(&j);
		if (t.failed || !json_is_valid(text_of(&t)))
			abort();
	}
	text_heap_free(&t);
}

static void check_metrics(const struct wg_device *d, const struct peer_names *names, struct span statistics)
{
	struct exposition x = { 0 };
	struct text t = text_heap();

	if (exposition_add_device(&x, d, names) != 0 || exposition_add_daemon(&x, d->name, statistics) == -ENOMEM)
		abort();
	for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
		t.n = 0;
		exposition_print(&x, &t, openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS);
		if (t.failed || !exposition_is_valid(text_of(&t), openmetrics))
			abort();
	}
	text_heap_free(&t);
	exposition_free(&x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span rest = { (const char *)data, n }, file, reply = { NULL, 0 };
	struct peer_names names = { 0 };
	struct wg_device d = { 0 };
	struct uapi_reader r = { .device = &d };

	if (n == 0 || !span_next(&file, &rest, '\0'))
		return 0;
	if (!span_next(&reply, &rest, '\0'))
		reply.p = NULL;
	if (!rest.p)
		rest = (struct span){ "", 0 };
	if (!conf_read_names(&names.file, file) || !peer_index_build(&names.index, &names.file))
		abort();
	check_names(&names.file);
	compare_names(&names.file, file);
	if (reply.p && uapi_read_reply(&r, &reply) != 0)
		device_free(&d); /* wg shows no device whose reply is invalid */
	memcpy(d.name, "wg0", 4);
	check_json(&d, &names);
	check_metrics(&d, &names, rest);
	device_free(&d);
	peer_index_free(&names.index);
	device_free(&names.file);
	return 0;
}
