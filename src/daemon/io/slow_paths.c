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

int slow_paths_find(const struct slow_paths *s, const struct wg_path *path)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (is_path(&s->all[i].key, path))
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

/* A socket that no path has; otherwise the one in which the least waits. */
static unsigned int choose_socket(const struct slow_paths *s, const uint32_t waiting[SLOW_SOCKETS])
{
	unsigned int least = 0;

	for (unsigned int i = 0; i < SLOW_SOCKETS; i++) {
		if (!is_in_use(s, i))
			return i;
		if (waiting[i] < waiting[least])
			least = i;
	}
	return least;
}

static void clear_socket(struct slow_paths *s, unsigned int socket)
{
	for (unsigned int i = s->n; i-- > 0;)
		if (s->all[i].socket == socket)
			s->all[i] = s->all[--s->n];
}

void slow_paths_separate(struct slow_paths *s, const uint32_t waiting[SLOW_SOCKETS])
{
	struct suspect *x = slowest(s);
	unsigned int socket = choose_socket(s, waiting);

	s->least = s->waiting;
	if (x->waiting == 0)
		return;
	if (waiting[socket] == 0) /* the paths that had it are not slow any more */
		clear_socket(s, socket);
	if (s->n < SLOW_PATHS)
		s->oldest = s->n++;
	else
		s->oldest = (s->oldest + 1) % SLOW_PATHS;
	s->all[s->oldest] = (struct slow_path){ x->key, (uint8_t)socket };
	*x = (struct suspect){ 0 };
}
