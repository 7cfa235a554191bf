"""Seeded random cases: devices, tunnel files and command lines, valid and invalid. Each has the attributes that the rules
for differences need."""
import base64
import dataclasses
import ipaddress
import time

FIELDS = ("public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips "
          "latest-handshakes transfer persistent-keepalive dump").split()


@dataclasses.dataclass
class Case:
    kind: str
    argv: list
    devices: dict = dataclasses.field(default_factory=dict)
    set_reply: bytes = b"errno=0\n\n"
    files: dict = dataclasses.field(default_factory=dict)
    stdin: bytes = b""
    env: dict = dataclasses.field(default_factory=dict)
    secrets: list = dataclasses.field(default_factory=list)  # texts that no error message may contain
    bad_line: int = 0       # number of the one invalid line of the file
    bad_port: str = ""      # a port that is too large, as the value of its setting
    bad_key: str = ""       # key of the peer whose endpoint does not resolve
    signs: bool = False     # allowed-ips with '+' or '-', which the old version does not support
    sent: bytes = None      # the expected request, if the old version cannot send it
    newest: bool = False    # not supported by the old version
    terminals: tuple = ()   # the streams that are terminals: "in", "out", "err", "same" (out and err are one)
    out: str = ""           # standard output: "mode NNN" is a file with this mode; "full", "closed", "pipe"


def base64_of(key):
    return base64.b64encode(key).decode()


class Source:
    """All random values come from one generator."""

    def __init__(self, random):
        self.r = random
        self.keys = [random.randbytes(32) for _ in range(12)]

    def one(self, *choices):
        return self.r.choice(choices)

    def chance(self, percent):
        return self.r.randrange(100) < percent

    def key(self):
        return self.r.choice(self.keys) if self.chance(70) else self.r.randbytes(32)

    def secret(self):
        return base64_of(self.r.randbytes(32))  # never the public key of a peer

    def ipv4(self):
        return ".".join(str(self.one(0, 1, 10, 127, 192, 254, 255, self.r.randrange(256))) for _ in range(4))

    def ipv6(self):
        groups = [self.one(0, 0, 0, 1, 0xff, 0xfd00, 0xffff, self.r.randrange(65536)) for _ in range(8)]
        address = ipaddress.IPv6Address(sum(g << 112 - 16 * i for i, g in enumerate(groups)))
        text = self.one(str(address), address.exploded, str(address).upper())
        if self.chance(5):
            text = "::ffff:" + self.ipv4()
        return text

    def prefix(self, host_bits=True):
        v6 = self.chance(40)
        address = self.ipv6() if v6 else self.ipv4()
        bits = self.r.randrange(129 if v6 else 33)
        if not host_bits:
            return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
        if self.chance(15):
            return address
        return f"{address}/{'0' if self.chance(5) else ''}{bits}"

    def clean_prefixes(self, n):
        """Distinct prefixes, so that their order does not matter."""
        seen = {}
        for _ in range(n):
            text = self.prefix(host_bits=False)
            seen[text] = None
        return list(seen)

    def port(self):
        return self.one(0, 1, 53, 51820, 65535, self.r.randrange(65536))

    def endpoint(self):
        port = self.one(str(self.port()), str(self.port()), "domain", f"0{self.port()}")
        return self.one(f"{self.ipv4()}:{port}", f"[{self.ipv6()}]:{port}", f"{self.ipv6()}:{port}",
                        f"[{self.ipv4()}]:{port}", f"one.example.test:{port}", f"[two.example.test]:{port}",
                        f"[fe80::1%lo]:{port}", f"[2001:db8::1%1]:{port}", f"[fe80::{self.r.randrange(1, 99):x}%1]:{port}")

    # ---- replies of a device ----

    def peer_state(self, now, key):
        ip = self.one(f"{self.ipv4()}:{self.port()}", f"[{ipaddress.IPv6Address(self.ipv6())}]:{self.port()}")
        lines = [f"public_key={key.hex()}"]
        if self.chance(90):
            psk = self.one(bytes(32), self.key())
            lines.append(f"preshared_key={psk.hex()}")
        lines.append("protocol_version=1")
        if self.chance(70):
            lines.append(f"endpoint={ip}")
        age = self.one(0, 1, 59, 60, 61, 119, 3600, 86400, 86400 * 365 + 1, self.r.randrange(10**8), -100)
        has_handshake = self.chance(60)
        lines.append(f"last_handshake_time_sec={now - age if has_handshake else 0}")
        lines.append(f"last_handshake_time_nsec={self.r.randrange(10**9) if has_handshake else 0}")
        for word in "tx_bytes", "rx_bytes":
            count = self.one(0, 1, 1023, 1024, 1048575, 1048576, 2**30 - 1, 2**40, 2**64 - 1,
                             self.r.randrange(2**self.r.randrange(1, 64)))
            lines.append(f"{word}={count}")
        keepalive = self.one(0, 0, 1, 25, 59, 60, 61, 3600, 65535, self.r.randrange(65536))
        lines.append(f"persistent_keepalive_interval={keepalive}")
        lines += [f"allowed_ip={p}" for p in self.clean_prefixes(self.one(0, 1, 2, 5))]
        return lines

    def state_lines(self, peers=None, now=None):
        now = int(time.time()) if now is None else now
        lines = []
        if self.chance(80):
            lines.append(f"private_key={self.clamped().hex()}")
        if self.chance(80):
            lines.append(f"listen_port={self.port()}")
        if self.chance(50):
            lines.append(f"fwmark={self.one(0, 1, 51820, 2**32 - 1)}")
        keys = self.r.sample(self.keys, self.one(0, 1, 2, 3, 8) if peers is None else peers)
        for key in keys:
            lines += self.peer_state(now, key)
        return lines

    def clamped(self):
        key = bytearray(self.key())
        key[0] &= 248
        key[31] = key[31] & 127 | 64
        return bytes(key)

    def state(self, **kw):
        return ("\n".join(self.state_lines(**kw) + ["errno=0"]) + "\n\n").encode()


