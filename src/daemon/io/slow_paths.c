/* Which paths are slow: an estimate of what waits for each, from how the sum changes. */
#include "slow_paths.h"

static struct path_key key_of(const struct wg_path *path)
{
	return (struct path_key){ path->remote, path->local };
}

static bool is_path(const struct path_key *key, const struct wg_path *path)
{
	return endpoint_equal(&key->remote, &path->remote) && ip_equal(&key->local, &path->local);
}

int slow_paths_find(const struct slow_paths *s, const struct wg_path *path, uint64_t now_ns)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (now_ns < s->all[i].until_ns && is_path(&s->all[i].key, path))
			return s->all[i].socket;
	return -1;
}

/* The entry of the path, or the one with the least bytes, which it replaces. */
static struct suspect *suspect_of(struct slow_paths *s, const struct wg_path *path)
{
	struct suspect *least = &s->suspects[0];

	for (size_t i = 0; i < SLOW_SUSPECTS; i++) {
		struct suspect *x = &s->suspects[i];
		if (is_path(&x->key, path))
			return x;
		if (x->waiting + x->sent < least->waiting + least->sent)
			least = x;
	}
	*least = (struct suspect){ .key = key_of(path) };
	return least;
}

void slow_paths_sent(struct slow_paths *s, const struct wg_path *path, size_t bytes)
{
	suspect_of(s, path)->sent += bytes + SLOW_MESSAGE_BYTES;
	s->sent += bytes + SLOW_MESSAGE_BYTES;
}

bool slow_paths_must_measure(const struct slow_paths *s)
{
	return s->sent >= SLOW_MEASURE_BYTES;
}

/* Of a path that was sent less than the sum grew by, everything may wait; of another one only a part can, and the less
 * likely all of the growth is its own. */
static void attribute(struct suspect *x, uint64_t growth)
{
	if (x->sent <= growth)
		x->waiting += x->sent;
	else
		x->waiting += growth * growth / x->sent;
}

bool slow_paths_measured(struct slow_paths *s, uint32_t waiting, uint32_t step)
{
	for (size_t i = 0; i < SLOW_SUSPECTS; i++) {
		struct suspect *x = &s->suspects[i];
		if (waiting > s->waiting)
			attribute(x, waiting - s->waiting);
		else if (waiting < s->waiting)
			x->waiting = x->waiting * waiting / s->waiting;
		x->sent = 0;
	}
	s->sent = 0;
	s->waiting = waiting;
	if (waiting < s->least)
		s->least = waiting;
	return waiting - s->least >= step;
}

static struct suspect *slowest(struct slow_paths *s)
{
	struct suspect *most = &s->suspects[0];

	for (size_t i = 1; i < SLOW_SUSPECTS; i++)
		if (s->suspects[i].waiting > most->waiting)
			most = &s->suspects[i];
	return most;
}

static bool is_in_use(const struct slow_paths *s, unsigned int socket)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->all[i].socket == socket)
			return true;
	return false;
}

/* The socket in which the least waits, also of what other workers sent; of equal ones, one that no path has. */
static unsigned int choose_socket(const struct slow_paths *s, const uint32_t waiting[SLOW_SOCKETS])
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < SLOW_SOCKETS; i++)
		if (waiting[i] < waiting[best] ||
		    (waiting[i] == waiting[best] && is_in_use(s, best) && !is_in_use(s, i)))
			best = i;
	return best;
}

static void clear_socket(struct slow_paths *s, unsigned int socket)
{
	for (unsigned int i = s->n; i-- > 0;)
		if (s->all[i].socket == socket)
			s->all[i] = s->all[--s->n];
}

static void clear_expired(struct slow_paths *s, uint64_t now_ns)
{
	for (unsigned int i = s->n; i-- > 0;)
		if (now_ns >= s->all[i].until_ns)
			s->all[i] = s->all[--s->n];
}

/* A free entry; otherwise the oldest. */
static struct slow_path *entry_for_new(struct slow_paths *s)
{
	struct slow_path *oldest = &s->all[0];

	if (s->n < SLOW_PATHS)
		return &s->all[s->n++];
	for (unsigned int i = 1; i < SLOW_PATHS; i++)
		if (s->all[i].until_ns < oldest->until_ns)
			oldest = &s->all[i];
	return oldest;
}

void slow_paths_separate(struct slow_paths *s, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns)
{
	struct suspect *x = slowest(s);
	unsigned int socket;

	s->least = s->waiting;
	if (x->waiting == 0)
		return;
	clear_expired(s, now_ns);
	socket = choose_socket(s, waiting);
	if (waiting[socket] == 0) /* the paths that had it are not slow any more */
		clear_socket(s, socket);
	*entry_for_new(s) = (struct slow_path){ x->key, (uint8_t)socket, now_ns + SLOW_PATH_NS };
	*x = (struct suspect){ 0 };
}
