/* Runs nft commands, with libnftables or the program. */
#include "nft.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include "base/dlopen_note.h"
#include "report/library.h"
#include "netfilter.h"
#include "subprocess.h"
#include "report/output.h"

DLOPEN_NOTE("libnftables.so.1", "nftables", "Firewall of default routes without running nft(8)");

struct nft_ctx;

static struct {
	bool tried;
	void *library;
	struct nft_ctx *(*ctx_new)(uint32_t flags);
	void (*ctx_free)(struct nft_ctx *c);
	int (*buffer_output)(struct nft_ctx *c);
	int (*buffer_error)(struct nft_ctx *c);
	const char *(*get_output)(struct nft_ctx *c);
	const char *(*get_error)(struct nft_ctx *c);
	int (*run)(struct nft_ctx *c, const char *commands);
} lib;

static bool find_symbol(void *function, const char *name)
{
	void *p = dlsym(lib.library, name);

	memcpy(function, &p, sizeof p);
	return p;
}

static bool library_open(void)
{
	if (lib.tried)
		return lib.library;
	lib.tried = true;
	lib.library = library_load("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
	if (lib.library && find_symbol(&lib.ctx_new, "nft_ctx_new") &&
	    find_symbol(&lib.ctx_free, "nft_ctx_free") &&
	    find_symbol(&lib.buffer_output, "nft_ctx_buffer_output") &&
	    find_symbol(&lib.buffer_error, "nft_ctx_buffer_error") &&
	    find_symbol(&lib.get_output, "nft_ctx_get_output_buffer") &&
	    find_symbol(&lib.get_error, "nft_ctx_get_error_buffer") &&
	    find_symbol(&lib.run, "nft_run_cmd_from_buffer"))
		return true;
	if (lib.library)
		dlclose(lib.library);
	lib.library = NULL;
	return false;
}

bool nft_is_installed(void)
{
	return library_open() || subprocess_find("nft");
}

static void first_line(char why[256], const char *text)
{
	struct span s = span_of(text ? text : "");
	struct text t = text_fixed(why, 256);

	text_span(&t, span_sub(s, 0, span_find(s, '\n')));
}

static int run_in_child(void *commands)
{
	struct nft_ctx *c = lib.ctx_new(0);
	const char *said;
	int r;

	if (!c || lib.buffer_output(c) || lib.buffer_error(c))
		return 1;
	r = lib.run(c, commands);
	said = r == 0 ? lib.get_output(c) : lib.get_error(c);
	return (said && report_write(STDOUT_FILENO, said, strlen(said)) < 0) || r != 0;
}

/* In a child process, because the library ends the process when it is short of memory or gets no socket. */
static int run_library(const char *commands, struct text *output, char why[256])
{
	static const char *const name[] = { "nft", NULL };
	struct text said = text_heap();
	struct subprocess child = { .argv = name, .function = run_in_child, .ctx = (void *)(uintptr_t)commands,
				    .output = &said, .errors_too = true };
	int r = netfilter_probe(), status = subprocess_status;

	if (r == 0)
		r = subprocess_run(&child);
	subprocess_status = status; /* it is not the result of a program */
	if (r == 0 && output)
		text_span(output, text_of(&said));
	if (r > 0 && why)
		first_line(why, said.n > 0 ? said.p : "nft ended unexpectedly");
	text_heap_free(&said);
	return r > 0 ? -EIO : r;
}

int nft_run(const char *commands, struct text *output, char why[256])
{
	struct subprocess like = { .input = span_of(commands), .output = output, .quiet = true };
	int r;

	if (why)
		why[0] = '\0';
	if (library_open())
		return run_library(commands, output, why);
	if (!subprocess_find("nft"))
		return -ENOENT;
	r = subprocess_run_args(&like, "nft", "-f", "-", NULL);
	if (r != 0 && why)
		first_line(why, "nft -f failed");
	return r == 0 ? 0 : r < 0 ? r : -EIO;
}
