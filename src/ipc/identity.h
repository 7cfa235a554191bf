/* The identity of the device that currently has a name. A later device of the same name has another identity, even after a
 * reboot, in another network namespace, or from another daemon. */
#ifndef WG_IPC_IDENTITY_H
#define WG_IPC_IDENTITY_H

#include "kernel.h"

enum { BOOT_ID_BYTES = 36, IDENTITY_BYTES = 144 };

struct identity {
	uint8_t backend;          /* enum ipc_backend */
	char boot[BOOT_ID_BYTES]; /* the kernel's boot_id */
	uint64_t namespace;       /* kernel: the inode of the network namespace; 0 for sockets */
	uint64_t cookie;          /* kernel: of the network namespace, 0 before Linux 5.14; socket: its file system */
	uint64_t number;          /* kernel: the index of the link; socket: its inode */
	uint64_t time_ns;         /* socket: when it was bound; else 0 */
	char netns_name[64];      /* kernel: that of the namespace in ip-netns(8), or ""; not compared */
};

/* The device that a name stands for, without netns_name. False: no device has it, or the identity cannot be determined. */
must_check bool identity_of(struct identity *out, struct ipc_kernel *k, const char *socket_dir, const char *name);
bool identity_equal(const struct identity *a, const struct identity *b);

enum existence { EXISTS, IS_GONE, MAY_EXIST };
/* Of the device that had this name. `links`: all links of this network namespace in the order of their indices; null: the
 * kernel is asked. MAY_EXIST: it is in a namespace of which nothing is known. */
enum existence identity_existence(const struct identity *id, struct ipc_kernel *k, const struct ipc_names *links,
				  const char *socket_dir, const char *name);

/* As bytes of a file. False: they are no identity. */
void identity_encode(uint8_t out[IDENTITY_BYTES], const struct identity *id);
must_check bool identity_decode(struct identity *out, const uint8_t p[IDENTITY_BYTES]);

#endif
