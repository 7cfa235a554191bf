/* Login sessions: what their files and records say, and which of them confirm a change. */
#include "login.h"

enum { US_PER_MS = 1000, V4_MAPPED_BYTES = 12 };

/* Only a host can be at it, and not this one by way of the loopback interface. */
static bool is_of_host(const struct ip_addr *a)
{
	static const uint8_t zero[16], loopback[16] = { [15] = 1 };

	if (a->family == IP_V4)
		return a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
	return a->family == IP_V6 && memcmp(a->b, zero, sizeof zero) != 0 && memcmp(a->b, loopback, sizeof loopback) != 0 &&
	       a->b[0] != 0xff;
}

static struct ip_addr unmapped(const struct ip_addr *a)
{
	static const uint8_t mapped[V4_MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

	return a->family == IP_V6 && memcmp(a->b, mapped, sizeof mapped) == 0 ? ip_v4(a->b + V4_MAPPED_BYTES) : *a;
}

static bool read_address(struct ip_addr *out, struct span text)
{
	size_t zone = span_find(text, '%');
	struct ip_addr a;

	if (!ip_parse(&a, span_sub(text, 0, zone)) || (zone < text.n && !ip_is_v6_link_local(&a)))
		return false;
	*out = unmapped(&a);
	return is_of_host(out);
}

/* ---- systemd-logind ---- */

enum key { KEY_UID, KEY_REMOTE, KEY_HOST, KEY_STATE, KEY_REAL, KEY_MONOTONIC, KEY_COUNT };
static const char *const keys[KEY_COUNT] = { "UID", "REMOTE", "REMOTE_HOST", "STATE", "REALTIME", "MONOTONIC" };

/* False: a key is there twice, or the last line is incomplete. */
static bool read_lines(struct span values[KEY_COUNT], struct span text)
{
	struct span line;

	if (text.n == 0 || text.p[text.n - 1] != '\n')
		return false;
	while (span_next(&line, &text, '\n')) {
		size_t equals = span_find(line, '=');
		for (size_t i = 0; equals < line.n && i < KEY_COUNT; i++) {
			if (!span_is(span_sub(line, 0, equals), keys[i]))
				continue;
			if (values[i].p)
				return false;
			values[i] = span_sub(line, equals + 1, line.n);
		}
	}
	return true;
}

bool login_parse_session(struct login *out, struct span text)
{
	struct span values[KEY_COUNT] = { { NULL, 0 } };
	struct login l = { 0 };
	uint64_t uid;
	bool ok = read_lines(values, text) && span_is(values[KEY_REMOTE], "1") &&
		  (span_is(values[KEY_STATE], "active") || span_is(values[KEY_STATE], "online")) &&
		  span_to_u64(&uid, values[KEY_UID], UINT32_MAX - 1) && read_address(&l.from, values[KEY_HOST]) &&
		  span_to_u64(&l.real_us, values[KEY_REAL], UINT64_MAX) &&
		  (!values[KEY_MONOTONIC].p || span_to_u64(&l.monotonic_us, values[KEY_MONOTONIC], UINT64_MAX));

	if (ok)
		l.uid = (uint32_t)uid;
	*out = ok ? l : (struct login){ 0 };
	return ok;
}

/* ---- utmp ---- */

/* No names are looked up: that may take longer than the time that is left. */
bool login_parse_utmp(struct login *out, struct span user, const uint8_t address[16], const struct login_since *since)
{
	static const uint8_t zero[V4_MAPPED_BYTES];
	struct ip_addr a = memcmp(address + 4, zero, sizeof zero) == 0 ? ip_v4(address) : ip_v6(address);
	bool is_user = since->user[0] && span_is(user, since->user);

	*out = (struct login){ .uid = is_user ? since->uid : 0, .from = unmapped(&a) };
	return (is_user || span_is(user, "root")) && is_of_host(&out->from);
}

/* ---- both ---- */

bool login_counts(const struct login *l, const struct login_since *since, uint64_t now_ms)
{
	if (since->real_ms == 0 || (l->uid != since->uid && l->uid != 0))
		return false;
	if (l->monotonic_us > 0)
		return l->monotonic_us / US_PER_MS > since->monotonic_ms;
	return l->real_us / US_PER_MS > since->real_ms && l->real_us / US_PER_MS <= now_ms;
}

void login_print(struct text *t, const struct login *l, const struct login_since *since)
{
	if (l->uid == since->uid && since->user[0])
		text_add(t, since->user);
	else if (l->uid == 0)
		text_add(t, "root");
	else
		text_f(t, "user %u", l->uid);
	text_add(t, " from ");
	ip_print(t, &l->from);
}
