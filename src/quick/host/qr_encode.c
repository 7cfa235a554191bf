/* Calls libqrencode. */
#include "qr_encode.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/dlopen_note.h"
#include "report/library.h"

DLOPEN_NOTE("libqrencode.so.4", "qr", "QR codes of tunnel files");

/* The library's interface (qrencode.h). */
struct qrencode_code {
	int version, width;
	unsigned char *data; /* the lowest bit is set for dark modules */
};
enum qrencode_level { LEVEL_L, LEVEL_M, LEVEL_Q, LEVEL_H };

struct library {
	void *handle;
	struct qrencode_code *(*encode)(int size, const unsigned char *data, int version, enum qrencode_level level);
	void (*free_code)(struct qrencode_code *c);
};

static bool find_symbol(const struct library *lib, void *function, const char *name)
{
	void *p = dlsym(lib->handle, name);

	memcpy(function, &p, sizeof p);
	return p;
}

static int library_open(struct library *lib)
{
	lib->handle = library_load("libqrencode.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!lib->handle)
		return -ENOENT;
	if (find_symbol(lib, &lib->encode, "QRcode_encodeData") && find_symbol(lib, &lib->free_code, "QRcode_free"))
		return 0;
	dlclose(lib->handle);
	return -ENOENT;
}

static void free_wiped(const struct library *lib, struct qrencode_code *c)
{
	mem_wipe(c->data, (size_t)c->width * (size_t)c->width);
	lib->free_code(c);
}

/* Version 0 is the smallest that the text fits into. */
static struct qrencode_code *encode_best(const struct library *lib, const char *text)
{
	int n = (int)strlen(text);
	struct qrencode_code *best = lib->encode(n, (const unsigned char *)text, 0, LEVEL_L);

	for (int level = LEVEL_M; best && level <= LEVEL_H; level++) {
		struct qrencode_code *c = lib->encode(n, (const unsigned char *)text, 0, (enum qrencode_level)level);
		bool larger = !c || c->version > best->version;
		struct qrencode_code *worse = larger ? c : best;
		if (!larger)
			best = c;
		if (worse)
			free_wiped(lib, worse);
		if (larger)
			break;
	}
	return best;
}

static int copy(struct qr_code *out, const struct qrencode_code *c)
{
	size_t n = (size_t)c->width * (size_t)c->width;
	uint8_t *dark = malloc(n);

	if (!dark)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		dark[i] = c->data[i] & 1;
	*out = (struct qr_code){ .width = (unsigned int)c->width, .dark = dark };
	return 0;
}

int qr_encode(struct qr_code *out, const char *text)
{
	struct library lib;
	struct qrencode_code *c;
	int r;

	*out = (struct qr_code){ 0 };
	if (strlen(text) > QR_TEXT_BYTES_MAX)
		return -EMSGSIZE;
	r = library_open(&lib);
	if (r < 0)
		return r;
	errno = ENOMEM;
	c = encode_best(&lib, text);
	r = c ? copy(out, c) : -errno;
	if (c)
		free_wiped(&lib, c);
	dlclose(lib.handle);
	return r;
}

void qr_encode_free(struct qr_code *q)
{
	uint8_t *dark = (uint8_t *)(uintptr_t)q->dark;

	if (dark)
		mem_wipe(dark, (size_t)q->width * q->width);
	free(dark);
	*q = (struct qr_code){ 0 };
}
