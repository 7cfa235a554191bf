/* The pages of `wg watch`. */
#include "watch_screen.h"

#include "base/utf8.h"
#include "curses.h"
#include "ipc/ipc.h"
#include "report/terminal.h"
#include "report/units.h"

/* ---- cells ---- */

void watch_cell(struct text *t, struct span s, size_t columns, bool right)
{
	size_t width = 0, i = 0;
	struct utf8_char c;

	while (i < s.n && (c = utf8_at(s, i), width + (c.printable ? c.width : 1) <= columns)) {
		width += c.printable ? c.width : 1;
		i += c.bytes;
	}
	for (size_t n = width; right && n < columns; n++)
		text_char(t, ' ');
	terminal_plain(t, span_sub(s, 0, i));
	for (size_t n = width; !right && n < columns; n++)
		text_char(t, ' ');
}

enum { LINE_BYTES = 4096, CELL_BYTES = 256 };

/* The widths of the table's columns, without the blank after each. */
struct widths {
	size_t interface, name, endpoint, age, amount, sparkline;
};

static struct widths widths_for(const struct watch_screen *s, size_t columns)
{
	struct widths w = { .interface = s->with_interface ? 8 : 0, .name = 16, .endpoint = 21, .age = 9, .amount = 5 };
	size_t used = w.name + 1 + w.endpoint + 1 + w.age + 1 + 4 * (w.amount + 1) + (w.interface ? w.interface + 1 : 0);
	size_t left = columns > used ? columns - used : 0;
	size_t more = left > 20 ? (left - 20) / 2 : 0;

	w.name += more > 12 ? 12 : more;
	w.endpoint += more > 26 ? 26 : more;
	used = w.name + w.endpoint - 16 - 21;
	left -= left > used ? used : left;
	w.sparkline = left > WATCH_HISTORY ? WATCH_HISTORY : left;
	return w;
}

static void add_cell(struct text *t, const char *text, size_t columns, bool right)
{
	if (columns == 0)
		return;
	watch_cell(t, span_of(text), columns, right);
	text_char(t, ' ');
}

/* Names may not be ASCII where the terminal is. Columns stay. */
static void add_ascii(struct text *t, struct span s)
{
	struct utf8_char c;

	for (size_t i = 0; i < s.n; i += c.bytes) {
		c = utf8_at(s, i);
		if (c.bytes == 1)
			text_char(t, c.printable ? s.p[i] : '?');
		for (unsigned int n = 0; c.bytes > 1 && n < c.width; n++)
			text_char(t, '?');
	}
}

/* Writes a line, cut to the width of the screen. */
static void put_line(const struct watch_screen *s, enum curses_style style, struct span text, unsigned int line, size_t columns,
		     bool fill)
{
	char cut[LINE_BYTES], ascii[LINE_BYTES];
	struct text out = text_fixed(cut, sizeof cut), plain = text_fixed(ascii, sizeof ascii);
	size_t width = utf8_width(text);

	watch_cell(&out, text, fill || width > columns ? columns : width, false);
	if (!s->utf8)
		add_ascii(&plain, text_of(&out));
	curses_move(line, 0);
	curses_put(style, s->utf8 ? text_of(&out) : text_of(&plain));
}

/* ---- the table ---- */

static void print_label(struct text *t, const struct watch_peer *p)
{
	char key[KEY_BASE64_CHARS + 1];

	if (p->name) {
		text_add(t, p->name);
		return;
	}
	key_to_base64(key, p->key.b);
	text_f(t, "%.*s...", 8, key);
}

static void add_amount(struct text *t, double v, size_t columns)
{
	char text[16];
	struct text a = text_fixed(text, sizeof text);

	watch_amount(&a, v);
	add_cell(t, text, columns, true);
}

