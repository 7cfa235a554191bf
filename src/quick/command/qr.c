/* `qr`: the tunnel file as a QR code for the apps of phones, on the terminal or in an image. */
#include "command.h"

#include <errno.h>

#include "inputs.h"
#include "keys.h"
#include "messages.h"
#include "quick/config/mobile_text.h"
#include "quick/host/fileio.h"
#include "quick/host/qr_encode.h"
#include "quick/host/qr_png.h"
#include "report/output.h"
#include "report/library.h"
#include "report/report.h"

/* ---- where the code goes: known before the file is read ---- */

enum format { FORMAT_TERMINAL, FORMAT_SVG, FORMAT_PNG };

static bool ends_in(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n > m && span_is_nocase((struct span){ path + n - m, m }, suffix);
}

static bool choose_format(enum format *out, const char *output, const struct console *console)
{
	if (!output) {
		*out = FORMAT_TERMINAL;
		if (console->is_terminal)
			return true;
		report_error("standard output is not a terminal, and the code contains the private key");
		report_help("-o FILE.svg or -o FILE.png writes an image that only you can read");
		return false;
	}
	*out = ends_in(output, ".svg") ? FORMAT_SVG : FORMAT_PNG;
	if (*out == FORMAT_SVG || ends_in(output, ".png"))
		return true;
	report_error("cannot write `%s': expected a file name that ends in .svg or .png", output);
	return false;
}

/* ---- the text ---- */

static bool describe(struct text *text, const char *argument)
{
	struct tunnel_file f = { 0 };
	struct text left_out = text_heap();
	bool ok = read_tunnel_file(&f, argument, true) && read_keys(&f, KEY_FILE_WAIT, NULL) == 0;

	if (ok && !(f.device.flags & WG_DEVICE_HAS_PRIVATE_KEY)) {
		report_error("%s has no PrivateKey, without which apps do not import a tunnel", f.path);
		ok = false;
	}
	if (ok && !mobile_text(text, &f)) {
		report_error("out of memory");
		ok = false;
	}
	if (ok)
		mobile_text_left_out(&left_out, &f);
	if (ok && left_out.n > 0)
		report_warning("left out, because apps do not import them: %s", left_out.p);
	text_heap_free(&left_out);
	tunnel_file_free(&f);
	return ok;
}

/* ---- the code ---- */

static bool encode(struct qr_code *q, const struct text *text)
{
	int r = qr_encode(q, text->p);

	if (r == -ENOENT) {
		report_error("cannot make a QR code: libqrencode %s", library_absent);
		report_help("%s", library_remedy("install the package libqrencode4 (Debian), qrencode (Arch, Fedora) or libqrencode (Alpine)"));
	} else if (r == -EMSGSIZE) {
		report_error("the tunnel is too long for a QR code: %zu bytes; at most %d fit", text->n, QR_TEXT_BYTES_MAX);
		report_help("copy the file, or give the phone fewer peers and AllowedIPs");
	} else if (r < 0) {
		report_error("cannot make a QR code: %s", strerror(-r));
	}
	return r == 0;
}

static enum qr_style style_for(const struct console *c)
{
	return c->utf8 ? QR_BLOCKS : QR_SPACES;
}

static bool fits(const struct qr_code *q, const struct console *c)
{
	enum qr_style style = style_for(c);

	if (c->columns > 0 && qr_columns(q, style) > c->columns) {
		report_error("the code needs %u columns, and the terminal has %u", qr_columns(q, style), c->columns);
		report_help("enlarge the terminal%s, or write an image with -o FILE.svg",
			    style == QR_BLOCKS ? "" : ", use a UTF-8 locale");
		return false;
	}
	if (c->lines > 0 && qr_lines(q, style) > c->lines)
		report_warning("the code has %u lines, and the terminal %u: enlarge it until you see all of it",
			       qr_lines(q, style), c->lines);
	return true;
}

static int print(const struct text *t, int fd)
{
	return t->failed ? -ENOMEM : report_write(fd, t->p, t->n);
}

static int write_image(const char *output, enum format format, const struct qr_code *q)
{
	struct text image = text_heap();
	int r = 0;

	if (format == FORMAT_PNG)
		r = qr_png(&image, q);
	else
		qr_print_svg(&image, q);
	if (r == 0)
		r = image.failed ? -ENOMEM : fileio_replace(output, text_of(&image));
	if (r == -ENOENT && format == FORMAT_PNG && image.n == 0) {
		report_error("cannot write `%s': libpng %s", output, library_absent);
		report_help("%s", library_remedy("install the package libpng16-16 (Debian) or libpng, or write FILE.svg"));
	} else if (r < 0) {
		report_error("cannot write `%s': %s", output, strerror(-r));
	}
	text_heap_free(&image);
	return r;
}

static int show(const struct qr_code *q, const struct console *c, int fd)
{
	struct text t = text_heap();
	int r;

	if (!fits(q, c)) {
		text_heap_free(&t);
		return 1;
	}
	qr_print_terminal(&t, q, style_for(c));
	r = print(&t, fd);
	text_heap_free(&t);
	return exit_status_of_output(r);
}

int command_qr(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct text text = text_heap();
	struct qr_code q = { 0 };
	enum format format;
	int status = 1;

	(void)host;
	if (choose_format(&format, o->output, &o->console) && describe(&text, o->argument) && encode(&q, &text)) {
		status = format == FORMAT_TERMINAL ? show(&q, &o->console, trace->fd)
						   : write_image(o->output, format, &q) < 0;
		if (status == 0)
			report_warning("the code contains the private key: anyone who scans it can use the tunnel");
	}
	qr_encode_free(&q);
	text_heap_free(&text);
	return status;
}
