/* Name servers and search domains: copying and comparing. */
#include "dns_config.h"

void dns_config_free(struct dns_config *d)
{
	string_list_free(&d->servers);
	string_list_free(&d->domains);
}

static bool lists_equal(const struct string_list *a, const struct string_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->list[i], b->list[i]) != 0)
			return false;
	return true;
}

bool dns_config_equal(const struct dns_config *a, const struct dns_config *b)
{
	return lists_equal(&a->servers, &b->servers) && lists_equal(&a->domains, &b->domains);
}

static bool append(struct string_list *to, const struct string_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!string_list_add(to, span_of(from->list[i])))
			return false;
	return true;
}

bool dns_config_append(struct dns_config *to, const struct dns_config *from)
{
	return append(&to->servers, &from->servers) && append(&to->domains, &from->domains);
}
