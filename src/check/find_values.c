/* Findings about single values; most are errors of the parser. */
#include "finding.h"

static bool runs_private_key(const struct check_file *f)
{
	for (size_t i = 0; i < f->n_hooks; i++)
		if (span_contains(f->hooks[i].text, "private-key") || span_contains(f->hooks[i].text, "conf"))
			return true;
	return false;
}

static void missing_private_key(struct check *c, const struct check_file *f, const struct finding *self)
{
	if (f->has_private || f->private_file_at.line || f->has_errors || !f->interface.line || runs_private_key(f))
		return;
	found(c, self, f, &f->interface, f->in.is_quick ? "the interface has no private key: no peer accepts its packets"
							 : "the interface has no private key, unless it is set elsewhere");
	if (!f->in.is_quick)
		found_level(c, DIAG_NOTE);
	found_help(c, "add PrivateKey = KEY, with a key of `wg genkey'");
}

static void mtu_range(struct check *c, const struct check_file *f, const struct finding *self)
{
	bool has_ipv6 = false;

	for (size_t i = 0; i < f->n_addresses; i++)
		has_ipv6 |= f->addresses[i].addr.family == IP_V6 && !ip_is_v6_link_local(&f->addresses[i].addr);
	if (!f->mtu_at.line || f->mtu == 0 || f->mtu >= 1280 || !has_ipv6)
		return;
	found(c, self, f, &f->mtu_at, "an MTU of %u is too small for the IPv6 address of the interface: IPv6 needs 1280", f->mtu);
	found_level(c, DIAG_WARNING);
	found_help(c, "use at least 1280, or remove the IPv6 address");
}

enum { OVERHEAD_IPV4 = 60, OVERHEAD_IPV6 = 80 };

static void mtu_too_large_for_path(struct check *c, const struct check_file *f, const struct finding *self)
{
	unsigned int overhead = OVERHEAD_IPV4;

	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].endpoint.addr.family != IP_V4)
			overhead = f->peers[i].endpoint_at.line ? OVERHEAD_IPV6 : overhead;
	if (f->path_mtu == 0 || !f->mtu_at.line || f->mtu + overhead <= f->path_mtu)
		return;
	found(c, self, f, &f->mtu_at, "packets of %u bytes become %u bytes when they are encrypted, but the path to the endpoint "
				      "carries %u", f->mtu, f->mtu + overhead, f->path_mtu);
	found_help(c, "use MTU = %u, or remove the line: wg-quick then derives the MTU from the path", f->path_mtu - overhead);
}

static const struct check_at *first_secret(const struct check_file *f)
{
	if (f->private_at.line)
		return &f->private_at;
	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].psk_at.line)
			return &f->peers[i].psk_at;
	return NULL;
}

static void world_readable(struct check *c, const struct check_file *f, const struct finding *self)
{
	const struct check_at *at = first_secret(f);

	if (!f->in.world_readable || !at)
		return;
	found(c, self, f, at, "the file is world accessible, and holds a secret key");
	found_help(c, "chmod 600 %s", f->in.path);
}

static void saveconfig_comments(struct check *c, const struct check_file *f, const struct finding *self)
{
	if (!f->save_config || !f->comments)
		return;
	found(c, self, f, &f->save_at, "with SaveConfig, wireguard-tools' wg-quick deletes the comments when it writes the file");
	found_note(c, f, &(struct check_at){ f->comments, 1, (uint32_t)check_line(f, f->comments).n }, "the first comment");
	found_help(c, "this wg-quick preserves them; remove SaveConfig if others are used as well");
}

