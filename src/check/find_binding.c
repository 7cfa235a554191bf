/* Findings about BindDevice and SourceAddress. */
#include "finding.h"

static void needs_wireguardd(struct check *c, const struct check_file *f, const struct finding *self)
{
	const char *key = f->bind_at.line ? "BindDevice" : "SourceAddress";

	if (!f->bind_at.line && !f->source_at.line)
		return;
	found(c, self, f, f->bind_at.line ? &f->bind_at : &f->source_at, "%s needs wireguardd: `wg-quick up' "
	      "fails where the kernel serves the interface", key);
	found_help(c, "where the kernel has WireGuard, set [backend] implementation = userspace in wgsuite.ini");
}

static void source_family(struct check *c, const struct check_file *f, const struct finding *self)
{
	uint8_t family = binding_family(&f->binding);

	for (size_t i = 0; family != IP_NONE && !f->has_errors && i < f->n_peers; i++) {
		const struct check_peer *p = &f->peers[i];
		if (p->disabled || p->list.n > 0 || p->endpoint.addr.family == IP_NONE || p->endpoint.addr.family == family)
			continue;
		found(c, self, f, &p->endpoint_at, "this endpoint cannot be reached: SourceAddress has no %s address",
		      family == IP_V4 ? "IPv6" : "IPv4");
		found_help(c, "add one to SourceAddress, or use an endpoint of the other family");
	}
}

static const struct finding list[] = {
	{ .id = "needs-wireguardd", .title = "a key that only wireguardd supports", .level = DIAG_NOTE, .in_file = needs_wireguardd,
	  .why = "BindDevice and SourceAddress bind the sockets of the encrypted packets. The kernel opens those of its interfaces itself, "
		 "and has no request that binds them; other userspace programs have no such setting either. wg-quick up fails then, instead "
		 "of sending packets through another device or from another address than the file says.",
	  .wrong = "[Interface]\nBindDevice = eth1\n# and in wgsuite.ini\n[backend]\nimplementation = kernel",
	  .right = "[Interface]\nBindDevice = eth1\n# and in wgsuite.ini\n[backend]\nimplementation = userspace",
	  .fix = "Let wireguardd serve the interface, or remove the key and use routes and policy rules." },
	{ .id = "source-family", .title = "an endpoint for which there is no socket", .level = DIAG_WARNING, .for_up = true,
	  .in_file = source_family,
	  .why = "With SourceAddress, only the address families that it names have sockets, so that no packet is sent from another address. "
		 "A host name as endpoint is looked up in these families alone; a numeric endpoint of the other one cannot be reached.",
	  .wrong = "SourceAddress = 192.0.2.5\nEndpoint = [2001:db8::1]:51820", .right = "SourceAddress = 192.0.2.5, 2001:db8::5\nEndpoint = [2001:db8::1]:51820",
	  .fix = "Add an address of that family to SourceAddress." },
};
const struct finding_group findings_of_binding = { list, ARRAY_LEN(list) };
