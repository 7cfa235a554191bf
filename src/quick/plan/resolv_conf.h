/* The contents of /etc/resolv.conf as the file back-end writes it. While a tunnel is up, the file has the name servers
 * of the tunnel that was brought up last; its comments contain the settings of all tunnels and the original file, so that it
 * can be restored whatever else is lost. */
#ifndef WG_QUICK_RESOLV_CONF_H
#define WG_QUICK_RESOLV_CONF_H

#include "quick/config/dns_config.h"

enum { RESOLV_CONF_ID_MAX = 48, RESOLV_CONF_WORD_MAX = 24 };

/* A tunnel that set its name servers. The words are never empty; "-": not known. */
struct resolv_conf_tunnel {
	char id[RESOLV_CONF_ID_MAX];         /* NAME@NETNS, as the file name of its journal */
	uint32_t index;                      /* of the interface; 0: not known */
	char boot[RESOLV_CONF_WORD_MAX];     /* the run of the kernel, */
	char init[RESOLV_CONF_WORD_MAX];     /* and of the container, in which it was brought up */
	struct dns_config dns;
};

enum resolv_conf_kind {
	RESOLV_CONF_FILE,
	RESOLV_CONF_NONE, /* there was no file */
	RESOLV_CONF_LINK, /* a symbolic link that could not be written through was replaced */
};

struct resolv_conf {
	bool ours;    /* the text that was parsed is one of ours: it has our mark */
	bool intact;  /* not changed since */
	bool foreign; /* lines were added to it: they are part of `original` now */
	bool damaged; /* the comments are incomplete: `original` is empty and the tunnels have names only */
	enum resolv_conf_kind kind; /* of the original */
	struct text original;
	char *target; /* of the link */
	struct resolv_conf_tunnel *tunnels; /* the last one brought up is the last; without ours: none */
	size_t n, cap;
};
void resolv_conf_free(struct resolv_conf *rc);

/* A text without our mark is an original. False: out of memory. */
must_check bool resolv_conf_parse(struct resolv_conf *rc, struct span text);
/* The lines of the text without our mark become the original, for a damaged text without a backup. */
void resolv_conf_salvage(struct resolv_conf *rc, struct span text);
/* False: there is no such tunnel. */
bool resolv_conf_drop(struct resolv_conf *rc, const char *id);
bool resolv_conf_lists(const struct resolv_conf *rc, const char *id);
/* True when the tunnel set these name servers, and what is in the file is what wg-quick wrote. */
bool resolv_conf_has(const struct resolv_conf *rc, const char *id, const struct dns_config *dns);
struct span resolv_conf_tunnel_name(const struct resolv_conf_tunnel *tunnel);

/* The contents while its tunnels are up, without the one with this id, which may be null, and with `top` after them,
 * which may be null. Without any tunnel: the contents of the original. */
void resolv_conf_print(struct text *t, const struct resolv_conf *rc, const char *without,
		       const struct resolv_conf_tunnel *top);
/* "nameserver" lines and a "search" line, as resolvconf(8) reads them. */
void resolv_conf_print_servers(struct text *t, const struct dns_config *d);

#endif
