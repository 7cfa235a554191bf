/* Samples are lines `NAME{LABEL="VALUE",…} NUMBER`; the values that are looked for contain no quotation mark. */
#include "statistics.h"

/* The text between the braces, and the number after them. */
static bool sample(struct span *labels, struct span *number, struct span line, const char *name)
{
	size_t n = strlen(name), close = span_find_last(line, '}');

	if (!span_starts(line, name) || line.n <= n || line.p[n] != '{' || close >= line.n || close < n)
		return false;
	*labels = span_sub(line, n + 1, close - n - 1);
	*number = span_trim(span_sub(line, close + 1, line.n));
	return true;
}

bool statistics_label(char *out, size_t cap, struct span statistics, const char *name, const char *label)
{
	struct span line, labels, number, one;
	size_t n = strlen(label);

	while (span_next(&line, &statistics, '\n')) {
		if (!sample(&labels, &number, line, name))
			continue;
		while (span_next(&one, &labels, ',')) {
			struct text t = text_fixed(out, cap);
			if (!span_starts(one, label) || one.n < n + 3 || one.p[n] != '=' || one.p[n + 1] != '"' ||
			    one.p[one.n - 1] != '"')
				continue;
			text_span(&t, span_sub(one, n + 2, one.n - n - 3));
			return !t.failed;
		}
	}
	return false;
}

bool statistics_sum(uint64_t *out, struct span statistics, const char *name, const char *labels[2])
{
	struct span line, found, number;
	bool any = false;
	uint64_t value;

	*out = 0;
	while (span_next(&line, &statistics, '\n')) {
		if (!sample(&found, &number, line, name) || (labels[0] && !span_contains(found, labels[0])) ||
		    (labels[1] && !span_contains(found, labels[1])) || !span_to_u64(&value, number, UINT64_MAX))
			continue;
		*out += value;
		any = true;
	}
	return any;
}
