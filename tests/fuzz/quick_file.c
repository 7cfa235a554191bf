/* Tunnel files as wg-quick reads them: every key and value, the plans of accepted files, and `strip`. */
#include <stdlib.h>

#include "quick/config/drop_ins.h"
#include "quick/config/tunnel_file.h"
#include "quick/plan/diff.h"
#include "quick/plan/inverse.h"
#include "quick/plan/print.h"
#include "quick/plan/up.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* From an interface without anything to the file, with and without a journal. */
static void compare(const struct tunnel_file *f)
{
	struct host_state s = { .link = { .index = 1, .mtu = 1420 }, .ipv6 = true, .free_table = 51820, .dns = DNS_FILE };
	struct string_list endpoints = { 0 };
	struct applied applied = { 0 }, after = { 0 };
	struct diff_input in = { .desired = f, .actual = &s, .endpoints = &endpoints };

	for (int journal = 0; journal < 2; journal++) {
		struct plan p = { 0 }, old_dns = { 0 };
		if (plan_diff(&p, &old_dns, &in) < 0)
			abort();
		if (applied_after_reload(&after, &applied, f, &p) < 0)
			abort();
		applied_free(&after);
		plan_free(&p);
		plan_free(&old_dns);
		in.applied = &applied;
	}
}

/* The routes of an allowed IP have none of the excluded addresses; together they have all others. */
static void subtract(const struct tunnel_file *f, const struct ip_prefix *p)
{
	struct prefix_set out = { 0 };
	const struct prefix_set *excluded = &f->interface.excluded;

	if (!prefix_set_subtract(&out, p, excluded))
		abort();
	for (size_t i = 0; i < out.n; i++)
		if (!prefix_covers(p, &out.list[i]) || prefix_set_overlaps(excluded, &out.list[i]))
			abort();
	for (size_t i = 0; i < excluded->n; i++)
		if (prefix_covers(p, &excluded->list[i]) && !prefix_set_append(&out, &excluded->list[i]))
			abort();
	prefix_set_normalize(&out);
	if (!prefix_set_covers(excluded, p) && !prefix_set_covers(&out, p))
		abort();
	prefix_set_free(&out);
}

static void make_plans(const struct tunnel_file *f)
{
	struct host_state s = { .ipv6 = true, .free_table = 51820, .firewall = FIREWALL_NFT, .dns = DNS_FILE };
	struct plan_options o = { .hooks = true };
	struct plan p = { 0 }, undo = { 0 };
	struct text t = text_heap();

	if (plan_interface(&p, f, &o) < 0 || plan_tunnel(&p, f, &s, &o) < 0 || plan_undo(&undo, &p, true) < 0)
		abort();
	for (size_t i = 0; i < p.n; i++)
		step_print(&t, &p, &p.steps[i], true);
	for (size_t i = 0; i < undo.n; i++)
		step_print(&t, &undo, &undo.steps[i], true);
	text_heap_free(&t);
	plan_free(&p);
	plan_free(&undo);
	compare(f);
}

/* Each wrong item of a line is reported once, in their order; the first line may have a byte order mark in addition. */
static void check_once(void *ctx, const struct diag_message *m)
{
	unsigned int *reported = (unsigned int *)ctx + m->at.line;

	if (m->level != DIAG_ERROR)
		return;
	if (m->at.line > 1 && m->at.column <= *reported)
		abort();
	*reported = m->at.column;
}

static bool file_init(struct tunnel_file *f, const uint8_t *data, size_t n)
{
	static const char path[] = "wg0.conf";

	*f = (struct tunnel_file){ .name = "wg0", .path = span_dup(span_of(path)), .text = malloc(n + 1),
				   .n_text = n };
	if (!f->path || !f->text)
		return false;
	if (n > 0)
		memcpy(f->text, data, n);
	return true;
}

/* What `strip` leaves is for wg, and wg accepts it. */
static void check_stripped(struct tunnel_file *f)
{
	struct wg_device d = { 0 };
	struct conf_options o = { .file = "stripped" };
	struct diag diag = { 0 };

	tunnel_file_strip(f);
	if (f->n_text > 0 && conf_read(&d, (struct span){ f->text, f->n_text }, &o, &diag) != 0)
		abort();
	device_free(&d);
}

/* The parts between form feeds as a tunnel file and its drop-ins: every line of the merged text is one of theirs. */
static void check_merged(const uint8_t *data, size_t n)
{
	static const struct tunnel_file_lookups lookups;
	struct span rest = { (const char *)data, n }, part, line;
	struct drop_in files[8];
	struct tunnel_file f = { .name = "wg0", .path = span_dup(SPAN("wg0.conf")), .origins = calloc(1, sizeof *f.origins) };
	struct diag silent = { 0 };
	struct text merged;
	size_t n_files = 0, lines = 0;

	while (n_files < ARRAY_LEN(files) && rest.n > 0 && span_next(&part, &rest, '\f'))
		files[n_files++] = (struct drop_in){ "file", part };
	if (n_files > 1 && f.path && f.origins && drop_ins_merge(&merged, f.origins, files, n_files)) {
		f.text = merged.p;
		f.n_text = merged.n;
		rest = text_of(&merged);
		for (; rest.n > 0 && span_next(&line, &rest, '\n'); lines++) {
			const struct conf_origin *o = lines < f.origins->n ? &f.origins->lines[lines] : NULL;
			struct span text = o ? files[o->file].text : (struct span){ NULL, 0 }, own = { NULL, 0 };
			for (uint32_t i = 0; o && i < o->line; i++)
				if (!span_next(&own, &text, '\n'))
					abort();
			if (!o || !span_equal(own, line))
				abort();
		}
		if (lines != f.origins->n)
			abort();
		(void)!tunnel_file_parse(&f, &lookups, &silent);
	}
	tunnel_file_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct tunnel_file_lookups lookups;
	struct tunnel_file f = { 0 }, lines = { 0 };
	struct diag d = { .emit = check_once, .ctx = calloc(n + 2, sizeof(unsigned int)) }, silent = { 0 };

	if (d.ctx && file_init(&f, data, n) && file_init(&lines, data, n)) {
		int r = tunnel_file_parse(&f, &lookups, &d);
		/* Peers that are not kept are checked all the same. */
		lines.lines_only = true;
		if (tunnel_file_parse(&lines, &lookups, &silent) != r)
			abort();
		if (r == 0) {
			for (uint32_t i = 0; i < f.device.n_peers; i++)
				for (uint32_t k = 0; k < f.device.peers[i].n_allowedips; k++)
					subtract(&f, &f.device.peers[i].allowedips[k].prefix);
			make_plans(&f);
			check_stripped(&lines);
		}
	}
	if (n < 4096) /* quadratic */
		check_merged(data, n);
	free(d.ctx);
	tunnel_file_free(&f);
	tunnel_file_free(&lines);
	return 0;
}
