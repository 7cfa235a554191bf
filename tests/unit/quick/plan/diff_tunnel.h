/* A tunnel on the model of a host, and reloads of it. */
#ifndef TESTS_DIFF_TUNNEL_H
#define TESTS_DIFF_TUNNEL_H

#include "model_host.h"

#include "quick/plan/default_route.h"
#include "quick/plan/diff.h"
#include "quick/plan/diff_device.h"
#include "quick/plan/undo_diff.h"
#include "quick/plan/up.h"

struct tunnel {
	struct model_host host;
	struct applied applied;
	bool journaled;
	char warnings[1024];
};

static inline void note_warning(void *ctx, const char *text)
{
	struct tunnel *t = ctx;

	strncat(t->warnings, text, sizeof t->warnings - strlen(t->warnings) - 1);
}

static inline void bring_up_on(struct tunnel *t, const char *text, bool ipv6_elsewhere)
{
	struct plan_options o = { .hooks = true };
	struct tunnel_file file = { 0 };
	struct plan plan = { 0 };

	*t = (struct tunnel){ .journaled = true };
	model_host_init(&t->host);
	t->host.state.ipv6_elsewhere = ipv6_elsewhere;
	model_read_file(&file, text);
	assert_int_equal(endpoint_texts(&t->applied.endpoints, &file), 0);
	assert_int_equal(plan_interface(&plan, &file, &o), 0);
	assert_int_equal(plan_tunnel(&plan, &file, &t->host.state, &o), 0);
	model_perform(&t->host, &plan);
	assert_int_equal(applied_set(&t->applied, &file, &plan), 0);
	plan_free(&plan);
	tunnel_file_free(&file);
}

static inline void bring_up(struct tunnel *t, const char *text)
{
	bring_up_on(t, text, false);
}

/* A host with IPv6 on another interface. */
static inline void bring_up_on_busy_host(struct tunnel *t, const char *text)
{
	bring_up_on(t, text, true);
}

static inline void take_down(struct tunnel *t)
{
	model_host_free(&t->host);
	applied_free(&t->applied);
}

struct reload {
	struct tunnel_file file;
	struct string_list endpoints;
	struct plan plan, old_dns;
};

static inline void reload_init(struct reload *r, struct tunnel *t, const struct applied *applied, const char *text)
{
	struct diff_input in = { .desired = &r->file, .actual = &t->host.state, .applied = applied,
				 .endpoints = &r->endpoints, .warn = note_warning, .ctx = t };
	uint32_t table;

	*r = (struct reload){ 0 };
	model_read_file(&r->file, text);
	assert_int_equal(endpoint_texts(&r->endpoints, &r->file), 0);
	if (r->endpoints.n > 0)
		qsort(r->endpoints.list, r->endpoints.n, sizeof *r->endpoints.list, model_compare_lines);
	table = tunnel_file_table(&r->file);
	model_inspect_routes(&t->host, table, applied && applied->has_table ? applied->table : table);
	assert_int_equal(plan_diff(&r->plan, &r->old_dns, &in), 0);
}

static inline void reload_free(struct reload *r)
{
	plan_free(&r->plan);
	plan_free(&r->old_dns);
	string_list_free(&r->endpoints);
	tunnel_file_free(&r->file);
}

/* With the journal that the reload leaves. */
static inline void assert_nothing_differs(struct tunnel *t, struct reload *done, const char *text)
{
	struct applied after = { 0 };
	struct reload again;

	if (t->journaled)
		assert_int_equal(applied_after_reload(&after, &t->applied, &done->file, &done->plan), 0);
	string_list_free(&after.endpoints);
	assert_int_equal(endpoint_texts(&after.endpoints, &done->file), 0);
	reload_init(&again, t, t->journaled ? &after : NULL, text);
	assert_lines(&again.old_dns, "");
	assert_lines(&again.plan, "");
	reload_free(&again);
	applied_free(&after);
}

static inline void copy_routes(struct routes *to, const struct routes *from)
{
	*to = (struct routes){ 0 };
	for (size_t i = 0; i < from->n; i++)
		assert_true(routes_append(to, &from->list[i]));
}

/* What an undo knows of the host before the reload. */
static inline void copy_state(struct host_state *to, const struct host_state *from)
{
	*to = (struct host_state){ 0 };
	assert_true(device_copy(&to->device, &from->device));
	for (size_t i = 0; i < from->addresses.n; i++)
		assert_true(addresses_add(&to->addresses, &from->addresses.list[i]));
	copy_routes(&to->routes, &from->routes);
	copy_routes(&to->routes_before, &from->routes_before);
	copy_routes(&to->mark_routes, &from->mark_routes);
}

static inline void undo_reload(struct tunnel *t, struct reload *done, const struct host_state *before)
{
	struct wg_device now, device;
	struct plan undo = { 0 };

	assert_true(device_copy(&now, &t->host.state.device) && device_copy(&device, &before->device));
	device_free(&done->plan.device_rollback);
	assert_int_equal(device_rollback(&done->plan.device_rollback, &now, &device), 0);
	assert_int_equal(plan_undo_diff(&undo, &done->plan, t->journaled ? &t->applied : NULL, before), 0);
	model_perform(&t->host, &undo);
	assert_true(slow_equal(&t->host.state.device, &before->device));
	plan_free(&undo);
	device_free(&now);
	device_free(&device);
}

/* After the first steps. */
static inline void assert_undo(struct tunnel *t, struct reload *r, size_t steps, const struct host_state *state)
{
	struct string_list before = { 0 }, after = { 0 };
	size_t n = r->plan.n;

	model_print(&before, &t->host);
	for (size_t i = 0; i < n; i++)
		r->plan.steps[i].done = false;
	r->plan.n = steps;
	model_perform(&t->host, &r->plan);
	r->plan.n = n;
	undo_reload(t, r, state);
	model_print(&after, &t->host);
	assert_same_strings(&before, &after);
	string_list_free(&before);
	string_list_free(&after);
}

/* Leaves the host as it was, after any number of steps as well. */
static inline void assert_reload(struct tunnel *t, const char *text, const char *old_dns, const char *lines)
{
	struct string_list before = { 0 }, after = { 0 };
	struct host_state state;
	struct reload r;

	model_print(&before, &t->host);
	reload_init(&r, t, t->journaled ? &t->applied : NULL, text);
	copy_state(&state, &t->host.state);
	assert_lines(&r.old_dns, old_dns);
	assert_lines(&r.plan, lines);
	for (size_t i = 0; i < r.plan.n; i++)
		assert_undo(t, &r, i, &state);
	model_perform(&t->host, &r.plan);
	assert_nothing_differs(t, &r, text);
	undo_reload(t, &r, &state);
	model_print(&after, &t->host);
	assert_same_strings(&before, &after);
	string_list_free(&before);
	string_list_free(&after);
	host_state_free(&state);
	reload_free(&r);
}

#endif
