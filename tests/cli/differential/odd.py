"""Cases at the edges of the grammar: unusual names, settings, keys and replies."""
from generate import Case, base64_of


def odd_name(s):
    name = s.one("", "a/b", ".", "..", "dt0 ", " dt0", "dt0/", "../dt0", "all", "interfaces", "help", "a\tb", "\u00e4",
                 "%s", "-x", "--", "sixteen-letters-", "seventeen-letters", "fifteen-letters", "fifteen-letters+", "x" * 100, "dt0.sock", "dt0\n")
    words = s.one(["show", name], ["show", name, "peers"], ["showconf", name], ["set", name, "fwmark", "1"],
                  ["setconf", name, "dt0.conf"], ["syncconf", name, "dt0.conf"])
    return Case("odd", words, {"dt0": s.state()}, files={"dt0.conf": b"[Interface]\nFwMark = 1\n"})


ODD_ENDPOINTS = """[::1%lo]:5|one.example.test:domain:5|[one.example.test:5|a]:5|[a]b:5|[::1]:domain|1.2.3.4:+5|1.2.3.4: 5
1.2.3.4:0x10|1.2.3.4:-1|1.2.3.4:5x|::1:5|[::1|[]:|:|::|[::1]:|1.2.3:5|1:5|0x7f.1:5|[1.2.3.4]:5|[[::1]]:5
1.2.3.4:05|1.2.3.4:00000000000000005|[::ffff:1.2.3.4]:5|[fe80::1%1]:5|[fe80::1%99]:5|[fe80::1%]:5|fe80::1%lo:5
256.1.1.1:5|1.2.3.4.:5| 1.2.3.4:5|1.2.3.4:5 |127.1:5|010.1.1.1:5|[::1]x:5|1.2.3.4:http|1.2.3.4:nosuchservice
[::1%lo%lo]:5|::1%lo:5|[::1:5|1.2.3.4]:5|]:5|[:5|1.2.3.4::5""".replace("\n", "|").split("|")
ODD_ENDPOINTS += ["x" * 70 + ":5", "a." * 140 + "b:5", "[ff02::1%lo]:5", "ff05::1%1:5", "one.example.test:+5",
                  "one.example.test: 5", "[two.example.test]:\t+5", "one.example.test:5+"]
ODD_PREFIXES = """1.2.3.4/ 24|1.2.3.4 /24|1.2.3.4/00032|1.2.3.4/032|/24|1.2.3.4//24|+|-|+-1.2.3.4|--1.2.3.4|+/24|::ffff:1.2.3.4/96
010.0.0.1|1.2.3/24|1.2.3.4/-0|1.2.3.4/+24|1.2.3.4/0x18|::/0|0.0.0.0/0|1.2.3.4/24x|1.2.3.4/24 ,5.6.7.8|,|,1.2.3.4
1.2.3.4,,5.6.7.8|fe80::1%lo/64|1:2:3:4:5:6:7:8:9|::1::|1.2.3.4/4294967296|1.2.3.4/4294967328|x|one.example.test
[::1]/128|::1/128|1.2.3.4/32,1.2.3.4/32|1.2.3.4/31,1.2.3.5/31|ABCD::EF/128|1.2.3.4/|1.2.3.4/ | |0/0|::/00
::ffff:0:0/95|1.2.3.4\t/24|1.2.3.4;|1.2.3.4/24/24""".replace("\n", "|").split("|")
ODD_NUMBERS = """| |0|00|off|Off|oFF|off |0x|0x0|0X1|0xg|0xFFFFFFFF|0x100000000|0x0000000000000001|1e3|1.0|+1|1 | 1|1x|4294967295
4294967296|65535|065535|18446744073709551616|\t5|domain|Domain|http|0b1|01|08|1_000|\u0665""".replace("\n", "|").split("|")
ODD_PREFIXES += ["10.0.0.0/" + "0" * 300 + "8", "10.0.0.0/" + "0" * 300 + " 33"]
ODD_NUMBERS += ["0" * 300 + "8", "0x" + "0" * 300 + "8"]
NAME_IN_FILE = {"endpoint": "Endpoint", "allowed-ips": "AllowedIPs", "persistent-keepalive": "PersistentKeepalive",
                "fwmark": "FwMark", "listen-port": "ListenPort"}


def odd_setting(s):
    key = base64_of(s.key())
    word, values, of_peer = s.one(*[("endpoint", ODD_ENDPOINTS, True)] * 2, *[("allowed-ips", ODD_PREFIXES, True)] * 2,
                                  ("persistent-keepalive", ODD_NUMBERS, True), ("fwmark", ODD_NUMBERS, False),
                                  ("listen-port", ODD_NUMBERS, False))
    value = s.one(*values)
    case = Case("odd", ["set", "dt0", *(["peer", key] if of_peer else []), word, value], {"dt0": s.state()})
    if s.chance(50):
        lines = ["[Peer]", f"PublicKey={key}"] if of_peer else ["[Interface]"]
        lines.append(NAME_IN_FILE[word] + s.one("=", " = ") + value)
        case.argv, case.bad_line = [s.one("setconf", "addconf"), "dt0", "dt0.conf"], len(lines)
        case.files["dt0.conf"] = ("\n".join(lines) + "\n").encode()
    if word == "listen-port" and value.isascii() and value.isdigit() and int(value) > 65535:
        case.bad_port = value
    case.bad_key = key
    return case


