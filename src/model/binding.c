/* The binding of the outer UDP sockets: text and comparison. */
#include "binding.h"

#include <errno.h>

bool binding_equal(const struct wg_binding *a, const struct wg_binding *b)
{
	return strcmp(a->device, b->device) == 0 && ip_equal(&a->source[0], &b->source[0]) &&
	       ip_equal(&a->source[1], &b->source[1]);
}

bool binding_is_empty(const struct wg_binding *b)
{
	return !b->device[0] && b->source[0].family == IP_NONE && b->source[1].family == IP_NONE;
}

uint8_t binding_family(const struct wg_binding *b)
{
	if (binding_has_family(b, false))
		return binding_has_family(b, true) ? IP_NONE : IP_V4;
	return IP_V6;
}

static bool starts_with(const struct ip_addr *a, struct span prefix)
{
	struct ip_prefix p;

	return prefix_parse(&p, prefix, NULL) && prefix_contains(&p, a);
}

const char *binding_source_refusal(const struct ip_addr *a)
{
	static const struct {
		const char *prefix, *refusal;
	} all[] = {
		{ "0.0.0.0/8", "is not the address of a host" },
		{ "::/128", "is not the address of a host" },
		{ "224.0.0.0/4", "is a multicast address" },
		{ "ff00::/8", "is a multicast address" },
		{ "255.255.255.255/32", "is a broadcast address" },
		{ "::ffff:0:0/96", "is an IPv4 address in IPv6 form" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (starts_with(a, span_of(all[i].prefix)))
			return all[i].refusal;
	return NULL;
}

void binding_print(struct text *t, const struct wg_binding *b)
{
	if (b->device[0])
		text_f(t, "bind_device=%s\n", b->device);
	for (int v6 = 0; v6 < 2; v6++) {
		if (b->source[v6].family == IP_NONE)
			continue;
		text_add(t, "source_address=");
		ip_print(t, &b->source[v6]);
		text_char(t, '\n');
	}
	if (b->may_be_missing)
		text_add(t, "may_be_missing=true\n");
}

int binding_read(struct wg_binding *b, struct span key, struct span value)
{
	struct ip_addr a;

	if (span_is(key, "bind_device")) {
		struct text t;
		if (!device_name_is_valid(value) || b->device[0])
			return -EINVAL;
		t = text_fixed(b->device, sizeof b->device);
		text_span(&t, value);
		return 0;
	}
	if (span_is(key, "may_be_missing")) {
		b->may_be_missing = span_is(value, "true");
		return b->may_be_missing ? 0 : -EINVAL;
	}
	if (!span_is(key, "source_address"))
		return -ENOENT;
	if (!ip_parse(&a, value) || binding_source_refusal(&a) || b->source[a.family == IP_V6].family != IP_NONE)
		return -EINVAL;
	b->source[a.family == IP_V6] = a;
	return 0;
}

/* False: there is no other line. */
static bool next_line(struct span *key, struct span *value, struct span *text)
{
	struct span line;
	size_t equals;

	if (text->n == 0 || !span_next(&line, text, '\n'))
		return false;
	equals = span_find(line, '=');
	*key = span_sub(line, 0, equals);
	*value = span_sub(line, equals + 1, line.n);
	return true;
}

bool binding_read_lines(struct wg_binding *b, struct span text)
{
	struct span key, value;

	*b = (struct wg_binding){ .device = "" };
	while (next_line(&key, &value, &text)) {
		int error = binding_read(b, key, value);
		if (error && error != -ENOENT)
			return false;
	}
	return true;
}

void binding_print_set(struct text *t, const struct wg_binding *b)
{
	text_add(t, BINDING_SET "\n");
	binding_print(t, b);
	text_char(t, '\n');
}

int binding_read_reply(struct wg_binding *b, struct span text)
{
	struct wg_binding got;
	struct span key, value, rest = text;
	uint64_t error = 0;
	bool found = false;

	if (text.n < 2 || text.p[text.n - 1] != '\n' || text.p[text.n - 2] != '\n' || !binding_read_lines(&got, text))
		return -EPROTO;
	while (next_line(&key, &value, &rest))
		if (span_is(key, "errno")) {
			if (span_starts(value, "-"))
				value = span_sub(value, 1, value.n);
			if (!span_to_u64(&error, value, INT32_MAX))
				return -EPROTO;
			found = true;
		}
	if (!found)
		return -EPROTO;
	if (b && error == 0)
		*b = got;
	return -(int)error;
}
