/* BindDevice and SourceAddress. */
#include "bind_keys.h"

#include "bad_value.h"
#include "list.h"

static void report(const char *file, const struct conf_extra *x, struct diag *d, struct span bad, const char *expected)
{
	bad_value_report(d, file, x, "bad-value", bad, expected);
}

static struct bind_position position_of(const struct conf_extra *x)
{
	return (struct bind_position){ x->line, x->column, x->value.n > 0 ? (unsigned int)x->value.n : 1 };
}

void bind_device_read(struct bind_keys *k, const char *file, const char *interface, const struct conf_extra *x, struct diag *d)
{
	struct text t = text_fixed(k->to.device, sizeof k->to.device);

	k->device_at = position_of(x);
	if (!device_name_is_valid(x->value))
		report(file, x, d, x->value, "the name of an interface");
	else if (interface && interface[0] && span_is(x->value, interface))
		report(file, x, d, x->value, "an interface other than that of the tunnel");
	else
		text_span(&t, x->value);
}

static void refuse_source(const char *file, const struct conf_extra *x, struct diag *d, struct span word, const char *why)
{
	struct diag_at at = { .file = file, .line = x->line, .column = x->column + (unsigned int)(word.p - x->value.p),
			      .width = (unsigned int)word.n, .id = "bad-value" };

	diag_f(d, DIAG_ERROR, &at, NULL, "%.*s: %.*s %s", (int)x->key.n, x->key.p, (int)word.n, word.p, why);
}

void source_address_read(struct bind_keys *k, const char *file, const struct conf_extra *x, struct diag *d)
{
	struct span rest = x->value, word;
	bool any = false;

	k->source_at = position_of(x);
	k->to.source[0] = k->to.source[1] = (struct ip_addr){ 0 };
	while (list_next(&word, &rest)) {
		struct ip_addr a;
		const char *why = NULL;
		if (!ip_parse(&a, word)) {
			report(file, x, d, word, "an IP address");
			return;
		}
		why = binding_source_refusal(&a);
		if (!why && k->to.source[a.family == IP_V6].family != IP_NONE)
			why = a.family == IP_V6 ? "is a second IPv6 address" : "is a second IPv4 address";
		if (why) {
			refuse_source(file, x, d, word, why);
			return;
		}
		k->to.source[a.family == IP_V6] = a;
		any = true;
	}
	if (!any)
		report(file, x, d, x->value, "an IP address");
}

bool bind_keys_check(const struct bind_keys *k, const char *file, struct diag *d)
{
	struct diag_at at = { .file = file, .line = k->source_at.line, .column = k->source_at.column,
			      .width = k->source_at.width, .id = "bad-value" };

	if (!ip_is_v6_link_local(&k->to.source[1]) || k->device_at.line)
		return true;
	diag_f(d, DIAG_ERROR, &at, "add BindDevice with the interface that has it", "SourceAddress: a link-local address belongs to one interface");
	return false;
}