static const struct finding list[] = {
	{ .id = "key-file", .title = "a key file that is missing, or that others can read", .level = DIAG_ERROR,
	  .why = "PrivateKeyFile and PresharedKeyFile name files with one key each. wg-quick reads them only if they are regular "
		 "files, belong to root or to the user who runs it, and nobody else has access to them.",
	  .wrong = "[Interface]\nPrivateKeyFile = /etc/wireguard/wg0.key, whose mode is 0644",
	  .right = "[Interface]\nPrivateKeyFile = /etc/wireguard/wg0.key, whose mode is 0600",
	  .fix = "Write the path of the file that has the key, or create:PATH for a private key that `wg-quick up' makes, and use "
		 "chmod 600 and chown root." },
	{ .id = "key-given-twice", .title = "a key that is given in two ways", .level = DIAG_ERROR,
	  .why = "The file has a key, and names another place where the key is. It is not clear which of them is meant.",
	  .wrong = "[Interface]\nPrivateKey = PRIVATE_KEY\nPrivateKeyFile = wg0.key", .right = "[Interface]\nPrivateKeyFile = wg0.key",
	  .fix = "Remove one of the two lines." },
	{ .id = "bad-key", .title = "a value that is not a key", .level = DIAG_ERROR,
	  .why = "A key is 32 bytes in base64: 44 characters, of which the last is '='. Placeholders in instructions, "
		 "truncated keys and names of files are not keys.",
	  .wrong = "[Interface]\nPrivateKey = <your private key>", .right = "[Interface]\nPrivateKey = PRIVATE_KEY",
	  .fix = "Copy the complete output of wg genkey, wg pubkey or wg genpsk." },
	{ .id = "missing-public-key", .title = "a peer without a public key", .level = DIAG_ERROR,
	  .why = "The public key identifies the peer. Without it, the other lines of its section belong to no peer.",
	  .wrong = "[Peer]\nAllowedIPs = 10.0.0.2/32", .right = "[Peer]\nPublicKey = PUBLIC_KEY\nAllowedIPs = 10.0.0.2/32",
	  .fix = "Add PublicKey with the output of `wg pubkey' for the peer's private key, or remove the section." },
	{ .id = "missing-private-key", .title = "an interface without a private key", .level = DIAG_WARNING,
	  .in_file = missing_private_key,
	  .why = "Without a private key the interface has no identity: it can neither begin nor answer a handshake. There is no "
		 "later warning; packets are just lost.",
	  .wrong = "[Interface]\nAddress = 10.0.0.1/24", .right = "[Interface]\nAddress = 10.0.0.1/24\nPrivateKey = PRIVATE_KEY",
	  .fix = "Add PrivateKey, or a hook that sets it: PostUp = wg set %i private-key FILE" },
	{ .id = "bad-address", .title = "a value that is not an IP address", .level = DIAG_ERROR,
	  .why = "Addresses are numeric, with an optional length of the prefix. Host names are possible in Endpoint only.",
	  .wrong = "AllowedIPs = intranet.example.com", .right = "AllowedIPs = 192.0.2.7/32",
	  .fix = "Write the address as four decimal numbers from 0 to 255, or as an IPv6 address without brackets." },
	{ .id = "allowed-ips-range", .title = "a prefix length that is too large", .level = DIAG_ERROR,
	  .why = "The number after the slash counts bits of the address: 32 at most in IPv4, and 128 in IPv6.",
	  .wrong = "AllowedIPs = 10.0.0.0/33", .right = "AllowedIPs = 10.0.0.0/24",
	  .fix = "Write /32 or /128 for a single address, or the length of the network's prefix." },
	{ .id = "host-bits", .title = "an allowed IP with bits beyond its prefix", .level = DIAG_WARNING,
	  .why = "10.0.0.1/24 means the same network as 10.0.0.0/24: all of its 256 addresses. Often the single address was meant, "
		 "and then the peer gets the packets for all others as well.",
	  .wrong = "AllowedIPs = 10.0.0.1/24", .right = "AllowedIPs = 10.0.0.1/32",
	  .fix = "Write /32 (IPv6: /128) for one host, or the network's own address, such as 10.0.0.0/24." },
	{ .id = "bad-endpoint", .title = "an endpoint without host or port", .level = DIAG_ERROR,
	  .why = "An endpoint is HOST:PORT, or [ADDRESS]:PORT for IPv6 addresses, which contain colons themselves. There is no default "
		 "port.",
	  .wrong = "Endpoint = vpn.example.com", .right = "Endpoint = vpn.example.com:51820",
	  .fix = "Add the port, which is the ListenPort of the peer." },
	{ .id = "endpoint-not-resolved", .title = "an endpoint whose name has no address (--resolve)", .level = DIAG_WARNING,
	  .why = "The name is looked up when the tunnel is brought up. Without an address, the peer has no endpoint.",
	  .wrong = "Endpoint = vpn.example.invalid:51820", .right = "Endpoint = vpn.example.com:51820",
	  .fix = "Correct the name, or the name servers of this host." },
	{ .id = "bad-port", .title = "a port that is not 0-65535", .level = DIAG_ERROR,
	  .why = "UDP ports are numbers from 0 to 65535; 0 chooses a free one.",
	  .wrong = "ListenPort = 518200", .right = "ListenPort = 51820", .fix = "Correct the number." },
	{ .id = "bad-fwmark", .title = "a firewall mark that is not a number", .level = DIAG_ERROR,
	  .why = "The mark is a number of 32 bits, in decimal or after 0x in hexadecimal notation, or off.",
	  .wrong = "FwMark = vpn", .right = "FwMark = 0xca6c", .fix = "Write the number that the policy rules match." },
	{ .id = "bad-keepalive", .title = "a keepalive interval that is not 1-65535", .level = DIAG_ERROR,
	  .why = "The interval is a number of seconds without a unit, or off.",
	  .wrong = "PersistentKeepalive = 25s", .right = "PersistentKeepalive = 25", .fix = "Write the number of seconds." },
	{ .id = "bad-value", .title = "a value that the key does not accept", .level = DIAG_ERROR,
	  .why = "Table is off, auto, a number or the name of a table; SaveConfig is true or false; DNS has addresses and domains.",
	  .wrong = "[Interface]\nSaveConfig = yes", .right = "[Interface]\nSaveConfig = true",
	  .fix = "The message says what is expected; wg-quick(8) describes each key." },
	{ .id = "missing-value", .title = "a key without a value", .level = DIAG_ERROR,
	  .why = "Scripts that generate tunnel files leave a value empty when one of their variables is not set.",
	  .wrong = "[Peer]\nPresharedKey =", .right = "[Peer]\nPresharedKey = PRESHARED_KEY",
	  .fix = "Add the value, or remove the line if the setting is not needed." },
	{ .id = "value-too-long", .title = "a value with blanks that is too long", .level = DIAG_ERROR,
	  .why = "Blanks inside a value are ignored, but no valid value is that long.",
	  .wrong = "Endpoint = a b c …", .right = "Endpoint = vpn.example.com:51820", .fix = "Shorten the value." },
	{ .id = "ambiguous-address", .title = "an address that is read differently than it looks", .level = DIAG_WARNING,
	  .why = "As in ip(8), a number with a leading zero is octal, and omitted numbers are zero: 10.8.0.010 is 10.8.0.8.",
	  .wrong = "Address = 10.8.0.010/24", .right = "Address = 10.8.0.10/24",
	  .fix = "Write four decimal numbers without leading zeros." },
	{ .id = "duplicate-address", .title = "an address that is given twice", .level = DIAG_WARNING,
	  .why = "An interface has each address only once. Perhaps one of the two should be another address.",
	  .wrong = "Address = 10.0.0.1/24, 10.0.0.1/24", .right = "Address = 10.0.0.1/24, 10.0.1.1/24",
	  .fix = "Remove or correct one of them." },
	{ .id = "dns-server-name", .title = "the name of a DNS server after '#'", .level = DIAG_WARNING,
	  .why = "systemd-resolved accepts ADDRESS#NAME. In tunnel files a comment begins at '#', so that the name has no effect, "
		 "and queries are not encrypted with TLS.",
	  .wrong = "DNS = 9.9.9.9#dns.quad9.net", .right = "DNS = 9.9.9.9",
	  .fix = "Remove the name. Queries that go through the tunnel are encrypted anyway." },
	{ .id = "mtu-range", .title = "an MTU that no link can have", .level = DIAG_ERROR, .in_file = mtu_range,
	  .why = "An MTU is a number of bytes from 68 to 65535. Below 1280 the kernel removes IPv6 from the interface, so that its "
		 "IPv6 addresses cannot be added.",
	  .wrong = "Address = fd00::1/64\nMTU = 1200", .right = "Address = fd00::1/64\nMTU = 1280",
	  .fix = "Remove the line: wg-quick derives the MTU from the path to the endpoints." },
	{ .id = "mtu-too-large-for-path", .title = "an MTU that the path does not carry (--resolve)", .level = DIAG_WARNING,
	  .in_file = mtu_too_large_for_path,
	  .why = "Encryption adds 60 bytes to a packet in IPv4, and 80 in IPv6. A packet that is then larger than the path allows is "
		 "fragmented or lost: connections begin, but large transfers stop.",
	  .wrong = "MTU = 1500", .right = "MTU = 1420",
	  .fix = "Remove the line: wg-quick derives the MTU from the path to the endpoints." },
	{ .id = "world-readable", .title = "a secret key in a file that all users can read", .level = DIAG_WARNING,
	  .in_file = world_readable,
	  .why = "A program or user that can read the private key can impersonate this host, and with the preshared key lost as well, "
		 "its protection against recorded traffic ends.",
	  .wrong = "-rw-r--r-- root root wg0.conf", .right = "-rw------- root root wg0.conf",
	  .fix = "chmod 600 FILE; create keys and files after umask 077. If others may have read it, make a new key." },
	{ .id = "saveconfig-comments", .title = "SaveConfig in a file with comments", .level = DIAG_NOTE,
	  .in_file = saveconfig_comments,
	  .why = "SaveConfig writes the state of the tunnel into its file on each down. wireguard-tools writes a new file without "
		 "comments, so that names of peers are lost; this suite edits the lines that changed.",
	  .wrong = "SaveConfig = true\n# Name = laptop", .right = "# Name = laptop",
	  .fix = "Remove SaveConfig, and use wg-quick save when the state is to be written." },
};
const struct finding_group findings_of_values = { list, ARRAY_LEN(list) };