# ---- show ----

def some_unreadable(s):
    """Several devices, of which some cannot be read."""
    names = s.one(["dt0", "dt1"], ["dt0", "dt1", "dt2"], ["dt0", "dt1", "dt2", "dt3"])
    devices = {name: s.one(s.state(), s.state(), b"", b"errno=19\n\n", b"listen_port=x\nerrno=0\n\n", s.state(peers=0))
               for name in names}
    return Case("show", s.one(["show"], [], ["show", "all"], ["show", "all", s.one(*FIELDS)], ["show", "all", "bogus"],
                              ["show", "interfaces"]), devices, env=s.one({}, {"WG_COLOR_MODE": "always"}))


def many_peers(s):
    """A reply of several hundred KiB."""
    lines = ["private_key=" + s.clamped().hex()]
    for i in range(s.one(300, 900)):
        lines += s.peer_state(1700000000, s.r.randbytes(32))
    lines += [f"allowed_ip=10.{i >> 8}.{i & 255}.0/24" for i in range(s.one(0, 3000))]
    return Case("show", s.one(["show", "dt0"], ["show", "dt0", "dump"], ["showconf", "dt0"], ["show", "all", "allowed-ips"]),
                {"dt0": ("\n".join(lines) + "\nerrno=0\n\n").encode()})


def show(s):
    names = s.one(["dt0"], ["dt0"], ["dt0", "dt-long.name_15"], ["dt0", "dt1", "dt2"], [])
    devices = {name: s.state() for name in names}
    target = s.one(*names, "all", "all", "nosuch") if names else s.one("all", "nosuch")
    argv = s.one(["show", target], ["show", target, s.one(*FIELDS)], ["show", target, s.one(*FIELDS)],
                 ["show"], [], ["show", "interfaces"], ["showconf", target], ["show", target, "bogus"])
    if target == "all" and argv[:1] == ["showconf"]:
        argv[1] = "dt0"
    env = {}
    if s.chance(40):
        env["WG_COLOR_MODE"] = s.one("always", "never", "auto", "")
    if s.chance(40):
        env["WG_HIDE_KEYS"] = s.one("never", "always", "")
    prints = names and argv in ([], ["show"], ["show", "interfaces"], ["show", names[0]], ["show", names[0], "dump"])
    return Case("show", argv, devices, env=env, out=unwritable(s) if prints and s.chance(5) else "")


