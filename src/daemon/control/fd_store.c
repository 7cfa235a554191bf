/* The descriptors in the store, and the memory with the configuration. */
#include "fd_store.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include "daemon/io/tun.h"
#include "daemon/process/fd_passing.h"
#include "daemon/process/log.h"
#include "model/uapi.h"
#include "saved_config.h"

enum { TEXT_MIN_BYTES = 8192, TEXT_MAX_BYTES = 1 << 30 };

#define INTERIM "interim"
static const char *const memory_names[] = { "config-0", "config-1" };

/* ---- the memory with the configuration ---- */

void fd_store_forget_config(struct fd_store *s)
{
	if (s->memory)
		shared_memory_wipe(s->memory, s->memory_bytes);
	s->memory = NULL;
	service_forget(&s->service, memory_names[s->memory_name]);
}

static void print_config(struct text *t, const struct wg_device *d, const struct wg_binding *b, const struct ip_scopes *scopes)
{
	binding_print(t, b); /* keys that readers of the rest skip */
	uapi_print_get(t, d, scopes);
}

/* Writes the text into new memory, which replaces the present one. */
static int save_in_new_memory(struct fd_store *s, const struct wg_device *d, const struct wg_binding *b,
			      const struct ip_scopes *scopes, size_t text_bytes)
{
	size_t bytes = saved_config_bytes(text_bytes), cap;
	unsigned int name = s->memory ? !s->memory_name : s->memory_name;
	struct text t;
	void *memory;
	int fd, error = shared_memory_create(&fd, &memory, bytes);

	if (error)
		return error;
	t.p = saved_config_space(memory, bytes, &cap);
	t = text_fixed(t.p, cap);
	print_config(&t, d, b, scopes);
	if (!t.failed) {
		saved_config_commit(memory, bytes, t.n, ++s->number);
		error = service_store(&s->service, memory_names[name], fd);
	}
	close(fd);
	if (t.failed || error) {
		shared_memory_wipe(memory, bytes);
		return t.failed ? -ENOSPC : error;
	}
	if (s->memory)
		fd_store_forget_config(s);
	s->memory = memory;
	s->memory_bytes = bytes;
	s->memory_name = name;
	return 0;
}

int fd_store_save_config(struct fd_store *s, const struct wg_device *d, const struct wg_binding *b,
			 const struct ip_scopes *scopes)
{
	size_t cap = 0, more;
	struct text t = { .failed = true };
	int error = -ENOSPC;

	if (s->memory) {
		char *p = saved_config_space(s->memory, s->memory_bytes, &cap);
		t = text_fixed(p, cap);
		print_config(&t, d, b, scopes);
	}
	if (!t.failed) {
		saved_config_commit(s->memory, s->memory_bytes, t.n, ++s->number);
		return 0;
	}
	for (more = cap * 2 > TEXT_MIN_BYTES ? cap * 2 : TEXT_MIN_BYTES; error == -ENOSPC && more <= TEXT_MAX_BYTES; more *= 2)
		error = save_in_new_memory(s, d, b, scopes, more);
	return error;
}

/* ---- descriptors of the process before ---- */

/* The number from 1 to max behind the prefix. */
static bool number_in(uint64_t *n, struct span name, const char *prefix, uint64_t max)
{
	size_t at = strlen(prefix);

	return name.n > at && memcmp(name.p, prefix, at) == 0 && span_to_u64(n, span_sub(name, at, name.n - at), max) &&
	       *n > 0;
}

