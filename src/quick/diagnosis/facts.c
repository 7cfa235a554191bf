/* Names of peers, the kill switch, and the port. */
#include "facts.h"

#include "quick/plan/kill_switch.h"
#include "statistics.h"

const char *facts_peer_name(const struct facts *f, const struct wg_public *key)
{
	const struct wg_device *d = f->file ? &f->file->device : NULL;

	for (uint32_t i = 0; d && i < d->n_peers; i++)
		if (d->peers[i].name && memcmp(&d->peers[i].public_key, key, sizeof *key) == 0)
			return d->peers[i].name;
	return NULL;
}

void facts_peer_label(char label[PEER_LABEL_MAX], const struct facts *f, const struct wg_peer *peer)
{
	enum { SHOWN = 8 };
	const char *name = facts_peer_name(f, &peer->public_key);
	struct text t = text_fixed(label, PEER_LABEL_MAX);
	char key[KEY_BASE64_CHARS + 1];

	if (name) {
		text_add(&t, name);
		return;
	}
	key_to_base64(key, peer->public_key.b);
	text_f(&t, "%.*s...", SHOWN, key);
}

static const struct step_kill_switch *kill_switch_of(const struct facts *f)
{
	for (size_t i = 0; f->applied && i < f->applied->plan.n; i++)
		if (f->applied->plan.steps[i].kind == STEP_KILL_SWITCH)
			return &f->applied->plan.steps[i].kill_switch;
	return NULL;
}

const char *facts_kill_switch(const struct facts *f)
{
	const struct step_kill_switch *k = kill_switch_of(f);

	return !k ? NULL : k->mode == KILL_SWITCH_LAN ? "lan" : "on";
}

bool facts_kill_switch_is_complete(const struct facts *f, bool *known)
{
	const struct step_kill_switch *k = kill_switch_of(f);
	struct kill_switch one = { .mode = k ? k->mode : (uint8_t)KILL_SWITCH_OFF, .mark = k ? k->mark : 0 };
	struct text name = text_fixed(one.name, sizeof one.name);

	text_add(&name, f->name);
	*known = k && f->state->kill_switch_rules;
	return *known && kill_switch_is_complete(span_of(f->state->kill_switch_rules), (enum firewall_tool)k->tool, &one);
}

bool facts_port_is_closed(const struct facts *f)
{
	const char *labels[2] = { NULL, NULL };
	uint64_t up;

	return f->is_daemon && f->state->link.up && statistics_sum(&up, f->statistics, "wireguardd_up", labels) && !up;
}
