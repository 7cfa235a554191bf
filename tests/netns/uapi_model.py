#!/usr/bin/env python3
"""uapi_model.py SEED COUNT NAME…: random requests, made from the seeds SEED to SEED + COUNT - 1, to the daemons of interfaces.

After each request the state is that of a model. An invalid line is refused with the same error by all, wherever it is, and
changes nothing; but of wg1, wireguard-go, which keeps what precedes it, and lists peers and allowed IPs in its own order."""
import base64
import ipaddress
import random
import socket
import subprocess
import sys

STEPS = 30
NONE = "0" * 64
PREFIXES = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "::/0", "fd00::/8", "fd00::1/128", "10.1.2.255/24",
            "10.1.2.0/24", "fd00:1::ffff/32", "fd00:1::/32", "128.0.0.0/1", "255.255.255.255/32", "10.1.2.2/31", "8000::/1"]
ENDPOINTS = ["192.0.2.1:51820", "[2001:db8::1]:51820", "127.0.0.1:9", "[::1]:1", "255.255.255.255:65535", "192.0.2.1:0"]
INVALID = [
    "foo=1", "=", "=x", "errno=0", "rx_bytes=1", "get=1", "set=1", "Public_Key=" + NONE, "public_key=zz", "public_key=" + "0" * 62,
    "private_key=", "private_key=" + "0" * 66, "listen_port=65536", "listen_port=-1", "listen_port=", "listen_port=0x10",
    "listen_port= 5", "fwmark=4294967296", "fwmark=", "replace_peers=false", "preshared_key=ab", "endpoint=1.2.3.4",
    "endpoint=[::1]", "endpoint=host:1", "endpoint=1.2.3.4:65536", "endpoint=1.2.3.4:+5", "endpoint=", "endpoint=::1:5",
    "persistent_keepalive_interval=65536", "persistent_keepalive_interval=off", "persistent_keepalive_interval=",
    "allowed_ip=10.0.0.0/33", "allowed_ip=fd00::/129", "allowed_ip=x", "allowed_ip=10.0.0.0/", "allowed_ip=10.0.0.0",
    "allowed_ip=010.0.0.0/8", "remove=false", "update_only=TRUE", "replace_allowed_ips=", "protocol_version=2", "no equals sign"]


class Keys:
    def __init__(self, r):
        private = ["%064x" % (r.getrandbits(256) & ~(7 << 248) & ~(3 << 6) | 1 << 6) for _ in range(4)]
        self.public = {k: self.public_of(k) for k in private}
        self.private = private + [NONE]
        self.peers = list(self.public.values()) + ["%064x" % r.getrandbits(256) for _ in range(2)]

    @staticmethod
    def public_of(key):
        text = base64.b64encode(bytes.fromhex(key))
        return base64.b64decode(subprocess.run(["wg", "pubkey"], input=text, stdout=subprocess.PIPE, check=True).stdout).hex()


class Model:
    def __init__(self, keys):
        self.keys, self.private, self.port, self.mark, self.peers = keys, NONE, 0, 0, {}

    def apply(self, lines):
        peer = None  # of the lines that follow; None: they are ignored
        for name, value in lines:
            if name == "private_key":
                self.private = value
                self.peers.pop(self.keys.public.get(value), None)
            elif name == "listen_port":
                self.port = int(value)
            elif name == "fwmark":
                self.mark = int(value)
            elif name == "replace_peers":
                self.peers = {}
            elif name == "public_key":
                key, is_new = value, value not in self.peers
                peer = self.peers.get(key)
                if is_new and key != self.keys.public.get(self.private):
                    peer = self.peers[key] = {"psk": NONE, "endpoint": None, "keepalive": 0, "prefixes": []}
            elif peer is not None and (name == "remove" or (name == "update_only" and is_new)):
                del self.peers[key]
                peer = None
            elif peer is not None:
                self.change(peer, name, value)

    def change(self, peer, name, value):
        fields = {"preshared_key": "psk", "endpoint": "endpoint", "persistent_keepalive_interval": "keepalive"}
        if name in fields:
            peer[fields[name]] = value if name != "persistent_keepalive_interval" else int(value)
        elif name == "replace_allowed_ips":
            peer["prefixes"] = []
        elif name == "allowed_ip":
            prefix = str(ipaddress.ip_network(value.lstrip("-"), False))
            for p in [peer] if value.startswith("-") else self.peers.values():
                p["prefixes"] = [have for have in p["prefixes"] if have != prefix]
            peer["prefixes"] += [] if value.startswith("-") else [prefix]

    def state(self):
        return [self.private, self.port, self.mark, [[k, *p.values()] for k, p in self.peers.items()]]

    def lines(self):
        """A request for this state."""
        lines = [("private_key", self.private), ("listen_port", self.port), ("fwmark", self.mark), ("replace_peers", "true")]
        for key, p in self.peers.items():
            lines += [("public_key", key), ("preshared_key", p["psk"]), ("persistent_keepalive_interval", p["keepalive"])]
            lines += [("endpoint", p["endpoint"])] if p["endpoint"] else []
            lines += [("allowed_ip", prefix) for prefix in p["prefixes"]]
        return lines


