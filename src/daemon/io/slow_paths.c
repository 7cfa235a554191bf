/* Estimates how many bytes wait for each path, and for each device, from the changes of their sum. */
#include "slow_paths.h"

enum {
	ALL = 1024,         /* suspect.stays */
	MORE_THAN_ALL = 2048, /* if messages need more memory than SLOW_MESSAGE_BYTES */
	LEARNING_PART = 2,  /* of the error, by which one measurement adjusts the predictions */
	EXPLAINED_PART = 3, /* of what waits for a device */
	MANY_PATHS = 24,    /* through a device */
};

static struct path_key key_of(const struct wg_path *path)
{
	return (struct path_key){ path->remote, path->local, path->route_ifindex };
}

static bool is_device(const struct path_key *key)
{
	return key->remote.addr.family == IP_NONE;
}

static bool is_path(const struct path_key *key, const struct wg_path *path)
{
	return endpoint_equal(&key->remote, &path->remote) && ip_equal(&key->local, &path->local);
}

static bool is_device_of(const struct path_key *key, const struct wg_path *path)
{
	return is_device(key) && key->device == path->route_ifindex;
}

int slow_paths_find(const struct slow_paths *s, const struct wg_path *path, uint64_t now_ns)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (now_ns < s->all[i].until_ns &&
		    (is_path(&s->all[i].key, path) || is_device_of(&s->all[i].key, path)))
			return s->all[i].socket;
	return -1;
}

bool slow_paths_has_slow_device(const struct slow_paths *s, const struct wg_path *path, uint64_t now_ns)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (now_ns < s->all[i].until_ns && is_device_of(&s->all[i].key, path))
			return true;
	return false;
}

bool slow_paths_needs_devices(const struct slow_paths *s)
{
	return s->n > 0 || s->waiting - s->least > s->step / 4;
}

static size_t set_of(const struct wg_path *path)
{
	uint32_t sum = path->remote.port * 31u;

	for (size_t i = 0; i < sizeof path->remote.addr.b; i++)
		sum = sum * 31 + path->remote.addr.b[i];
	return (sum ^ sum >> 8 ^ sum >> 16) % (SLOW_SUSPECTS / SLOW_SET);
}

/* The entry of the path, or the one of its set with the least bytes, which it replaces. Of the two, the same part is thought to
 * stay: when there are many paths, a part that is only guessed would be corrected at the expense of the others. */
static struct suspect *suspect_of(struct slow_paths *s, const struct wg_path *path)
{
	struct suspect *set = &s->suspects[set_of(path) * SLOW_SET], *least = set;

	for (struct suspect *x = set; x < set + SLOW_SET; x++) {
		if (is_path(&x->key, path))
			return x;
		if (x->waiting + x->sent < least->waiting + least->sent)
			least = x;
	}
	*least = (struct suspect){ .key = key_of(path), .stays = is_device(&least->key) ? ALL : least->stays };
	return least;
}

static uint64_t bytes_of(const struct suspect *x)
{
	return x->sent + x->waiting + x->left;
}

/* Paths whose device is unknown count as one. When there are too many devices, a new one replaces the one with the least bytes. */
static struct suspect *device_of(struct slow_paths *s, const struct wg_path *path)
{
	struct suspect *least = &s->devices[0];

	for (struct suspect *x = s->devices; x < s->devices + s->n_devices; x++) {
		if (x->key.device == path->route_ifindex)
			return x;
		if (bytes_of(x) < bytes_of(least))
			least = x;
	}
	if (s->n_devices < SLOW_DEVICES)
		least = &s->devices[s->n_devices++];
	*least = (struct suspect){ .key.device = path->route_ifindex, .stays = ALL };
	return least;
}

void slow_paths_sent(struct slow_paths *s, const struct wg_path *path, size_t bytes)
{
	struct suspect *x = suspect_of(s, path), *device = device_of(s, path);

	bytes += SLOW_MESSAGE_BYTES;
	x->key.device = path->route_ifindex;
	x->sent += bytes;
	device->sent += bytes;
	s->sent += bytes;
}

bool slow_paths_must_measure(const struct slow_paths *s)
{
	return s->sent >= SLOW_MEASURE_BYTES;
}

/* Of a path that was sent less than the sum grew by, everything may wait; of another one only a part can, and the less
 * likely all of the growth is its own. */