static void print_peer_line(struct text *t, const struct watch_screen *s, const struct watch_peer *p,
			    const struct widths *w, uint64_t now_s)
{
	char cell[CELL_BYTES];
	struct text c = text_fixed(cell, sizeof cell);

	add_cell(t, p->interface, w->interface, false);
	print_label(&c, p);
	add_cell(t, cell, w->name, false);
	c = text_fixed(cell, sizeof cell);
	if (p->peer->flags & WG_PEER_HAS_ENDPOINT)
		endpoint_print(&c, &p->peer->endpoint, &ipc_scopes);
	else
		text_add(&c, "-");
	add_cell(t, cell, w->endpoint, false);
	c = text_fixed(cell, sizeof cell);
	watch_age(&c, p->peer->handshake_s, now_s);
	add_cell(t, cell, w->age, true);
	add_amount(t, p->rx_rate, w->amount);
	add_amount(t, p->tx_rate, w->amount);
	add_amount(t, (double)p->rx_bytes, w->amount);
	add_amount(t, (double)p->tx_bytes, w->amount);
	watch_sparkline(t, s->table, p, w->sparkline, s->utf8);
}

enum { SESSION_S = 180 }; /* REJECT_AFTER_TIME (WireGuard paper, section 6.1) */

static enum curses_style style_of(const struct watch_peer *p, uint64_t now_s)
{
	if (p->peer->handshake_s == 0)
		return CURSES_DIM;
	return now_s < p->peer->handshake_s + SESSION_S ? CURSES_GREEN : CURSES_NORMAL;
}

static void print_headings(struct text *t, const struct widths *w)
{
	add_cell(t, "DEVICE", w->interface, false);
	add_cell(t, "PEER", w->name, false);
	add_cell(t, "ENDPOINT", w->endpoint, false);
	add_cell(t, "HANDSHAKE", w->age, true);
	add_cell(t, "RX/s", w->amount, true);
	add_cell(t, "TX/s", w->amount, true);
	add_cell(t, "RX", w->amount, true);
	add_cell(t, "TX", w->amount, true);
}

static void print_status(struct text *t, const struct watch_screen *s)
{
	const struct watch_table *w = s->table;
	double rx = 0, tx = 0;

	for (size_t i = 0; i < w->n; i++) {
		rx += w->list[i].rx_rate;
		tx += w->list[i].tx_rate;
	}
	text_f(t, "wg watch %s: %zu of %zu peers, by %s, ", s->title, w->n_shown, w->n, watch_sort_names[s->sort]);
	watch_amount(t, rx);
	text_add(t, "B/s received, ");
	watch_amount(t, tx);
	text_f(t, "B/s sent%s", s->paused ? ", PAUSED" : "");
}

static void print_footer(struct text *t, const struct watch_screen *s)
{
	if (s->problem)
		text_add(t, s->problem);
	else if (s->typing)
		text_f(t, "filter: %s_  (Enter: done, Esc: no filter)", s->filter);
	else if (s->filter[0] != '\0')
		text_f(t, "filter: %s  (Esc: no filter)", s->filter);
	else
		text_add(t, "q quit  p pause  s sort  / filter  Enter details  ? help");
}

static void draw_table(struct watch_screen *s, unsigned int lines, unsigned int columns, uint64_t now_s)
{
	char line[LINE_BYTES];
	struct text t = text_fixed(line, sizeof line);
	struct widths w = widths_for(s, columns);
	size_t visible = lines > 3 ? lines - 3 : 0;

	if (s->selected < s->top)
		s->top = s->selected;
	if (visible > 0 && s->selected >= s->top + visible)
		s->top = s->selected - visible + 1;
	print_headings(&t, &w);
	put_line(s, CURSES_BOLD, text_of(&t), 1, columns, true);
	for (size_t i = 0; i < visible && s->top + i < s->table->n_shown; i++) {
		const struct watch_peer *p = s->table->shown[s->top + i];
		bool is_selected = s->top + i == s->selected;
		t = text_fixed(line, sizeof line);
		print_peer_line(&t, s, p, &w, now_s);
		put_line(s, is_selected ? CURSES_REVERSE : style_of(p, now_s), text_of(&t), 2 + (unsigned int)i, columns, is_selected);
	}
}

/* ---- the other pages ---- */

static const struct watch_peer *selected_peer(const struct watch_screen *s)
{
	return s->selected < s->table->n_shown ? s->table->shown[s->selected] : NULL;
}

