/* A tunnel file as wg-quick reads it: every key with every value, and plans of what was accepted. */
#include <limits.h>
#include <stdlib.h>

#include "model/conf.h"
#include "quick/config/keys.h"
#include "quick/plan/plan.h"
#include "quick/plan/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void plan_it(const struct tunnel_file *f)
{
	struct host_state s = { .ipv6 = true, .free_table = 51820, .firewall = FIREWALL_NFT, .dns = DNS_FILE };
	struct plan_options o = { .hooks = true };
	struct plan p = { 0 }, undo = { 0 };
	struct text t = text_heap();

	if (plan_link(&p, f, &o) < 0 || plan_rest(&p, f, &s, &o) < 0 || plan_undo(&undo, &p, true) < 0)
		abort();
	for (size_t i = 0; i < p.n; i++)
		step_print(&t, &p, &p.steps[i], true);
	for (size_t i = 0; i < undo.n; i++)
		step_print(&t, &undo, &undo.steps[i], true);
	text_heap_free(&t);
	plan_free(&p);
	plan_free(&undo);
}

/* A line has at most one mistake; the first may have a byte order mark, too. */
static void once(void *told, const struct diag_message *m)
{
	bool *before = (bool *)told + m->at.line;

	if (m->level != DIAG_ERROR)
		return;
	if (m->at.line > 1 && *before)
		abort();
	*before = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct tunnel_file f = { .name = "wg0" };
	struct keys_reader reader = { .file = &f };
	struct conf_options o = { .file = "wg0.conf", .extra = keys_take, .ctx = &reader,
				  .max_errors = UINT_MAX };
	struct diag d = { 0 }, first = { .emit = once };
	int verdict;

	f.text = malloc(n + 1);
	first.ctx = calloc(n + 2, sizeof(bool));
	if (!f.text || !first.ctx) {
		free(first.ctx);
		free(f.text);
		return 0;
	}
	memcpy(f.text, n ? data : (const uint8_t *)"", n);
	f.n_text = n;
	verdict = conf_read(&f.device, (struct span){ f.text, n }, &o, &first);
	free(first.ctx);
	if (verdict == 0) {
		struct wg_device again = { 0 };
		struct conf_options plain = { .file = "stripped" };
		plan_it(&f);
		/* What is left is for wg, and wg takes it. */
		tunnel_file_strip(&f);
		if (f.n_text > 0 && conf_read(&again, (struct span){ f.text, f.n_text }, &plain, &d) != 0)
			abort();
		device_free(&again);
	} else {
		/* Peers that are forgotten are checked all the same. */
		o.forget_peers = o.no_names = true;
		if (conf_read(&f.device, (struct span){ f.text, n }, &o, &d) != verdict)
			abort();
	}
	tunnel_file_free(&f);
	return 0;
}
