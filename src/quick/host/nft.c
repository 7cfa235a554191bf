/* Runs nft commands, with libnftables or the program. */
#include "nft.h"

#include <dlfcn.h>
#include <errno.h>

#include "dlopen_note.h"
#include "fault_injection.h"
#include "netfilter.h"
#include "subprocess.h"

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
	lib.library = dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
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

static int run_library(const char *commands, struct text *output, char why[256])
{
	struct nft_ctx *c;
	int r = netfilter_probe(); /* because nft_ctx_new() calls exit(3) when it gets no socket */

	if (r < 0)
		return r;
	c = lib.ctx_new(0);
	if (!c)
		return -ENOMEM;
	if (lib.buffer_output(c) || lib.buffer_error(c)) {
		lib.ctx_free(c);
		return -ENOMEM;
	}
	r = fault_injected("nft") ? -1 : lib.run(c, commands);
	if (r != 0 && why)
		first_line(why, lib.get_error(c));
	if (r == 0 && output)
		text_add(output, lib.get_output(c));
	lib.ctx_free(c);
	return r == 0 ? 0 : -EIO;
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

int nft_list_tables(struct text *out)
{
	return nft_run("list tables\n", out, NULL);
}
