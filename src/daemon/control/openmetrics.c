/* OpenMetrics. */
#include "openmetrics.h"

#define PREFIX "wireguardd_"

static const struct { const char *word, *suffix; } types[] = {
	[METRIC_COUNTER] = { "counter", "_total" },
	[METRIC_GAUGE] = { "gauge", "" },
	[METRIC_INFO] = { "info", "_info" },
};

static void put_escaped(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			text_add(t, "\\n");
		else if (*s == '"' || *s == '\\')
			text_f(t, "\\%c", *s);
		else
			text_char(t, *s < ' ' || *s > '~' ? '?' : *s);
	}
}

void metrics_family(struct metrics *m, enum metric_type type, const char *name, const char *unit, const char *help)
{
	m->family = name;
	m->type = type;
	text_f(m->out, "# TYPE " PREFIX "%s %s\n", name, types[type].word);
	if (unit)
		text_f(m->out, "# UNIT " PREFIX "%s %s\n", name, unit);
	text_f(m->out, "# HELP " PREFIX "%s ", name);
	put_escaped(m->out, help);
	text_char(m->out, '\n');
}

static void put_label(struct text *t, const char *name, const char *value)
{
	text_f(t, "%s=\"", name);
	put_escaped(t, value);
	text_char(t, '"');
}

static void begin_sample(struct metrics *m, const struct metric_label *labels)
{
	text_f(m->out, PREFIX "%s%s{", m->family, types[m->type].suffix);
	put_label(m->out, "interface", m->interface);
	for (int i = 0; labels && i < METRIC_LABELS_MAX; i++) {
		if (!labels[i].name)
			continue;
		text_char(m->out, ',');
		put_label(m->out, labels[i].name, labels[i].value);
	}
	text_add(m->out, "} ");
}

void metrics_value(struct metrics *m, const struct metric_label *labels, uint64_t value)
{
	begin_sample(m, labels);
	text_u64(m->out, value);
	text_char(m->out, '\n');
}

void metrics_seconds(struct metrics *m, const struct metric_label *labels, uint64_t value_ns)
{
	uint64_t part = value_ns % NS_PER_S;

	begin_sample(m, labels);
	text_u64(m->out, value_ns / NS_PER_S);
	text_char(m->out, '.');
	for (uint64_t unit = NS_PER_S / 10; unit > 0; part %= unit, unit /= 10)
		text_char(m->out, (char)('0' + part / unit));
	text_char(m->out, '\n');
}

void metrics_end(struct metrics *m)
{
	text_add(m->out, "# EOF\n");
}