enum { DETAIL_LINES = 13 }; /* without the allowed IPs */

static void print_allowedips(struct text *t, const struct wg_peer *p, size_t lines)
{
	size_t n = p->n_allowedips <= lines ? p->n_allowedips : lines - 1;

	for (size_t i = 0; i < n; i++) {
		text_add(t, "  ");
		prefix_print(t, &p->allowedips[i].prefix);
		text_char(t, '\n');
	}
	if (n < p->n_allowedips)
		text_f(t, "  and %zu more\n", p->n_allowedips - n);
}

static void print_details(struct text *t, const struct watch_screen *s, const struct watch_peer *p, unsigned int lines,
			  uint64_t now_s)
{
	struct terminal plain = { .out = t };
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, p->key.b);
	text_f(t, "interface: %s\n     peer: %s\n     name: %s\n endpoint: ", p->interface, key, p->name ? p->name : "(none)");
	if (p->peer->flags & WG_PEER_HAS_ENDPOINT)
		endpoint_print(t, &p->peer->endpoint, &ipc_scopes);
	else
		text_add(t, "(none)");
	text_add(t, "\nhandshake: ");
	if (p->peer->handshake_s != 0)
		units_ago(&plain, p->peer->handshake_s, now_s);
	else
		text_add(t, "never");
	text_f(t, "\nkeepalive: %u s\n received: ", p->peer->keepalive_s);
	units_bytes(&plain, p->rx_bytes);
	text_add(t, ", ");
	units_bytes(&plain, (uint64_t)p->rx_rate);
	text_add(t, "/s\n     sent: ");
	units_bytes(&plain, p->tx_bytes);
	text_add(t, ", ");
	units_bytes(&plain, (uint64_t)p->tx_rate);
	text_add(t, "/s\n  traffic: ");
	watch_sparkline(t, s->table, p, WATCH_HISTORY, s->utf8);
	text_add(t, "\n\nallowed IPs:\n");
	print_allowedips(t, p->peer, lines > DETAIL_LINES ? lines - DETAIL_LINES : 1);
}

static const char help_text[] =
	"Rates are bytes per second since the sample before; HANDSHAKE is the age of the latest one.\n"
	"Green: a session is established. Dim: no handshake yet.\n"
	"\n"
	"  Up, Down, PgUp, PgDn, Home, End   select a peer\n"
	"  Enter          details of the selected peer, and back\n"
	"  s, S           the next order, the previous order: device, name, handshake, received, sent, total\n"
	"  /              type a filter: a part of a name, key, interface, endpoint or allowed IP\n"
	"  Esc            no filter; back\n"
	"  p, blank       pause, continue\n"
	"  q              quit\n";

static void draw_text(const struct watch_screen *s, struct span text, unsigned int lines, unsigned int columns)
{
	for (unsigned int i = 1; i + 1 < lines && text.n > 0; i++) {
		size_t n = span_find(text, '\n');
		put_line(s, CURSES_NORMAL, span_sub(text, 0, n), i, columns, false);
		text = span_sub(text, n + (n < text.n), text.n);
	}
}

static void draw_page(struct watch_screen *s, unsigned int lines, unsigned int columns, uint64_t now_s)
{
	char details[4 * LINE_BYTES];
	struct text t = text_fixed(details, sizeof details);
	const struct watch_peer *p = selected_peer(s);

	if (s->page == WATCH_PAGE_HELP) {
		draw_text(s, span_of(help_text), lines, columns);
	} else if (s->page == WATCH_PAGE_PEER && p) {
		print_details(&t, s, p, lines, now_s);
		draw_text(s, text_of(&t), lines, columns);
	} else {
		draw_table(s, lines, columns, now_s);
	}
}

void watch_screen_draw(struct watch_screen *s, uint64_t now_s)
{
	char line[LINE_BYTES];
	struct text t = text_fixed(line, sizeof line);
	unsigned int lines, columns;

	curses_size(&lines, &columns);
	curses_clear();
	if (lines < 4 || columns < 20) {
		curses_show();
		return;
	}
	print_status(&t, s);
	put_line(s, CURSES_NORMAL, text_of(&t), 0, columns, false);
	draw_page(s, lines, columns, now_s);
	t = text_fixed(line, sizeof line);
	print_footer(&t, s);
	put_line(s, s->problem ? CURSES_RED : CURSES_DIM, text_of(&t), lines - 1, columns - 1, false);
	curses_show();
}