static void attribute_to_paths(struct slow_paths *s, uint64_t growth)
{
	for (struct suspect *x = s->suspects; x < s->suspects + SLOW_SUSPECTS; x++) {
		uint64_t most = x->sent <= growth ? x->sent : growth * growth / x->sent;
		x->waiting += most * (uint32_t)x->stays / ALL;
	}
}

/* All devices are observed, so the growth is divided among them, as predicted. */
static void attribute_to_devices(struct slow_paths *s, uint64_t growth)
{
	uint64_t sum = 0;

	for (const struct suspect *x = s->devices; x < s->devices + s->n_devices; x++)
		sum += x->sent * (uint32_t)x->stays;
	for (struct suspect *x = s->devices; sum > 0 && x < s->devices + s->n_devices; x++)
		x->waiting += growth * x->sent * (uint32_t)x->stays / sum;
}

static int64_t square(uint64_t n)
{
	return (int64_t)n * (int64_t)n;
}

static int32_t bounded(int64_t n, int32_t most)
{
	return n < 0 ? 0 : n > most ? most : (int32_t)n;
}

/* Adjusts the parts that stay towards what would have predicted this growth, by the least change of all of them together
 * (a normalised least-mean-squares filter). That of a path to which as much is sent when the sum does not grow goes to
 * zero, so that such a path is not taken for one of several slow ones. */
static void learn(struct suspect *all, size_t n, int32_t most, uint32_t growth)
{
	int64_t error = (int64_t)growth * ALL, squares = 1;

	for (struct suspect *x = all; x < all + n; x++) {
		error -= x->stays * (int64_t)x->sent;
		squares += square(x->sent);
	}
	for (struct suspect *x = all; x < all + n; x++)
		if (x->sent > 0)
			x->stays = bounded(x->stays + error / LEARNING_PART * (int64_t)x->sent / squares, most);
}

static void shrink(struct suspect *all, size_t n, uint32_t before, uint32_t waiting)
{
	for (struct suspect *x = all; x < all + n; x++) {
		if (x->waiting > 0)
			x->waiting = x->waiting * waiting / before;
		if (x->left > 0)
			x->left = x->left * waiting / before;
	}
}

static void clear_sent(struct suspect *all, size_t n)
{
	for (struct suspect *x = all; x < all + n; x++)
		x->sent = 0;
}

