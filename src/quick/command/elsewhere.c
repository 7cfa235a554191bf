/* Tunnels of this network namespace whose interfaces are in another one. */
#include "elsewhere.h"

#include "crypto/crypto.h"
#include "keys.h"
#include "quick/host/host.h"
#include "quick/host/moved_link.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/journal/journal.h"
#include "quick/journal/other_tunnels.h"

static bool public_key(struct wg_public *out, const struct tunnel_file *f)
{
	bool has_key = (f->device.flags & WG_DEVICE_HAS_PRIVATE_KEY) != 0;

	if (has_key)
		x25519_public(out, &f->device.private_key);
	return has_key;
}

/* trace: null to find it only. */
static int find_or_delete(struct ipc *ipc, const struct tunnel_file *f, struct text *trace)
{
	struct string_list others = { 0 };
	struct wg_public key;
	struct moved_link link = { .name = f->name, .key = public_key(&key, f) ? &key : NULL, .others = &others };
	int r = other_tunnels_names(&others, f->name);

	if (r == 0)
		r = trace ? moved_link_delete(ipc, &link, trace) : moved_link_find(ipc, &link);
	string_list_free(&others);
	return r;
}

int tunnel_delete_elsewhere(struct ipc *ipc, const struct tunnel_file *f, struct text *trace)
{
	return find_or_delete(ipc, f, trace);
}

/* If the file can no longer be read, the name decides. */
static bool find_journaled(struct ipc *ipc, const struct journal *j)
{
	struct tunnel_file f = { .lines_only = true, .regular_only = true };
	struct diag silent = { 0 };
	bool found;

	memcpy(f.name, j->name, sizeof f.name);
	f.path = j->applied.config ? span_dup(span_of(j->applied.config)) : NULL;
	if (f.path && tunnel_file_load(&f, &silent) < 0)
		f.device.flags &= ~(uint32_t)WG_DEVICE_HAS_PRIVATE_KEY;
	else if (f.path)
		read_keys_if_possible(&f);
	found = find_or_delete(ipc, &f, NULL) > 0;
	tunnel_file_free(&f);
	return found;
}

bool tunnel_is_elsewhere(void *host, const char *name)
{
	struct ipc *ipc = &((struct host *)host)->ipc;
	struct journal j;
	bool found = journal_open_unlocked(&j, name) == 0 && j.exists && j.ifindex && find_journaled(ipc, &j);

	applied_free(&j.applied);
	return found;
}
