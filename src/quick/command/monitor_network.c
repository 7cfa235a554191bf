/* Finds the tunnels that a network event concerns. */
#include "monitor.h"
#include "quick/host/process.h"

static struct monitored_tunnel *find_link(const struct monitor *m, uint32_t link)
{
	for (size_t i = 0; link && i < m->n_tunnels; i++)
		if (m->tunnels[i]->ifindex == link)
			return m->tunnels[i];
	return NULL;
}

static struct monitored_tunnel *find_table(const struct monitor *m, uint32_t table)
{
	for (size_t i = 0; i < m->n_tunnels; i++)
		for (size_t k = 0; k < ARRAY_LEN(m->tunnels[i]->tables); k++)
			if (m->tunnels[i]->tables[k] == table)
				return m->tunnels[i];
	return NULL;
}

/* The number of the socket is usually that of its process. Read at once, before the process ends. */
static void note_other(struct monitor *m, size_t kind, uint32_t pid)
{
	char name[sizeof m->others[0].name];

	if (pid == 0 || pid > INT32_MAX || !process_name(name, sizeof name, pid) || strcmp(name, "wg-quick") == 0)
		return;
	m->others[kind].pid = pid;
	memcpy(m->others[kind].name, name, sizeof name);
}

/* ---- links ---- */

static void forget_link(struct monitor *m, uint32_t index)
{
	for (size_t i = 0; i < m->n_links; i++)
		if (m->links[i].index == index) {
			m->links[i] = m->links[--m->n_links];
			return;
		}
}

/* True when the MTU of a link that was up is another one, or it is down. Wireless links send messages all the time. */
static bool link_changed(struct monitor *m, const struct netlink_event *e)
{
	uint32_t mtu = e->link_up && !e->removed ? e->mtu : 0, before = 0;

	if (e->mtu == 0 && !e->removed)
		return false;
	for (size_t i = 0; i < m->n_links; i++)
		if (m->links[i].index == e->link)
			before = m->links[i].mtu;
	if (before == mtu)
		return false;
	forget_link(m, e->link);
	known_forget_link(&m->known, e->link);
	if (mtu && vector_reserve(&m->links, &m->cap_links, m->n_links + 1, sizeof *m->links))
		m->links[m->n_links++] = (struct seen_link){ e->link, mtu };
	return true;
}

static void link_event(struct monitor *m, const struct netlink_event *e)
{
	struct monitored_tunnel *t = find_link(m, e->link);

	if (t)
		monitor_event(m, t, EVENT_LINK);
	else if (link_changed(m, e))
		monitor_event(m, NULL, EVENT_PATH);
}

static struct known_thing thing_of(const struct netlink_event *e)
{
	return (struct known_thing){ .id = e->id, .contents = e->contents, .link = e->link };
}

/* False: only its lifetime was prolonged, or it cannot be used yet. Without an address, some routes are gone as well. */
static bool address_changed(struct monitor *m, const struct netlink_event *e)
{
	const struct known_thing thing = thing_of(e);

	if (e->removed)
		known_forget_link(&m->known, e->link);
	else if (!e->usable)
		return known_forget(&m->known, e->id);
	return e->removed || known_note(&m->known, &thing, true);
}

static void address_event(struct monitor *m, const struct netlink_event *e)
{
	struct monitored_tunnel *t = find_link(m, e->link);

	if (t && e->removed) {
		note_other(m, OTHER_ADDRESSES, e->pid);
		monitor_event(m, t, EVENT_ADDRESS);
	} else if (!t && address_changed(m, e)) {
		monitor_event(m, NULL, EVENT_NETWORK);
	}
}

/* False: only its lifetime was prolonged. */
static bool route_changed(struct monitor *m, const struct netlink_event *e)
{
	const struct known_thing thing = thing_of(e);

	if (e->removed)
		(void)known_forget(&m->known, e->id);
	return e->removed || !e->id || known_note(&m->known, &thing, e->replaces);
}

static void route_event(struct monitor *m, const struct netlink_event *e)
{
	struct monitored_tunnel *t = find_link(m, e->link);

	if (!t)
		t = find_table(m, e->table);
	if (t && e->removed)
		note_other(m, OTHER_ROUTING, e->pid);
	if (t)
		monitor_event(m, t, EVENT_ROUTE);
	else if (route_changed(m, e))
		monitor_event(m, NULL, EVENT_PATH);
}

void monitor_network_event(struct monitor *m, const struct netlink_event *e)
{
	switch (e->kind) {
	case NETLINK_EVENT_LINK:
		link_event(m, e);
		return;
	case NETLINK_EVENT_ADDRESS:
		address_event(m, e);
		return;
	case NETLINK_EVENT_ROUTE:
		route_event(m, e);
		return;
	case NETLINK_EVENT_RULE:
		if (e->removed)
			note_other(m, OTHER_ROUTING, e->pid);
		monitor_event(m, NULL, EVENT_RULE);
		return;
	case NETLINK_EVENT_FIREWALL:
		note_other(m, OTHER_FIREWALL, e->pid);
		monitor_event(m, NULL, EVENT_FIREWALL);
		return;
	case NETLINK_EVENT_LOST:
		m->known.n = 0;
		monitor_event(m, NULL, EVENT_ALL);
		return;
	}
	unreachable();
}
