/* Names of peers: those in the comments of a device's tunnel file (model/conf_names.h). The file is, in this order,
 *   1. the one that the journal of wg-quick(8) records for the link with this index, which survives a rename of the link;
 *   2. SYSCONFDIR/wireguard/NAME.conf, unless it has another private key than the device;
 *   3. a file of a journal or of SYSCONFDIR/wireguard that has the private key of the device.
 * A file that cannot be read costs the names and is no error. */
#ifndef WG_REPORT_NAMES_H
#define WG_REPORT_NAMES_H

#include "base/vector.h"
#include "model/model.h"

struct names_folders {
	const char *files;    /* null: SYSCONFDIR "/wireguard" */
	const char *journals; /* null: RUNSTATEDIR "/wgsuite" */
	uint64_t netns;       /* the number in the names of this namespace's journals; 0: do not look for journals */
};

/* A zeroed struct has no names. */
struct peer_names {
	struct wg_device file; /* its peers that have a name, and its private key */
	struct peer_index index;
	char *path;            /* of the file that was read, or the one that should be there; owned; null: unknown */
	int error;             /* -errno: why there are no names; or 0 */
};
/* Reads the names of the device's peers; d: its state, of which name, ifindex and private key are used. */
void names_read(struct peer_names *out, const struct wg_device *d, const struct names_folders *folders);
void names_free(struct peer_names *n);

/* The name of the peer with this key, or null. It is valid UTF-8 that is safe to print on a terminal. */
const char *names_of(const struct peer_names *n, const struct wg_public *key);

/* The keys of the peers with this name, which is without '@'. */
struct names_match {
	unsigned int n; /* 0: none; 2: two or more */
	struct wg_public key[2];
};
struct names_match names_find(const struct peer_names *n, const char *name);

/* The key of the peer that `word` names, as "@NAME" or as a key. False, after an error and its remedy were reported:
 * no peer or several peers have the name, or it is no key. */
must_check bool names_resolve(struct wg_public *out, const struct peer_names *n, const char *word);
/* The error of names_resolve for a name without a peer, and for one with several. */
void names_report_unknown(const struct peer_names *n, const char *word);
void names_report_ambiguous(const struct names_match *m, const char *word);

#endif
