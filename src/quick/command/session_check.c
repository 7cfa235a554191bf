/* `reload --check`. */
#include "session_check.h"

#include <errno.h>
#include <stdlib.h>

#include "messages.h"
#include "quick/host/entered_netns.h"
#include "quick/host/ssh_connection.h"
#include "quick/plan/session_path.h"
#include "report/output.h"
#include "report/report.h"

enum { STANDARD_OUTPUT = 1 };

/* Those of the main table that are not over the tunnel's link. */
static int list_outside(struct routes *out, struct rtnetlink *rt, uint8_t family, uint32_t link)
{
	struct routes all = { 0 }, own = { 0 };
	int r = rtnetlink_routes(rt, family, TABLE_MAIN, 0, &all);

	if (r == 0)
		r = rtnetlink_routes(rt, family, TABLE_MAIN, link, &own);
	routes_sort(&own);
	if (r == 0 && !vector_reserve(&out->list, &out->cap, all.n, sizeof *out->list))
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (!routes_have(&own, &all.list[i].prefix))
			out->list[out->n++] = all.list[i];
	free(all.list);
	free(own.list);
	return r;
}

static int say(const struct ssh_session *s, enum session_end end, const char *name)
{
	char buffer[256];
	struct text t = text_fixed(buffer, sizeof buffer);

	ssh_session_describe(&t, s, end);
	if (end == SESSION_KEPT) {
		text_char(&t, '\n');
		return exit_status_of_output(report_write(STANDARD_OUTPUT, t.p, t.n));
	}
	report_error("the reload would cut this SSH session: %s", buffer);
	report_help("run `wg-quick reload --confirm 60 %s', which is rolled back unless `wg-quick confirm' is run", name);
	return SESSION_CUT;
}

int check_session(struct comparison *c)
{
	const struct diff_input in = { .desired = &c->file, .actual = &c->state, .applied = comparison_applied(&c->journal),
				       .endpoints = &c->endpoints };
	struct text connection = text_heap();
	struct ssh_session s = { .client.family = IP_NONE };
	enum session_end end;
	int r = ssh_connection_find(&connection) && ssh_session_parse(&s, text_of(&connection)) ? 0 : -ENOENT, status = 1;

	if (r == -ENOENT) {
		report_warning("no SSH session was found: SSH_CONNECTION is not set");
		status = 0;
	} else {
		r = list_outside(&s.outside, &c->host->rtnetlink, s.client.family, c->state.link.index);
		end = SESSION_KEPT;
		if (r == 0 && !netns_is_inside()) /* else the session is outside, where nothing changes */
			r = ssh_session_judge(&end, &s, &in);
		status = report_failure("examine the SSH session", r) < 0 ? 1 : say(&s, end, c->file.name);
	}
	ssh_session_free(&s);
	text_heap_free(&connection);
	return status;
}
