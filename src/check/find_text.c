/* Findings about the text: the encoding of a file, and lines that are not valid in the format. */
#include "finding.h"
#include "base/utf8.h"

/* ---- smart-quote ---- */

/* Characters that programs for texts put in the place of ASCII ones. */
static const struct {
	uint32_t code;
	const char *name, *ascii;
} typographic[] = {
	{ 0xa0, "a no-break space", "a space" },
	{ 0x2009, "a thin space", "a space" }, { 0x202f, "a narrow no-break space", "a space" },
	{ 0x2010, "a typographic hyphen", "-" }, { 0x2011, "a typographic hyphen", "-" },
	{ 0x2013, "a typographic dash", "-" }, { 0x2014, "a typographic dash", "--" }, { 0x2212, "a minus sign", "-" },
	{ 0x2018, "a typographic quote", "'" }, { 0x2019, "a typographic quote", "'" },
	{ 0x201a, "a typographic quote", "'" }, { 0x201c, "a typographic quote", "\"" },
	{ 0x201d, "a typographic quote", "\"" }, { 0x201e, "a typographic quote", "\"" },
	{ 0xab, "a typographic quote", "\"" }, { 0xbb, "a typographic quote", "\"" },
	{ 0x200b, "a zero-width space", "nothing" }, { 0x2060, "a zero-width space", "nothing" },
	{ 0xfeff, "a zero-width space", "nothing" },
};

static void report_typographic(struct check *c, const struct check_file *f, const struct finding *self, uint32_t line,
			       struct span text, size_t i, bool is_hook)
{
	struct utf8_char ch = utf8_at(text, i);
	const struct check_at at = { line, (uint32_t)i + 1, ch.bytes };

	for (size_t k = 0; k < ARRAY_LEN(typographic); k++)
		if (typographic[k].code == ch.code) {
			bool is_quote = typographic[k].ascii[0] == '"' || typographic[k].ascii[0] == '\'';
			found(c, self, f, &at, "%s, as a word processor inserts it, is part of the %s", typographic[k].name,
			      is_hook ? "command" : "value");
			found_help(c, is_quote && !is_hook ? "remove it: values need no quotes" : "write %s instead", typographic[k].ascii);
		}
}

static bool is_typographic(uint32_t code)
{
	for (size_t k = 0; k < ARRAY_LEN(typographic); k++)
		if (typographic[k].code == code)
			return true;
	return false;
}

/* In hooks they may be part of a text that a command prints: between ASCII quotes they are left alone. */
static void find_typographic(struct check *c, const struct check_file *f, const struct finding *self, uint32_t line)
{
	struct span text = conf_without_comment(check_line(f, line));
	bool is_hook = conf_is_hook_key(span_trim(span_sub(text, 0, span_find(text, '='))));
	char quote = '\0';

	for (size_t i = line == 1 && span_starts(text, "\xef\xbb\xbf") ? 3 : 0; i < text.n; i += utf8_at(text, i).bytes) {
		char ch = text.p[i];
		if (is_hook && (ch == '"' || ch == '\'') && (!quote || quote == ch))
			quote = quote ? '\0' : ch;
		else if ((uint8_t)ch >= 0x80 && !quote && is_typographic(utf8_at(text, i).code)) {
			report_typographic(c, f, self, line, text, i, is_hook);
			return; /* one for each line */
		}
	}
}

static void smart_quote(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (uint32_t line = 1; line <= f->n_lines; line++)
		find_typographic(c, f, self, line);
}

/* ---- dos-line-ends ---- */

static void dos_line_ends(struct check *c, const struct check_file *f, const struct finding *self)
{
	size_t n = 0, first = 0;

	for (uint32_t line = 1; line <= f->n_lines; line++) {
		struct span text = check_line(f, line);
		if (text.n > 0 && text.p[text.n - 1] == '\r' && n++ == 0)
			first = line;
	}
	if (n == 0)
		return;
	found(c, self, f, &(struct check_at){ (uint32_t)first, (uint32_t)check_line(f, (uint32_t)first).n, 1 },
	      "%zu %s in CR LF, as on Windows", n, n == 1 ? "line ends" : "lines end");
	found_help(c, "wg and wg-quick ignore the CR; scripts that read the file may not: sed -i 's/\\r$//' FILE");
}

static void empty_file(struct check *c, const struct check_file *f, const struct finding *self)
{
	if (conf_is_empty(f->in.text))
		found(c, self, f, &(struct check_at){ 1, 1, 1 }, "the file is empty");
}

