/* Name servers and search domains of a tunnel: the values of DNS. */
#ifndef WG_QUICK_DNS_CONFIG_H
#define WG_QUICK_DNS_CONFIG_H

#include "base/vector.h"

struct dns_config {
	struct string_list servers; /* numeric, as inet_ntop(3) prints them, with a zone where one was given */
	struct string_list domains; /* "~domain": only names below it are resolved by these servers */
};
void dns_config_free(struct dns_config *d);
bool dns_config_equal(const struct dns_config *a, const struct dns_config *b);
/* Appends copies of the servers and domains of `from`. False: no memory; `to` then has some of them. */
must_check bool dns_config_append(struct dns_config *to, const struct dns_config *from);

#endif