def usage(s):
    argv = s.one(["help"], ["--help"], ["-h"], ["bogus"], ["--help", "x"], ["-v"], ["--version"], ["version"],
                 ["version", "x"], ["show", "-h"], ["show", "--help"],
                 ["show", "help"], ["show", "dt0", "peers", "x"], ["show", "interfaces", "x"], ["showconf"],
                 ["showconf", "a", "b"], ["set"], ["set", "dt0"], ["setconf"], ["setconf", "dt0"],
                 ["addconf", "a", "b", "c"], ["syncconf", "--help"], ["genkey", "x"], ["genpsk", "-h"],
                 ["pubkey", "x"], ["set", "--help"], ["setconf", "-h"], ["", "x"], ["Show"], ["showconf", "--help"],
                 ["show", "sixteen-letters-"], ["showconf", "sixteen-letters-"],
                 ["set", "sixteen-letters-", "fwmark", "1"])
    return Case("usage", list(argv), {"dt0": s.state()} if s.chance(50) else {})


def pubkey(s):
    text = base64_of(s.key())
    if s.chance(15):
        return Case("pubkey", ["pubkey"], stdin=(text + "\n").encode(), out=unwritable(s))
    wrong = s.one(text[:-1], text[:20] + " " + text[21:], text[:42] + "B=", " " + text, text + "x", "",
                  text[:43] + "A", text + " \n\0 ", text + "\n" + text, text.replace("=", ""))
    stdin = s.one(text, text + "\n", text + " \t\r\n", wrong, wrong)
    return Case("pubkey", ["pubkey"], stdin=stdin.encode())


def unwritable(s):
    return s.one("full", "closed")


def fresh_key(s):
    """genkey and genpsk with every kind of standard output."""
    mode = s.one("600", "640", "660", "644", "604", "602", "601", "666", "606", "400", "404")
    out = s.one(f"mode {mode}", f"mode {mode}", f"mode {mode}", unwritable(s), "null", "")
    argv = [s.one("genkey", "genpsk"), *s.one((), (), (), ("x",), ("--help",))]
    case = Case("genkey", argv, out=out, stdin=s.one(b"", b"x\n"))
    if not out and s.chance(50):
        case.terminals = s.one(("out",), ("out", "err"), ("same",), ("in", "out", "err"))
    return case


def terminal(s):
    """A case with a terminal: colours, help, errors and typed input."""
    case = s.one(show, show, show, usage, set_arguments, invalid_file, setconf, pubkey)(s)
    case.out = ""
    case.terminals = s.one(("out",), ("err",), ("out", "err"), ("same",), ("in", "same"))
    if b"\0" in case.stdin or not case.stdin.endswith(b"\n"):
        case.terminals = ("out", "err") # the line discipline of a terminal would change it
    for word, value in ("TERM", "dumb"), ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("COLUMNS", "20"):
        if s.chance(20):
            case.env[word] = value
    if s.chance(50):
        case.env["WG_COLOR_MODE"] = s.one("always", "never", "auto", "", "Always", "ALWAYS", "neverx")
    return case


# ---- set ----

def set_arguments(s):
    """Arguments of `wg set`, mostly valid."""
    case = Case("set", ["set", "dt0"], {"dt0": s.state()})
    words = case.argv
    for _ in range(s.one(0, 1, 2)):
        words += s.one(["listen-port", str(s.port())], ["listen-port", "domain"],
                       ["fwmark", s.one("off", "OFF", "0", "0x1aF", "4294967295", "010")],
                       ["private-key", key_file(s, case)])
    for _ in range(s.one(0, 1, 1, 2)):
        words += ["peer", base64_of(s.key())]
        if s.chance(10):
            words.append("remove")
        for _ in range(s.one(0, 1, 2, 3)):
            words += s.one(["endpoint", s.endpoint()], ["persistent-keepalive", s.one("off", "0", "25", "65535", "007")],
                           ["preshared-key", key_file(s, case)],
                           ["allowed-ips", s.one(",", ", ", " ,").join(s.prefix() for _ in range(s.one(1, 2, 4)))],
                           ["allowed-ips", ""])
    if s.chance(35):
        add_invalid_argument(s, case)
    if s.chance(10):
        case.set_reply = b"errno=-%d\n\n" % s.one(1, 22, 98, 16, 5)
    return case