static int *field_of(struct fd_store_taken *t, struct span name)
{
	const struct {
		const char *name;
		int *fd;
	} fields[] = {
		{ "tun", &t->tun }, { "uapi", &t->uapi }, { "stats", &t->stats }, { "state", &t->state },
		{ memory_names[0], &t->config[0] }, { memory_names[1], &t->config[1] }, { INTERIM, &t->interim },
	};
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (span_equal(name, span_of(fields[i].name)))
			return fields[i].fd;
	if (number_in(&n, name, "tun-", ARRAY_LEN(t->queues)))
		return &t->queues[n - 1];
	return number_in(&n, name, "socket-", FD_STORE_SOCKETS - 1) ? &t->sockets[n] : NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fd_store_queue_name(char name[SERVICE_NAME_BYTES], unsigned int i)
{
	struct text t = text_fixed(name, SERVICE_NAME_BYTES);

	text_add(&t, "tun");
	if (i > 0)
		text_f(&t, "-%u", i);
}

void fd_store_socket_name(char name[SERVICE_NAME_BYTES], unsigned int i)
{
	struct text t = text_fixed(name, SERVICE_NAME_BYTES);

	text_f(&t, "socket-%u", i);
}

/* n: as many names of sockets, and one for the state. */
void fd_store_forget_state(const struct service *s, unsigned int n)
{
	char name[SERVICE_NAME_BYTES];

	service_forget(s, "state"); /* before anything is sent */
	for (unsigned int i = 1; i < n; i++) {
		fd_store_socket_name(name, i);
		service_forget(s, name);
	}
}

/* Closes the state and the sockets, whose port can be opened again only when the store has closed them as well. */
void fd_store_drop_state(struct fd_store_taken *t, const struct service *s)
{
	int error;

	if (t->state < 0 && t->n_sockets == 0)
		return;
	close_fd(&t->state);
	for (unsigned int i = 1; i < FD_STORE_SOCKETS; i++)
		close_fd(&t->sockets[i]);
	fd_store_forget_state(s, FD_STORE_SOCKETS);
	t->n_sockets = 0;
	error = service_wait(s);
	if (error)
		log_verbose("the file descriptor store does not answer: %s", strerror(-error));
}

int fd_store_lend(struct fd_store *s, int connection)
{
	s->is_lent = true;
	return service_store(&s->service, INTERIM, connection);
}

void fd_store_drop_interim(struct fd_store *s)
{
	s->is_lent = false;
	service_forget(&s->service, INTERIM);
}

static void drop_all(struct fd_store_taken *t, const struct service *s)
{
	static const char *const names[] = { "tun", "uapi", "stats", INTERIM };
	int *const fds[] = { &t->tun, &t->uapi, &t->stats, &t->interim };
	char name[SERVICE_NAME_BYTES];

	for (unsigned int i = 0; i < ARRAY_LEN(t->queues); i++) {
		close_fd(&t->queues[i]);
		fd_store_queue_name(name, i + 1);
		service_forget(s, name);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		close_fd(fds[i]);
		service_forget(s, names[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(t->config); i++) {
		close_fd(&t->config[i]);
		service_forget(s, memory_names[i]);
	}
	fd_store_drop_state(t, s);
}

void fd_store_take(struct fd_store_taken *t, const struct service *s)
{
	struct service_fd fds[7 + FD_STORE_SOCKETS + TUN_QUEUES_MAX];
	unsigned int n = service_take_fds(fds, ARRAY_LEN(fds));
	struct tun tun;
	char name[16];

	*t = (struct fd_store_taken){ .tun = -1, .uapi = -1, .stats = -1, .state = -1, .config = { -1, -1 }, .interim = -1 };
	for (unsigned int i = 0; i < FD_STORE_SOCKETS; i++)
		t->sockets[i] = -1;
	for (unsigned int i = 0; i < ARRAY_LEN(t->queues); i++)
		t->queues[i] = -1;
	for (unsigned int i = 0; i < n; i++) {
		int *fd = field_of(t, span_of(fds[i].name));
		if (!fd || *fd >= 0)
			close(fds[i].fd);
		else
			*fd = fds[i].fd;
	}
	for (unsigned int i = 1; i < FD_STORE_SOCKETS; i++)
		t->n_sockets += t->sockets[i] >= 0;
	tun = (struct tun){ .fd = t->tun };
	if (n > 0 && (t->tun < 0 || tun_name(&tun, name) != 0))
		drop_all(t, s);
}

static bool map_config(struct fd_store *s, struct fd_store_taken *t, unsigned int name)
{
	struct fd_store with = *s;
	struct span text;

	with.memory_name = name;
	if (t->config[name] < 0 ||
	    shared_memory_map(&with.memory, &with.memory_bytes, t->config[name], saved_config_bytes(TEXT_MAX_BYTES)) != 0)
		return false;
	if (saved_config_read(&text, &with.number, with.memory, with.memory_bytes) &&
	    (!s->memory || with.number > s->number)) {
		if (s->memory)
			(void)munmap(s->memory, s->memory_bytes);
		*s = with;
		return true;
	}
	(void)munmap(with.memory, with.memory_bytes);
	return false;
}

/* The latest memory of the process before becomes ours. */
void fd_store_take_config(struct fd_store *s, struct fd_store_taken *t)
{
	for (unsigned int i = 0; i < ARRAY_LEN(t->config); i++)
		(void)map_config(s, t, i);
	for (unsigned int i = 0; i < ARRAY_LEN(t->config); i++) {
		if (t->config[i] >= 0 && (!s->memory || s->memory_name != i))
			service_forget(&s->service, memory_names[i]);
		close_fd(&t->config[i]);
	}
}
