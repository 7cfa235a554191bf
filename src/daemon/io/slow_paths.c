/* Estimates how many bytes wait for each path, from the changes of their sum. */
#include "slow_paths.h"

enum {
	ALL = 1024,         /* suspect.stays */
	LEARNING_PART = 2,  /* of the error, by which one measurement adjusts the predictions */
};

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

static size_t set_of(const struct wg_path *path)
{
	uint32_t sum = path->remote.port * 31u;

	for (size_t i = 0; i < sizeof path->remote.addr.b; i++)
		sum = sum * 31 + path->remote.addr.b[i];
	return (sum ^ sum >> 8 ^ sum >> 16) % (SLOW_SUSPECTS / SLOW_SET);
}

/* The entry of the path, or the one of its set with the least bytes, which it replaces. */
static struct suspect *suspect_of(struct slow_paths *s, const struct wg_path *path)
{
	struct suspect *set = &s->suspects[set_of(path) * SLOW_SET], *least = set;

	for (struct suspect *x = set; x < set + SLOW_SET; x++) {
		if (is_path(&x->key, path))
			return x;
		if (x->waiting + x->sent < least->waiting + least->sent)
			least = x;
	}
	*least = (struct suspect){ .key = key_of(path), .stays = ALL };
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
	uint64_t most = x->sent <= growth ? x->sent : growth * growth / x->sent;

	x->waiting += most * (uint32_t)x->stays / ALL;
}

static int64_t square(uint64_t n)
{
	return (int64_t)n * (int64_t)n;
}

static int32_t part(int64_t n)
{
	return n < 0 ? 0 : n > ALL ? ALL : (int32_t)n;
}

/* Adjusts the parts that stay towards what would have predicted this growth, by the least change of all of them together
 * (a normalised least-mean-squares filter). That of a path to which as much is sent when the sum does not grow goes to
 * zero, so that such a path is not taken for one of several slow ones. */
static void learn(struct slow_paths *s, uint32_t growth)
{
	int64_t error = (int64_t)growth * ALL, squares = 1;

	for (size_t i = 0; i < SLOW_SUSPECTS; i++) {
		const struct suspect *x = &s->suspects[i];
		error -= x->stays * (int64_t)x->sent;
		squares += square(x->sent);
	}
	for (size_t i = 0; i < SLOW_SUSPECTS; i++) {
		struct suspect *x = &s->suspects[i];
		x->stays = part(x->stays + error / LEARNING_PART * (int64_t)x->sent / squares);
	}
}

bool slow_paths_measured(struct slow_paths *s, uint32_t waiting, uint32_t step)
{
	learn(s, waiting > s->waiting ? waiting - s->waiting : 0);
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

/* Of the path that was separated a moment ago, nothing may wait yet. */
static void clear_socket(struct slow_paths *s, unsigned int socket, uint64_t now_ns)
{
	for (unsigned int i = s->n; i-- > 0;)
		if (s->all[i].socket == socket && now_ns - s->all[i].since_ns >= SLOW_FILL_NS)
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

static void separate(struct slow_paths *s, struct suspect *x, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns)
{
	unsigned int socket = choose_socket(s, waiting);

	if (waiting[socket] == 0) /* the paths that had it are no longer slow */
		clear_socket(s, socket, now_ns);
	*entry_for_new(s) = (struct slow_path){ x->key, (uint8_t)socket, now_ns, now_ns + SLOW_PATH_NS };
	x->waiting = 0;
}

void slow_paths_separate(struct slow_paths *s, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns)
{
	struct suspect *x = slowest(s);
	uint64_t waits = x->waiting;
	int32_t stays = x->stays;

	s->least = s->waiting;
	if (waits == 0)
		return;
	clear_expired(s, now_ns);
	separate(s, x, waiting, now_ns);
	for (x = s->suspects; x < s->suspects + SLOW_SUSPECTS; x++)
		if (x->waiting > waits * 3 / 4 && x->stays > stays * 3 / 4)
			separate(s, x, waiting, now_ns);
}
