/* DNS by replacing /etc/resolv.conf, for hosts where no program manages it. Tunnels may be brought up and down in any
 * order: when the last one is down, the file is what it was before the first. Its comments contain what
 * the tunnels set and the original (plan/resolv_conf.h), so that nothing is lost by a reboot or when a process is killed:
 * the next wg-quick removes the settings of tunnels that are no longer up. */
#ifndef WG_QUICK_DNS_FILE_H
#define WG_QUICK_DNS_FILE_H

#include "quick/plan/resolv_conf.h"
#include "report/trace.h"

/* Of one tunnel. */
struct dns_file {
	const char *journal; /* path of its journal, whose last component is its id in the file */
	uint32_t ifindex;    /* 0: not known */
	struct command_trace *trace;
	/* True if the interface of a tunnel of this namespace is in another one. */
	bool (*is_elsewhere)(void *ctx, const char *name);
	void *ctx;
};

/* From now on the file is that of this network namespace (netns_place.h), in /etc/netns; "": /etc/resolv.conf. */
void dns_file_set_netns(const char *netns);

/* Reads the file, without the tunnels that are no longer up. 0 or -errno. */
must_check int dns_file_read(struct resolv_conf *out, const struct dns_file *f);
const char *dns_file_id(const char *journal);

/* Each of these returns 0 or -errno; `why` then has the reason. Warnings are reported. */

must_check int dns_file_set(const struct dns_file *f, const struct dns_config *d, struct text *why);
must_check int dns_file_restore(const struct dns_file *f, struct text *why);
/* Drops tunnels that are no longer up. 1: this one was among them. */
must_check int dns_file_sweep(const struct dns_file *f, struct text *why);

#endif
