/* Calls libpng's simplified interface. */
#include "qr_png.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/dlopen_note.h"
#include "report/library.h"

DLOPEN_NOTE("libpng16.so.16", "png", "QR codes in PNG files");

/* The library's interface (libpng-manual.txt, section V, "Simplified API"). */
struct png_image {
	void *opaque;
	uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
	char message[64];
};
enum { IMAGE_VERSION = 1, FORMAT_GRAY = 0 };
typedef int write_to_memory(struct png_image *image, void *memory, size_t *bytes, int convert_to_8bit,
			    const void *pixels, int32_t row_stride, const void *colormap);

static void draw(uint8_t *pixels, size_t side, const struct qr_code *q)
{
	for (size_t y = 0; y < side; y++)
		for (size_t x = 0; x < side; x++)
			pixels[y * side + x] = qr_is_dark(q, (int)(x / QR_PNG_SCALE) - QR_MARGIN,
							  (int)(y / QR_PNG_SCALE) - QR_MARGIN) ? 0 : 255;
}

/* With a null memory, the library only says how many bytes it needs. */
static int write_image(struct text *out, write_to_memory *write, const uint8_t *pixels, size_t side)
{
	struct png_image image = { .version = IMAGE_VERSION, .width = (uint32_t)side, .height = (uint32_t)side,
				   .format = FORMAT_GRAY };
	size_t n = 0;
	uint8_t *memory;
	int r = -EIO;

	if (!write(&image, NULL, &n, 0, pixels, 0, NULL))
		return -EIO;
	memory = malloc(n);
	if (!memory)
		return -ENOMEM;
	if (write(&image, memory, &n, 0, pixels, 0, NULL)) {
		text_span(out, (struct span){ (const char *)memory, n });
		r = out->failed ? -ENOMEM : 0;
	}
	mem_wipe(memory, n);
	free(memory);
	return r;
}

int qr_png(struct text *out, const struct qr_code *q)
{
	size_t side = QR_PNG_SCALE * ((size_t)q->width + 2 * QR_MARGIN);
	void *library = library_load("libpng16.so.16", RTLD_NOW | RTLD_LOCAL);
	void *symbol = library ? dlsym(library, "png_image_write_to_memory") : NULL;
	uint8_t *pixels = symbol ? malloc(side * side) : NULL;
	write_to_memory *write;
	int r = !symbol ? -ENOENT : -ENOMEM;

	if (pixels) {
		memcpy(&write, &symbol, sizeof write);
		draw(pixels, side, q);
		r = write_image(out, write, pixels, side);
		mem_wipe(pixels, side * side);
		free(pixels);
	}
	if (library)
		dlclose(library);
	return r;
}