def key_file(s, case):
    name = f"key{len(case.files)}"
    text = s.secret()
    case.secrets.append(text)
    if s.chance(20):
        return s.one("/dev/null", "nosuch", "/")
    text = s.one(text, text + "\n", text + "\n\n \t", text[:30], text + "\nx", " " + text, "", text[:42] + "z=").encode()
    if s.chance(15) and "/dev/stdin" not in case.argv:  # from a pipe, possibly empty
        case.stdin = text
        return "/dev/stdin"
    case.files[name] = text
    return name


def add_invalid_argument(s, case):
    key = base64_of(s.key())
    value = s.one("bogus", "-1", " 5", "0X10", "0x", "x", "=")
    case.argv += s.one(
        ["listen-port", value], ["listen-port"], ["listen-port", ""], ["fwmark", value], ["fwmark", "0x100000000"],
        ["fwmark", ""], ["bogus"], ["peer"], ["peer", "short"], ["peer", key, "listen-port", "5"],
        ["peer", key, "endpoint", s.one("", "1.2.3.4", "1.2.3.4:", "[::1", "[::1]", "[::1]5", ":5", "[]:5",
                                        "nowhere.example.test:5")],
        ["peer", key, "persistent-keepalive", s.one("", "65536", "-1", "x", "1.5")],
        ["peer", key, "allowed-ips", s.one(",", "1.2.3.4,", "1.2.3.4/33", "::/129", "1.2.3.4/", "1.2/8", "x",
                                           "1.2.3.4/24/5", "10.0.0.0/+8", "::1/-1", "1.2.3.4;5.6.7.8")],
        ["peer", key, "Remove"], ["peer", key, "peer"], ["PEER", key])


def set_port_too_large(s):
    port = str(s.one(65536, 65537, 70000, 99999, 2**32, 2**32 + 5, 2**64, 10**25))
    if s.chance(50):
        argv, text = ["listen-port", port], port
    else:
        text = s.one("1.2.3.4:", "[::1]:", "one.example.test:") + port
        argv = ["peer", base64_of(s.key()), "endpoint", text]
    return Case("set", ["set", "dt0"] + argv, {"dt0": s.state()}, bad_port=text)


def set_unresolvable_name(s):
    words = ["peer", base64_of(s.key()), "endpoint", s.one("nowhere.example.test:5", "[no where]:5", "[fe80::1%nolink]:5")]
    return Case("set", ["set", "dt0"] + words, {"dt0": s.state()})


def set_signs(s):
    key = s.key()
    prefixes = s.clean_prefixes(s.one(1, 2, 4))
    signs = [s.one("+", "-", "") for _ in prefixes]
    if not any(signs):
        signs[0] = "-"
    sent = f"set=1\npublic_key={key.hex()}\n"
    sent += "".join(f"allowed_ip={'-' if sign == '-' else ''}{p}\n" for sign, p in zip(signs, prefixes)) + "\n"
    words = ",".join(sign + p for sign, p in zip(signs, prefixes))
    return Case("set", ["set", "dt0", "peer", base64_of(key), "allowed-ips", words], {"dt0": s.state()},
                signs=True, sent=sent.encode())


def many_signs(s):
    """Several lists for a peer, of which the last decides whether they replace; in words and in files."""
    def prefixes():
        return ",".join(s.one("+", "-", "", "") + s.prefix(host_bits=s.chance(20)) for _ in range(s.one(1, 2, 3)))
    key, lists = base64_of(s.key()), [prefixes() for _ in range(s.one(1, 2, 3))]
    if s.chance(50):
        words = [word for text in lists for word in ("allowed-ips", text)]
        return Case("set", ["set", "dt0", "peer", key] + words, {"dt0": s.state()}, newest=True)
    text = f"[Peer]\nPublicKey = {key}\n" + "".join(f"AllowedIPs = {text}\n" for text in lists)
    return Case("setconf", [s.one("setconf", "addconf"), "dt0", "dt0.conf"], {"dt0": s.state()},
                files={"dt0.conf": text.encode()}, newest=True)


# ---- files ----