static const struct finding list[] = {
	{ .id = "smart-quote", .title = "a quote, dash or space that a word processor has replaced", .level = DIAG_WARNING,
	  .in_file = smart_quote,
	  .why = "Word processors, chats and web pages replace quotes by curly ones, hyphens by dashes, and spaces by no-break "
		 "spaces. They look alike, but neither wg nor the shell that runs hooks treats them as the character that was meant.",
	  .wrong = "[Interface]\nPostUp = sysctl \xe2\x80\x93w net.ipv4.ip_forward=1",
	  .right = "[Interface]\nPostUp = sysctl -w net.ipv4.ip_forward=1",
	  .fix = "Type the character again in a text editor. Values need no quotes at all." },
	{ .id = "dos-line-ends", .title = "lines end in CR LF", .level = DIAG_NOTE, .in_file = dos_line_ends,
	  .why = "The file was written on Windows. wg and wg-quick accept these lines, but scripts that read the file find an "
		 "invisible character at the end of every value.",
	  .wrong = "ListenPort = 51820\\r", .right = "ListenPort = 51820",
	  .fix = "Convert the file: sed -i 's/\\r$//' FILE" },
	{ .id = "empty-file", .title = "the file has no settings", .level = DIAG_WARNING, .in_file = empty_file,
	  .why = "A file without settings is usually the result of a failed command or a full disk. wg setconf refuses it, because "
		 "it would remove all peers.",
	  .wrong = "# nothing here", .right = "[Interface]\nPrivateKey = PRIVATE_KEY",
	  .fix = "Write the settings into the file, or restore it from a backup." },
	{ .id = "bom", .title = "a byte order mark at the beginning", .level = DIAG_ERROR,
	  .why = "Some editors, mostly on Windows, begin files with three invisible bytes. They become part of the first line, which "
		 "then is no section.",
	  .wrong = "\\xef\\xbb\\xbf[Interface]", .right = "[Interface]",
	  .fix = "Save the file as UTF-8 without a byte order mark (BOM)." },
	{ .id = "nul-byte", .title = "a NUL byte in the text", .level = DIAG_ERROR,
	  .why = "Text files have no NUL bytes. The file is encoded in UTF-16, is binary, or was damaged when the disk was full or "
		 "the machine lost power.",
	  .wrong = "Listen\\0Port = 51820", .right = "ListenPort = 51820",
	  .fix = "Save the file as UTF-8, or restore it from a backup." },
	{ .id = "name-too-long", .title = "the name of the interface has more than 15 characters", .level = DIAG_ERROR,
	  .why = "The name of the file is the name of the interface, and Linux limits these to 15 characters.",
	  .wrong = "/etc/wireguard/office-amsterdam.conf", .right = "/etc/wireguard/office-ams.conf",
	  .fix = "Rename the file." },
	{ .id = "bad-name", .title = "a file name that is not an interface name", .level = DIAG_ERROR,
	  .why = "wg-quick takes the name of the interface from the file: 1 to 15 letters, digits and _=+.-, then .conf.",
	  .wrong = "/etc/wireguard/my vpn.conf", .right = "/etc/wireguard/my-vpn.conf", .fix = "Rename the file." },
	{ .id = "bad-section", .title = "a section that does not exist", .level = DIAG_ERROR,
	  .why = "A tunnel file has one section [Interface], and a section [Peer] for each peer.",
	  .wrong = "[Peers]\nPublicKey = PUBLIC_KEY", .right = "[Peer]\nPublicKey = PUBLIC_KEY",
	  .fix = "Write [Interface] or [Peer]. Names of peers are comments: # Name = laptop" },
	{ .id = "unknown-key", .title = "a key that neither wg nor wg-quick has", .level = DIAG_ERROR,
	  .why = "A misspelt key would silently leave a setting at its default value, so the file is refused.",
	  .wrong = "[Interface]\nListenPorts = 51820", .right = "[Interface]\nListenPort = 51820",
	  .fix = "Correct the spelling. wg(8) and wg-quick(8) list all keys." },
	{ .id = "provider-key", .title = "a key of another program", .level = DIAG_ERROR,
	  .why = "The file was made for another program, such as AmneziaWG or WireSock, which has more keys. Some of them change the "
		 "protocol, so that a tunnel without them would not work.",
	  .wrong = "[Interface]\nJc = 4\nBypassLANTraffic = true", .right = "[Interface]\nPrivateKey = PRIVATE_KEY",
	  .fix = "The help of the message names the program, and what can be done about this key." },
	{ .id = "wgquick-key-in-wg-file", .title = "a key of wg-quick in a file for wg", .level = DIAG_ERROR,
	  .why = "wg setconf configures keys and peers only. Address, DNS, MTU and hooks are for wg-quick, and wg refuses them.",
	  .wrong = "wg setconf wg0 /etc/wireguard/wg0.conf", .right = "wg setconf wg0 <(wg-quick strip wg0)",
	  .fix = "Remove these lines with wg-quick strip, or check the file with wg-quick check." },
	{ .id = "key-outside-section", .title = "a setting before the first section", .level = DIAG_ERROR,
	  .why = "A setting belongs to the section above it. Before the first section it belongs to none.",
	  .wrong = "ListenPort = 51820\n[Interface]", .right = "[Interface]\nListenPort = 51820",
	  .fix = "Move the line below [Interface] or [Peer]." },
	{ .id = "key-in-wrong-section", .title = "a setting in the wrong kind of section", .level = DIAG_ERROR,
	  .why = "Keys of the interface are not valid in [Peer], and keys of a peer not in [Interface].",
	  .wrong = "[Interface]\nAllowedIPs = 10.0.0.0/24", .right = "[Peer]\nAllowedIPs = 10.0.0.0/24",
	  .fix = "Move the line to the section that the help names." },
};
const struct finding_group findings_of_text = { list, ARRAY_LEN(list) };