def odd_key(s):
    text = base64_of(s.key())
    wrong = s.one("", " ", text[:43], text + "=", text[:42] + "==", text[:-1] + "A", "=" * 44, text[:10] + "-" + text[11:],
                  text[:10] + "_" + text[11:], text.lower(), " " + text, text + " ", text[:20] + "\n" + text[20:],
                  "A" * 43 + "=", "A" * 42 + "B=", text + text, "0" * 64, "\u00e9" * 22,
                  text[:42] + s.one(*"ABCDEFGHIJ") + "=")
    words = s.one(["peer", wrong], ["peer", wrong, "remove"], ["private-key", "k"], ["peer", text, "preshared-key", "k"],
                  ["peer", text, "endpoint", wrong + ":5"])
    from_file = "k" in words
    return Case("odd", ["set", "dt0"] + words, {"dt0": s.state()}, bad_key=text,
                files={"k": wrong.encode()} if from_file else {},
                secrets=[wrong] if from_file and len(wrong) > 40 else [])


ODD_ERRNOS = [
    "", "errno=0", "errno=\n\n", "errno=x\n\n", "errno=22\n\n", "errno=-22\n\n", "errno=-110\n\n",
    "x=y\nerrno=0\n\n", "errno=0\n\nmore", "ERRNO=0\n\n", " errno=0\n\n", "errno= 0\n\n",
    "errno=-99999\n\n", "errno=0\r\n\r\n", "\0", "errno", "errno=+1\n\n", "errno=0x1\n\n", "=0\n\n",
    "junk\nerrno=0\n\n", "\nerrno=0\n\n", "errno=5\nerrno=0\n\n", "errno=0\nx=y\n\n"
]


def odd_errno(s):
    reply = s.one(*ODD_ERRNOS).encode()
    words = s.one(["show", "dt0"], ["showconf", "dt0"], ["show", "all", "dump"],
                  ["set", "dt0", "fwmark", "1"], ["set", "dt0", "fwmark", "1"],
                  ["setconf", "dt0", "dt0.conf"])
    return Case("broken", words, {"dt0": reply}, set_reply=reply, files={"dt0.conf": b"[Interface]\nFwMark = 1\n"})


ODD_LINES = """private_key=ZERO|private_key=KEY|private_key=KEYx|listen_port=0|listen_port=007|listen_port=+5|listen_port= 5
fwmark=0|fwmark=01|public_key=KEY|public_key=KEY|public_key=KEY|public_key=ZERO|preshared_key=ZERO
preshared_key=KEY|endpoint=1.2.3.4:5|endpoint=[::1]:5|endpoint=::1:5|endpoint=1.2.3.4|endpoint=
endpoint=[fe80::1%lo]:5|endpoint=[fe80::1%1]:5|endpoint=[fe80::1%4242]:5|endpoint=1.2.3.4:65536
endpoint=1.2.3.4:0|allowed_ip=1.2.3.4/32|allowed_ip=1.2.3.4|allowed_ip=1.2.3.4/24|allowed_ip=::/0|allowed_ip=
allowed_ip=/|allowed_ip=1.2.3.4/|allowed_ip=::ffff:1.2.3.4/128|allowed_ip=-1.2.3.4/32
persistent_keepalive_interval=0|persistent_keepalive_interval=off|persistent_keepalive_interval=25|rx_bytes=5
tx_bytes=5|rx_bytes=-5|last_handshake_time_sec=5|last_handshake_time_nsec=1000000000|last_handshake_time_nsec=5
last_handshake_time_sec=9223372036854775807|protocol_version=2|protocol_version=x|has_handshake=true|x=
remove=true|errno=0|get=1|of_tomorr\0ow=1|of_tomorrow=\0""".replace("\n", "|").split("|")


def odd_state(s):
    def fill(line):
        return line.replace("ZERO", "0" * 64).replace("KEY", s.one(s.key().hex(), s.key().hex().upper()))
    lines = [fill(s.one(*ODD_LINES)) for _ in range(s.r.randrange(1, 6))]
    if s.chance(70):
        lines.insert(0, fill("public_key=KEY"))
    if s.chance(15):
        lines = [fill("public_key=KEY"), "allowed_ip=1.2.3.4/24", "allowed_ip=::/0"]
    return Case("broken", s.one(["show", "dt0"], ["show", "dt0", "dump"], ["showconf", "dt0"], ["show", "all", "dump"]),
                {"dt0": ("\n".join(lines) + "\nerrno=0\n\n").encode()})


def odd_retries(s):
    value = s.one("x", "", "-1", " 3", "0x3", "2147483648", "00", "0", "+0", "Infinity", "infinity", " ", "+", "1x",
                  "2147483647")
    case = Case("odd", ["set", "dt0", "peer", base64_of(s.key())], {"dt0": s.state()},
                env={"WG_ENDPOINT_RESOLUTION_RETRIES": value})
    case.argv += s.one(["endpoint", "one.example.test:5"], ["endpoint", "1.2.3.4:5"], ["persistent-keepalive", "5"])
    return case