bool slow_paths_measured(struct slow_paths *s, uint32_t waiting, uint32_t step)
{
	uint32_t growth = waiting > s->waiting ? waiting - s->waiting : 0;

	learn(s->suspects, SLOW_SUSPECTS, ALL, growth);
	learn(s->devices, s->n_devices, MORE_THAN_ALL, growth);
	if (waiting > s->waiting) {
		attribute_to_paths(s, growth);
		attribute_to_devices(s, growth);
	} else if (waiting < s->waiting) {
		shrink(s->suspects, SLOW_SUSPECTS, s->waiting, waiting);
		shrink(s->devices, s->n_devices, s->waiting, waiting);
	}
	clear_sent(s->suspects, SLOW_SUSPECTS);
	clear_sent(s->devices, s->n_devices);
	s->sent = 0;
	s->step = step;
	s->waiting = waiting;
	if (waiting < s->least)
		s->least = waiting;
	return waiting - s->least >= step;
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

/* A free entry; otherwise the oldest, of a device only if all are. */
static struct slow_path *entry_for_new(struct slow_paths *s)
{
	struct slow_path *oldest = &s->all[0];

	if (s->n < SLOW_PATHS)
		return &s->all[s->n++];
	for (struct slow_path *p = s->all; p < s->all + SLOW_PATHS; p++)
		if (is_device(&p->key) != is_device(&oldest->key) ? is_device(&oldest->key) : p->until_ns < oldest->until_ns)
			oldest = p;
	return oldest;
}

static void separate(struct slow_paths *s, struct suspect *x, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns)
{
	unsigned int socket = choose_socket(s, waiting);

	if (waiting[socket] == 0) /* the paths that had it are no longer slow */
		clear_socket(s, socket, now_ns);
	*entry_for_new(s) = (struct slow_path){ x->key, (uint8_t)socket, now_ns, now_ns + SLOW_PATH_NS };
	x->left += x->waiting;
	x->waiting = 0;
}

/* ---- which paths, or which devices ---- */

static const struct suspect *slowest_device(const struct slow_paths *s)
{
	const struct suspect *most = &s->devices[0];

	for (const struct suspect *x = s->devices; x < s->devices + s->n_devices; x++)
		if (x->waiting > most->waiting)
			most = x;
	return most;
}

/* Null: nothing waits for any path through the device. */
static struct suspect *slowest_path(struct slow_paths *s, uint32_t device)
{
	struct suspect *most = NULL;

	for (struct suspect *x = s->suspects; x < s->suspects + SLOW_SUSPECTS; x++)
		if (x->key.device == device && x->waiting > (most ? most->waiting : 0))
			most = x;
	return most;
}

static bool is_nearly_as_slow(const struct suspect *x, const struct suspect *slowest)
{
	return x->waiting > slowest->waiting * 3 / 4 && x->stays > slowest->stays * 3 / 4;
}

static void separate_paths(struct slow_paths *s, uint32_t device, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns)
{
	struct suspect *path = slowest_path(s, device);
	struct suspect slowest;

	if (!path)
		return;
	slowest = *path;
	separate(s, path, waiting, now_ns);
	for (struct suspect *x = s->suspects; x < s->suspects + SLOW_SUSPECTS; x++)
		if (x->key.device == device && is_nearly_as_slow(x, &slowest))
			separate(s, x, waiting, now_ns);
}

/* Its paths leave through its socket from now on. */
static void separate_device(struct slow_paths *s, struct suspect *device, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns)
{
	for (unsigned int i = s->n; i-- > 0;)
		if (s->all[i].key.device == device->key.device)
			s->all[i] = s->all[--s->n];
	for (struct suspect *x = s->suspects; x < s->suspects + SLOW_SUSPECTS; x++)
		if (x->key.device == device->key.device)
			x->waiting = 0;
	separate(s, device, waiting, now_ns);
}

/* What waits for those paths through the device that are observed. */
static uint64_t explained_by_paths(const struct slow_paths *s, uint32_t device)
{
	uint64_t sum = 0;

	for (const struct suspect *x = s->suspects; x < s->suspects + SLOW_SUSPECTS; x++)
		sum += x->key.device == device ? x->waiting : 0;
	return sum;
}

static unsigned int n_paths_through(const struct slow_paths *s, uint32_t device)
{
	unsigned int n = 0;

	for (const struct slow_path *p = s->all; p < s->all + s->n; p++)
		n += p->key.device == device;
	return n;
}

/* It has too many slow paths: either much of what waits for it belongs to paths that are not observed any more, or most of
 * what is sent through it waits, and many paths through it have separate sockets already. */
static bool is_crowded(const struct slow_paths *s, const struct suspect *device)
{
	return explained_by_paths(s, device->key.device) < device->waiting / EXPLAINED_PART ||
	       (device->stays >= ALL / 2 && n_paths_through(s, device->key.device) >= MANY_PATHS);
}

static void separate_on(struct slow_paths *s, struct suspect *device, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns)
{
	bool is_known = device->key.device != 0;

	if (is_known && is_crowded(s, device))
		device->crowded_until_ns = now_ns + SLOW_CROWDED_NS;
	if (is_known && now_ns < device->crowded_until_ns)
		separate_device(s, device, waiting, now_ns);
	else
		separate_paths(s, device->key.device, waiting, now_ns);
}

void slow_paths_separate(struct slow_paths *s, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns)
{
	const struct suspect slowest = *slowest_device(s);

	s->least = s->waiting;
	if (slowest.waiting == 0)
		return;
	clear_expired(s, now_ns);
	for (struct suspect *x = s->devices; x < s->devices + s->n_devices; x++)
		if (x->key.device == slowest.key.device || is_nearly_as_slow(x, &slowest))
			separate_on(s, x, waiting, now_ns);
	for (struct suspect *x = s->devices; x < s->devices + s->n_devices; x++) {
		x->left += x->waiting;
		x->waiting = 0;
	}
}

void slow_paths_renew(struct slow_paths *s, uint64_t now_ns)
{
	for (struct slow_path *p = s->all; p < s->all + s->n; p++) {
		if (!is_device(&p->key) || now_ns >= p->until_ns)
			continue;
		for (const struct suspect *x = s->devices; x < s->devices + s->n_devices; x++)
			if (x->key.device == p->key.device && x->left >= s->step / 2)
				p->until_ns = now_ns + SLOW_PATH_NS;
	}
	clear_expired(s, now_ns);
}