def blanks(s, text):
    """An equivalent line: with different case, blanks, a comment."""
    key, _, value = text.partition("=")
    if s.chance(30):
        key = s.one(key.lower(), key.upper(), key.swapcase())
    if s.chance(20):
        at = s.r.randrange(len(key) + 1)
        key = key[:at] + s.one(" ", "\t", "\v") + key[at:]
    if s.chance(10):
        at = s.r.randrange(len(value) + 1)
        value = value[:at] + " " + value[at:]
    return s.one("", " ", "\t") + key + s.one("=", " = ", "= ", " =") + value + s.one("", "", " ", "\r", " # x", "#y=z")


def interface_lines(s, case):
    lines = [s.one("[Interface]", "[interface]", " [ Interface ] ", "[INTERFACE] # x")]
    for _ in range(s.one(0, 1, 2, 3)):
        key = s.secret()
        text = s.one(f"PrivateKey={key}", f"ListenPort={s.port()}", "ListenPort=domain",
                     f"FwMark={s.one('off', '0', '0xCA6C', '4294967295', '010')}")
        if text.startswith("PrivateKey"):
            case.secrets.append(key)
        lines.append(blanks(s, text))
    return lines


def peer_lines(s, case, key, prefixes):
    lines = [s.one("[Peer]", "[peer]", "[PEER]", "[ Peer ]"), blanks(s, f"PublicKey={base64_of(key)}")]
    psk = s.secret()
    if s.chance(40):
        lines.append(blanks(s, f"PresharedKey={s.one(psk, base64_of(bytes(32)))}"))
        case.secrets.append(psk)
    if prefixes:
        cut = s.r.randrange(len(prefixes) + 1)
        for part in prefixes[:cut], prefixes[cut:]:
            if part:
                lines.append(blanks(s, "AllowedIPs=" + s.one(",", ", ").join(part)))
    if s.chance(50):
        lines.append(blanks(s, f"Endpoint={s.endpoint()}"))
    if s.chance(40):
        lines.append(blanks(s, f"PersistentKeepalive={s.one('off', '0', '25', '65535', '010')}"))
    return lines


def tunnel_lines(s, case, host_bits):
    lines = interface_lines(s, case) if s.chance(80) else []
    keys = s.r.sample(s.keys, s.one(0, 1, 2, 4))
    clean = s.clean_prefixes(12)
    for key in keys:
        n = s.one(0, 1, 2, 3)
        prefixes = [s.prefix() for _ in range(n)] if host_bits else [clean.pop() for _ in range(min(n, len(clean)))]
        lines += s.one([], [""], ["# comment"], ["  "]) + peer_lines(s, case, key, prefixes)
    if not lines:
        lines = ["[Interface]"]
    return lines


INVALID = [
    "foo", "ListenPort", "ListenPort=", "ListenPort=x", "ListenPort==5", "ListenPort=-1", "FwMark=0X1", "FwMark=",
    "FwMark=0x100000000", "PrivateKey=short", "PrivateKey=", "Address=10.0.0.1/24", "DNS=1.1.1.1", "MTU=1420",
    "PostUp=echo x", "SaveConfig=true", "[Foo]", "[Interface", "; comment", "PublickKey=x", "Jc=4",
    "PresharedKey=short", "AllowedIPs=", "AllowedIPs=x", "AllowedIPs=1.2.3.4,", "AllowedIPs=1.2.3.4/33",
    "AllowedIPs=::/129", "Endpoint=1.2.3.4", "Endpoint=[::1", "Endpoint=[::1]5", "Endpoint=", "Endpoint=:5",
    "PersistentKeepalive=65536", "PersistentKeepalive=-1", "PublicKey=short",
]


def tunnel_file(s, word, host_bits):
    case = Case(word, [word, "dt0", "dt0.conf"], {"dt0": s.state()})
    lines = tunnel_lines(s, case, host_bits)
    if s.chance(10):
        case.set_reply = b"errno=-%d\n\n" % s.one(1, 22, 98)
    case.files["dt0.conf"] = ("\n".join(lines) + s.one("\n", "")).encode()
    return case, lines


def setconf(s):
    return tunnel_file(s, s.one("setconf", "addconf"), True)[0]


