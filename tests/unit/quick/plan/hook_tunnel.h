/* A tunnel on a model of a host whose hooks change things; its journal notes them, and reloads follow. */
#ifndef TESTS_HOOK_TUNNEL_H
#define TESTS_HOOK_TUNNEL_H

#include "model_host.h"

#include "quick/plan/diff.h"
#include "quick/plan/find_hook_changes.h"
#include "quick/plan/up.h"

struct tunnel {
	struct model_host host;
	struct applied applied;
};

static inline void read_file(struct tunnel_file *f, const char *text)
{
	*f = (struct tunnel_file){ 0 };
	model_read_file(f, text);
}

/* pre_up: what PreUp hooks do; may be null. */
static inline void bring_up_with(struct tunnel *t, const char *text, void (*pre_up)(struct tunnel *t, void *ctx), void *ctx)
{
	struct plan_options o = { .hooks = true };
	struct tunnel_file file;
	struct plan plan = { 0 };
	size_t from;

	*t = (struct tunnel){ 0 };
	model_host_init(&t->host);
	read_file(&file, text);
	assert_int_equal(endpoint_texts(&t->applied.endpoints, &file), 0);
	assert_int_equal(plan_interface(&plan, &file, &o), 0);
	model_perform(&t->host, &plan);
	from = plan.n;
	if (pre_up)
		pre_up(t, ctx);
	assert_int_equal(plan_tunnel(&plan, &file, &t->host.state, &o), 0);
	for (size_t i = from; i < plan.n; i++)
		model_perform_step(&t->host, &plan, &plan.steps[i]);
	assert_int_equal(applied_set(&t->applied, &file, &plan), 0);
	plan_free(&plan);
	tunnel_file_free(&file);
}

static inline void bring_up(struct tunnel *t, const char *text)
{
	bring_up_with(t, text, NULL, NULL);
}

static inline void take_down(struct tunnel *t)
{
	model_host_free(&t->host);
	applied_free(&t->applied);
}

struct comparison {
	struct tunnel_file file;
	struct string_list endpoints;
	struct hook_changes changes;
	struct diff_input in;
};

/* As host_inspect_table() does. */
static inline uint32_t find_free_table(const struct routes *routes)
{
	for (uint32_t table = 51820;; table++) {
		bool used = false;
		for (size_t i = 0; i < routes->n; i++)
			used |= routes->list[i].table == table;
		if (!used)
			return table;
	}
}

static inline void comparison_init(struct comparison *c, struct tunnel *t, const char *text)
{
	uint32_t table;

	*c = (struct comparison){ 0 };
	read_file(&c->file, text);
	assert_int_equal(endpoint_texts(&c->endpoints, &c->file), 0);
	if (c->endpoints.n > 0)
		qsort(c->endpoints.list, c->endpoints.n, sizeof *c->endpoints.list, model_compare_lines);
	table = tunnel_file_table(&c->file);
	t->host.state.free_table = find_free_table(&t->host.all_routes);
	model_inspect_routes(&t->host, table, t->applied.has_table ? t->applied.table : table);
	c->in = (struct diff_input){ .desired = &c->file, .actual = &t->host.state, .applied = &t->applied,
				     .endpoints = &c->endpoints };
}

static inline void comparison_free(struct comparison *c)
{
	hook_changes_free(&c->changes);
	string_list_free(&c->endpoints);
	tunnel_file_free(&c->file);
}

/* At the end of `up`. */
static inline void note_changes(struct tunnel *t, const char *text)
{
	struct comparison c;

	comparison_init(&c, t, text);
	assert_int_equal(find_hook_changes(&t->applied.changes, &c.in), 0);
	comparison_free(&c);
}

static inline void diff(struct comparison *c, struct plan *p, struct plan *old_dns, struct tunnel *t, const char *text)
{
	comparison_init(c, t, text);
	assert_int_equal(hook_changes_init(&c->changes, &t->applied.changes, &c->file), 0);
	c->in.changes = &c->changes;
	assert_int_equal(plan_diff(p, old_dns, &c->in), 0);
}

static inline void assert_diff(struct tunnel *t, const char *text, const char *lines)
{
	struct plan p = { 0 }, old_dns = { 0 };
	struct comparison c;

	diff(&c, &p, &old_dns, t, text);
	assert_lines(&old_dns, "");
	assert_lines(&p, lines);
	plan_free(&p);
	plan_free(&old_dns);
	comparison_free(&c);
}

/* With the journal that it leaves. */
static inline void reload(struct tunnel *t, const char *text)
{
	struct plan p = { 0 }, old_dns = { 0 };
	struct applied after = { 0 };
	struct comparison c;

	diff(&c, &p, &old_dns, t, text);
	model_perform(&t->host, &p);
	assert_int_equal(applied_after_reload(&after, &t->applied, &c.file, &p), 0);
	string_list_free(&after.endpoints);
	after.endpoints = c.endpoints;
	c.endpoints = (struct string_list){ 0 };
	applied_free(&t->applied);
	t->applied = after;
	plan_free(&p);
	plan_free(&old_dns);
	comparison_free(&c);
}

/* ---- what hooks do ---- */

static inline void wg(struct tunnel *t, const char *text)
{
	struct wg_device patch = { 0 };
	struct conf_options o = { .file = "hook" };
	struct diag d = { 0 };

	assert_int_equal(conf_read(&patch, span_of(text), &o, &d), 0);
	patch.flags &= ~(uint32_t)WG_DEVICE_REPLACE_PEERS;
	slow_apply(&t->host.state.device, &patch);
	t->host.state.device.flags = t->host.state.device.fwmark ? WG_DEVICE_HAS_FWMARK : 0;
	device_free(&patch);
}

static inline void remove_peer(struct tunnel *t, const char *key)
{
	struct wg_peer peer = { .flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE };
	struct wg_device patch = { .peers = &peer, .n_peers = 1 };

	assert_true(key_from_base64(peer.public_key.b, span_of(key)));
	slow_apply(&t->host.state.device, &patch);
}

static inline void change_address(struct tunnel *t, const char *text, bool remove)
{
	struct span rest = span_of(text), bad;
	struct interface_address a;

	assert_int_equal(address_next(&a, &rest, &bad), 1);
	model_addresses_change(&t->host.state.addresses, &a, remove);
}

static inline void change_route(struct tunnel *t, const char *prefix, uint32_t table, bool remove)
{
	struct step_route route = { .table = table };

	assert_true(prefix_parse(&route.prefix, span_of(prefix), NULL));
	model_routes_change(&t->host.all_routes, &route, remove);
}

#define KEY "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="
#define OTHER_KEY "0fL+RwDYPBZ9BSD/0o5uJjBVnDHyPBTbqNZ6mZ+nNHU="
#define THIRD_KEY "fE/wdxzl0klVp/IR8UcaoGUMjqaWi3jAd7KzHKFS6Ds="
#define PSK "Xp8kJB5rCDmPh2xDuxhJOCzF1ut3jC4jCu0aPaTGYm0="
#define OTHER_PSK "WrMZqYgCtfVgH9nq6AEK+kySmfDJ+nI6X0SRN/FBSCY="
#define PRIVATE "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define OTHER_PRIVATE "UCQhBHQF08IKvMdUXl7IPL8+iPSx41tO4J3q0e1bwGE="

#endif