/* ---- selection and keys ---- */

static void select_index(struct watch_screen *s, size_t i)
{
	const struct watch_peer *p;

	s->selected = i < s->table->n_shown ? i : s->table->n_shown > 0 ? s->table->n_shown - 1 : 0;
	p = selected_peer(s);
	if (!p)
		return;
	memcpy(s->interface, p->interface, sizeof s->interface);
	s->key = p->key;
}

bool watch_screen_update(struct watch_screen *s)
{
	if (!watch_arrange(s->table, s->sort, s->filter))
		return false;
	for (size_t i = 0; s->interface[0] != '\0' && i < s->table->n_shown; i++) {
		const struct watch_peer *p = s->table->shown[i];
		if (memcmp(&p->key, &s->key, sizeof s->key) == 0 && strcmp(p->interface, s->interface) == 0) {
			s->selected = i;
			return true;
		}
	}
	select_index(s, s->selected);
	return true;
}

static void move_selection(struct watch_screen *s, int key)
{
	unsigned int lines, columns;
	size_t page;

	curses_size(&lines, &columns);
	page = lines > 4 ? lines - 4 : 1;
	switch (key) {
	case CURSES_UP: select_index(s, s->selected > 0 ? s->selected - 1 : 0); break;
	case CURSES_DOWN: select_index(s, s->selected + 1); break;
	case CURSES_PREVIOUS_PAGE: select_index(s, s->selected > page ? s->selected - page : 0); break;
	case CURSES_NEXT_PAGE: select_index(s, s->selected + page); break;
	case CURSES_HOME: select_index(s, 0); break;
	case CURSES_END: select_index(s, s->table->n_shown); break;
	default: break;
	}
}

enum { KEY_ESCAPE = 27, KEY_DELETE = 127 };

static bool is_enter(int key)
{
	return key == '\n' || key == '\r' || key == CURSES_ENTER;
}

static bool type_filter(struct watch_screen *s, int key)
{
	size_t n = strlen(s->filter);

	if (is_enter(key)) {
		s->typing = false;
	} else if (key == KEY_ESCAPE) {
		s->typing = false;
		s->filter[0] = '\0';
	} else if (key == CURSES_BACKSPACE || key == KEY_DELETE || key == '\b') {
		s->filter[n > 0 ? utf8_start((struct span){ s->filter, n }, n - 1) : 0] = '\0';
	} else if (key >= ' ' && key < 256 && n + 1 < sizeof s->filter) {
		s->filter[n] = (char)key;
		s->filter[n + 1] = '\0';
	} else {
		move_selection(s, key);
		return true;
	}
	return watch_screen_update(s);
}

static void toggle_page(struct watch_screen *s, enum watch_page page)
{
	s->page = s->page == page ? WATCH_PAGE_TABLE : page;
}

bool watch_screen_key(struct watch_screen *s, int key)
{
	if (s->typing)
		return type_filter(s, key);
	if (is_enter(key)) {
		toggle_page(s, WATCH_PAGE_PEER);
		return true;
	}
	switch (key) {
	case 'q': s->quit = true; break;
	case 'p':
	case ' ': s->paused = !s->paused; break;
	case '?':
	case 'h': toggle_page(s, WATCH_PAGE_HELP); break;
	case '/':
		s->page = WATCH_PAGE_TABLE;
		s->typing = true;
		break;
	case KEY_ESCAPE:
		if (s->page == WATCH_PAGE_TABLE)
			s->filter[0] = '\0';
		s->page = WATCH_PAGE_TABLE;
		return watch_screen_update(s);
	case 's':
	case 'S':
		s->sort = (enum watch_sort)((s->sort + (key == 's' ? 1 : WATCH_SORTS - 1)) % WATCH_SORTS);
		return watch_screen_update(s);
	default: move_selection(s, key); break;
	}
	return true;
}