def invalid_file(s):
    """A valid file with one invalid line somewhere."""
    case, lines = tunnel_file(s, s.one("setconf", "addconf", "syncconf"), False)
    secret = s.secret()
    case.secrets.append(secret)
    wrong = s.one(*INVALID, *INVALID, f"PrivateKye={secret}", secret, f"PrivateKey {secret}", f"PresharedKey={secret}x",
                  f"PrivateKey={secret[:43]}", f"[{secret}]", f"ListenPort={secret}", f"Endpoint={secret}")
    at = s.r.randrange(len(lines) + 1)
    lines.insert(at, s.one(wrong, wrong, wrong.replace("=", " = "), "  " + wrong))
    case.files["dt0.conf"] = ("\n".join(lines) + "\n").encode()
    case.bad_line = at + 1
    return case


def file_port_too_large(s):
    case, lines = tunnel_file(s, s.one("setconf", "addconf"), False)
    port = str(s.one(65536, 99999, 2**32 + 5, 10**25))
    if s.chance(50):
        case.bad_port, lines = port, ["[Interface]", f"ListenPort = {port}"] + lines
        case.bad_line = 2
    else:
        case.bad_port = "1.2.3.4:" + port
        lines += ["[Peer]", f"PublicKey={base64_of(s.key())}", f"Endpoint={case.bad_port}"]
        case.bad_line = len(lines)
    case.files["dt0.conf"] = ("\n".join(lines) + "\n").encode()
    return case


def file_unresolvable_name(s):
    case, lines = tunnel_file(s, s.one("setconf", "addconf", "syncconf"), False)
    case.bad_line, case.bad_key = len(lines) + 1, base64_of(s.key())
    lines += ["[Peer]", f"PublicKey={case.bad_key}", "Endpoint = nowhere.example.test:5"]
    case.files["dt0.conf"] = ("\n".join(lines) + "\n").encode()
    return case


def peer_without_key(s):
    case, lines = tunnel_file(s, "setconf", False)
    case.bad_line = len(lines) + 1
    case.files["dt0.conf"] = ("\n".join(lines + ["[Peer]", "AllowedIPs=1.2.3.4"]) + "\n").encode()
    return case


def syncconf(s):
    case, lines = tunnel_file(s, "syncconf", False)
    case.set_reply = b"errno=0\n\n"
    return case


def empty_file(s):
    text = s.one("", "\n", "# only a comment\n", " \t\r\n#\n")
    path = s.one("dt0.conf", "dt0.conf", "nosuch", "/dev/null", "/")
    return Case("empty", [s.one("setconf", "syncconf", "addconf"), "dt0", path],
                {"dt0": s.state()}, files={"dt0.conf": text.encode()})


# ---- invalid replies ----

def large_count(s):
    word = s.one("rx_bytes", "tx_bytes")
    reply = f"public_key={s.key().hex()}\n{word}={s.one(2**64, 10**30)}\nerrno=0\n\n"
    return Case("broken", s.one(["show", "dt0"], ["show", "all", "transfer"]), {"dt0": reply.encode()})


def all_endpoints(s):
    return Case("show", ["show", "all", "endpoints"], {name: s.state() for name in ("dt0", "dt1", "dt2")})


def invalid_reply(s):
    lines = s.state_lines(peers=2)
    at = s.r.randrange(len(lines))
    wrong = s.one("listen_port=65536", "listen_port=x", "fwmark=0x1", "fwmark=4294967296", "private_key=00", "nonsense",
                  "rx_bytes=18446744073709551616", "allowed_ip=1.2.3.4/33", "allowed_ip=x/8", "newer_key=1", "=", "a=b=c",
                  "public_key=00", "preshared_key=zz", "persistent_keepalive_interval=65536", "endpoint=[::1]",
                  "endpoint=one.example.test:5", "endpoint=1.2.3.4:domain", "last_handshake_time_sec=x", "tx_bytes=-1", "listen_port=", "errno=x")
    lines.insert(at, wrong)
    tail = s.one("errno=0\n\n", "errno=0\n\n", "errno=22\n\n", "\n", "errno=1\n\n", "")
    reply = "\n".join(lines) + "\n" + tail
    target = s.one(["show", "dt0", "dump"], ["show", "dt0"], ["showconf", "dt0"], ["show", "all", "dump"])
    return Case("broken", list(target), {"dt0": reply.encode()})