class Daemon:
    def __init__(self, name, keys):
        self.name, self.is_other, self.model = name, name == "wg1", Model(keys)
        self.expect(self.set(self.model.lines()), 0)

    def expect(self, got, want):
        assert got == want, f"{self.name}: expected {want}, got {got}"

    def ask(self, request):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(100)
            s.connect(f"/run/wireguard/{self.name}.sock")
            s.sendall(request.encode())
            reply = b""
            while not reply.endswith(b"\n\n"):
                part = s.recv(65536)
                assert part, f"{self.name}: closed after {reply}"
                reply += part
        return [line.split("=", 1) for line in reply.decode().splitlines() if line]

    def set(self, lines):
        """The error."""
        reply = self.ask("set=1\n" + "".join("=".join(map(str, line)) + "\n" for line in lines) + "\n")
        assert len(reply) == 1 and reply[0][0] == "errno", reply
        return int(reply[0][1])

    def state(self):
        device, peers = {"private_key": NONE, "listen_port": "0", "fwmark": "0"}, []
        for name, value in self.ask("get=1\n\n"):
            if name == "public_key":
                peers.append([value, NONE, None, 0, []])
            elif name == "preshared_key":
                peers[-1][1] = value
            elif name == "endpoint":
                peers[-1][2] = value
            elif name == "persistent_keepalive_interval":
                peers[-1][3] = int(value)
            elif name == "allowed_ip":
                peers[-1][4].append(value)
            else:
                device[name] = value
        return [device["private_key"], int(device["listen_port"]), int(device["fwmark"]), peers]

    def compare(self):
        got, want = self.state(), self.model.state()
        for s in (got, want) if self.is_other else ():
            s[1] = 0 if want[1] == 0 else s[1]  # it opens its socket
            s[3] = sorted(p[:4] + [sorted(p[4])] for p in s[3])
        self.expect(got, want)

    def step(self, lines, wrong):
        if wrong:
            self.expect(self.set(wrong), -71 if ("no equals sign",) in wrong else -22)
            if self.is_other:
                self.expect(self.set(self.model.lines()), 0)
            self.compare()
        self.expect(self.set(lines), 0)
        self.model.apply(lines)
        self.compare()


def make_peer(r, keys, with_minus):
    lines = []
    for chance, name, values in (
            (.3, "preshared_key", [NONE, "%064x" % r.getrandbits(256)]), (.3, "endpoint", ENDPOINTS),
            (.3, "persistent_keepalive_interval", [0, 1, 25, 65535]), (.2, "replace_allowed_ips", ["true"]),
            (.2, "protocol_version", [1])):
        lines += [(name, r.choice(values))] if r.random() < chance else []
    for _ in range(r.choice([0, 0, 1, 2, 4])):
        lines.append(("allowed_ip", r.choice(["", "", "", "-"] if with_minus else [""]) + r.choice(PREFIXES)))
    r.shuffle(lines)
    flags = [(name, "true") for name in ("update_only", "remove") if r.random() < .15]
    return [("public_key", r.choice(keys.peers))] + flags + lines


def make_request(r, keys, with_minus):
    lines = [(name, r.choice(values)) for chance, name, values in (
        (.25, "private_key", keys.private), (.15, "listen_port", [5000, 5001, 5002]),
        (.15, "fwmark", [0, 1, 77, 4294967295]), (.08, "replace_peers", ["true"])) if r.random() < chance]
    r.shuffle(lines)
    for _ in range(r.choice([0, 1, 1, 1, 2, 3, 6])):
        lines += make_peer(r, keys, with_minus)
    return lines


def run(seed, names):
    r = random.Random(seed)
    keys = Keys(r)
    with_minus = "wg1" not in names or r.random() < .3
    daemons = [Daemon(name, keys) for name in names if name != "wg1" or not with_minus]
    for _ in range(STEPS):
        lines, wrong = make_request(r, keys, with_minus), None
        if r.random() < .25:
            wrong = list(lines)
            wrong.insert(r.randint(0, len(lines)), (r.choice(INVALID),))
        for d in daemons:
            try:
                d.step(lines, wrong)
            except AssertionError as e:
                print(f"seed {seed}: {e}\nrequest: {lines}\nbefore it: {wrong}")
                return False
    return True


first, count = map(int, sys.argv[1:3])
sys.exit(not all([run(seed, sys.argv[3:]) for seed in range(first, first + count)]))
