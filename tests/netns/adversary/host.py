"""One case's surroundings: namespaces, a wireguardd in them, its configuration, and peers that we play."""
import ctypes
import errno
import os
import select
import signal
import socket
import struct
import subprocess
import time

import wire

BUILD = os.environ.get("WGSUITE_BUILD") or os.path.join(os.path.dirname(__file__), "../../../build")
DAEMON = os.path.realpath(os.path.join(BUILD, "wireguardd"))
PORT = 5000
LONG = 30  # seconds: an upper bound for what must happen, on a machine with other things to do
QUIET = 0.3  # seconds to look for what must not happen, after a later message was already answered
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def own_namespaces():
    """Network and /run of our own; the box around us has made mounts private already."""
    _call("unshare", 0x40000000 | 0x00020000)
    _call("mount", b"none", b"/", None, 0x40000 | 0x4000, None)
    _call("mount", b"tmpfs", b"/run", b"tmpfs", 0, b"mode=0755")


def dies_with_us():
    _libc.prctl(1, signal.SIGKILL)


def check(truth, *said):
    """An assertion that names itself and is not taken out by -O."""
    if not truth:
        raise AssertionError(" ".join(str(s) for s in said) or "not true")


def equal(got, wanted, *said):
    check(got == wanted, *said, f"got {got!r}, wanted {wanted!r}")


def until(what, test, limit=LONG):
    """The first true value of test()."""
    end = time.monotonic() + limit
    while True:
        value = test()
        if value:
            return value
        check(time.monotonic() < end, "never came about:", what)
        time.sleep(0.02)


class Host:
    """wireguardd with interface wg0: 10.9.0.1/24, fd09::1/64, port 5000 on every address."""

    def __init__(self, mtu=1420, up=True, off=None):
        own_namespaces()
        self.off = off  # offloads that the daemon may not use
        self.private = wire.new_private()
        self.public = wire.public(self.private)
        self.peers = []
        self.ip("link set lo up", *(f"address add fd77::{i}/128 dev lo" for i in range(1, 10)))
        self.process = None
        self.start()
        self.set(f"private_key={self.private.hex()}", f"listen_port={PORT}")
        self.ip("address add 10.9.0.1/24 dev wg0", "address add fd09::1/64 dev wg0", f"link set wg0 mtu {mtu}")
        # Routes to everybody, so that only allowed IPs decide.
        if up:
            self.up()
        self.tun = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.tun.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.tun.bind(("wg0", 3))

    def start(self):
        self.process = subprocess.Popen([DAEMON, "-f", "wg0"], stdin=subprocess.DEVNULL, preexec_fn=dies_with_us,
                                        env={**os.environ, **({"WG_NO_OFFLOAD": self.off} if self.off else {})})
        until("the daemon starts", self.answers)

    def answers(self):
        equal(self.process.poll(), None, "the daemon ended:")
        try:
            return "errno=0" in self.get_text()
        except OSError:
            return False

    def up(self):
        self.ip("link set wg0 up", "route add 10.0.0.0/8 dev wg0", "route add fd00::/8 dev wg0")
        self.get_text()  # answers only when it has seen that its link is up

    @staticmethod
    def ip(*commands):
        subprocess.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True)

    # ---- the configuration socket ----

    @staticmethod
    def connect():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(LONG)
        s.connect("/run/wireguard/wg0.sock")
        return s

    @classmethod
    def ask(cls, text):
        """The answer to one request."""
        with cls.connect() as s:
            s.sendall(text if isinstance(text, bytes) else text.encode())
            return cls.read_answer(s)

    @classmethod
    def ask_raw(cls, data, limit=0.5):
        """What comes back for any bytes at all, within a time, until the daemon hangs up."""
        got = b""
        with cls.connect() as s:
            s.settimeout(limit)
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while more := s.recv(65536):
                    got += more
            except OSError:
                pass
        return got

    @staticmethod
    def read_answer(s):
        got = b""
        while not got.endswith(b"\n\n"):
            more = s.recv(65536)
            if not more:
                break
            got += more
        return got.decode()

    def get_text(self):
        return self.ask("get=1\n\n")

    def set(self, *lines):
        equal(self.ask("set=1\n" + "".join(line + "\n" for line in lines) + "\n"), "errno=0\n\n", lines)

    def state(self):
        """{public key: {field: value, or a list for allowed_ip}}; the device under None."""
        out = {None: {}}
        here = out[None]
        for line in self.get_text().split("\n"):
            key, _, value = line.partition("=")
            if key == "public_key":
                here = out[bytes.fromhex(value)] = {"allowed_ip": []}
            elif key == "allowed_ip":
                here["allowed_ip"].append(value)
            elif key:
                here[key] = value
        return out

    # ---- the tunnel's inside ----

    def push(self, packet, n=1):
        """A packet from this host into the tunnel."""
        v6 = packet[0] >> 4 == 6
        for _ in range(n):
            while True:
                try:
                    self.tun.sendto(packet, ("wg0", 0x86dd if v6 else 0x0800))
                    break
                except OSError as e:
                    if e.errno != errno.ENOBUFS:
                        raise
                    time.sleep(0.01)

    def delivered(self, limit=LONG, last=None):
        """Packets that came out of the tunnel, until one equals `last` or time is over."""
        out, end = [], time.monotonic() + limit
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.tun], [], [], left)[0]:
                check(last is None, "never delivered:", last and last.hex(), "but", [p.hex() for p in out])
                return out
            try:
                packet, where = self.tun.recvfrom(70000)
            except OSError as e:
                if e.errno != errno.ENETDOWN:
                    raise
                continue  # told once: it was down
            if where[2] == socket.PACKET_OUTGOING:
                continue
            if packet == last:
                return out
            out.append(packet)

    def peer(self, **more):
        p = Peer(self, len(self.peers) + 2, **more)
        self.peers.append(p)
        p.configure()
        return p

    def rss(self):
        """The daemon's memory in KiB."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    def alive(self):
        """It still runs, answers, and shakes hands with somebody new."""
        equal(self.process.poll(), None, "the daemon ended:")
        check(self.answers(), "no answer to get")
        self.peer().ping()


class Peer:
    """A peer we play, number n: inside it is 10.9.0.n and fd09::n, outside a UDP socket."""

    def __init__(self, host, n, address="127.0.0.1", psk=wire.ZERO_PSK, endpoint=False, keepalive=None,
                 allowed=None, private=None):
        self.host, self.n, self.psk = host, n, psk
        self.private = private or wire.new_private()
        self.public = wire.public(self.private)
        self.inner, self.inner6 = f"10.9.0.{n}", f"fd09::{n:x}"
        self.allowed = allowed if allowed is not None else [self.inner + "/32", self.inner6 + "/128"]
        self.endpoint, self.keepalive = endpoint, keepalive
        self.stamp, self.session, self.number, self.taken = 0, None, 0, False
        self.move(address)

    def move(self, address=None, port=0):
        """A new socket, on another address or port."""
        self.address = address or self.address
        v6 = ":" in self.address
        s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if v6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        else:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        s.bind((self.address, port))
        self.udp, self.at = s, s.getsockname()[:2]
        self.daemon = ("fd77::1" if v6 else "127.0.0.1", PORT)

    def where(self):
        return f"[{self.at[0]}]:{self.at[1]}" if ":" in self.at[0] else f"{self.at[0]}:{self.at[1]}"

    def configure(self):
        lines = [f"public_key={self.public.hex()}"]
        if self.psk != wire.ZERO_PSK:
            lines.append(f"preshared_key={self.psk.hex()}")
        if self.endpoint:
            lines.append(f"endpoint={self.where()}")
        if self.keepalive is not None:
            lines.append(f"persistent_keepalive_interval={self.keepalive}")
        self.host.set(*lines, *(f"allowed_ip={a}" for a in self.allowed))

    def state(self):
        return self.host.state()[self.public]

    # ---- datagrams ----

    def send(self, m):
        self.udp.sendto(m, self.daemon)

    def receive(self, limit=LONG, what="a datagram"):
        m = self.maybe(limit)
        check(m is not None, "nothing came of", what)
        return m

    def maybe(self, limit=QUIET):
        """The next datagram or None; self.tos is the TOS byte it had."""
        if not select.select([self.udp], [], [], limit)[0]:
            return None
        m, extra, _, self.sender = self.udp.recvmsg(70000, 100)
        for _, kind, value in extra:
            if kind in (socket.IP_TOS, socket.IPV6_TCLASS):
                self.tos = value[0]
        return m

    def all(self, limit=QUIET):
        """Everything that came, and comes within a quiet time of `limit`."""
        out = []
        while (m := self.maybe(limit)) is not None:
            out.append(m)
        return out

    def of_type(self, kind, limit=LONG, seen=None):
        """The next datagram of a type; others go to `seen`."""
        end = time.monotonic() + limit
        while True:
            m = self.receive(max(0.0, end - time.monotonic()), f"type {kind}")
            if m[0] == kind:
                return m
            if seen is not None:
                seen.append(m)

    def none_before(self, marker, seconds=QUIET):
        """Nothing came for us although `marker` (another peer, who shook hands since) was answered."""
        marker.shake()
        equal(self.maybe(seconds), None, "an answer to what deserves none:")

    # ---- handshakes ----

    def next_stamp(self):
        """Greater than every one before; 25 ms apart, because daemons may look at coarse ones only."""
        self.stamp = max(time.time(), self.stamp + 0.025)
        return wire.tai64n(self.stamp)

    def initiation(self, **more):
        more.setdefault("psk", self.psk)
        more.setdefault("timestamp", self.next_stamp())
        return wire.Initiation(self.private, self.host.public, **more)

    def try_shake(self, limit=LONG, **more):
        """One initiation and its session, not yet confirmed; None without an answer."""
        time.sleep(0.03)  # more than 50 in a second are refused
        i = self.initiation(**more)
        self.send(i.message)
        end = time.monotonic() + limit
        while (m := self.maybe(max(0.0, end - time.monotonic()))) is not None:
            try:
                return i.finish(m)
            except wire.Refused:
                continue
        return None

    def shake(self, confirm=True, **more):
        """A session that we began, confirmed by a keepalive."""
        s = self.try_shake(**more)
        check(s, "no response to a good initiation")
        if confirm:
            self.send(s.seal())
            self.session = s
        return s

    def initiated(self, limit=LONG):
        """The daemon's next initiation to us, opened."""
        o = wire.Opened(self.private, self.of_type(wire.INITIATION, limit), self.psk)
        equal(o.static, self.host.public, "the static key in an initiation:")
        return o

    def shaken(self, limit=LONG):
        """A session that the daemon began."""
        response, self.session = self.initiated(limit).answer()
        self.send(response)
        return self.session

    # ---- data ----

    def packet(self, to="10.9.0.200", source=None, tag=None, size=8, **more):
        """A new inner packet from this peer to an address where nobody answers."""
        self.number += 1
        tag = tag if tag is not None else struct.pack(">II", self.n, self.number)
        make = wire.ipv6 if ":" in to else wire.ipv4
        return make(source or (self.inner6 if ":" in to else self.inner), to, tag.ljust(size, b"."), **more)

    def say(self, packet=None, counter=None, session=None):
        """Sends an inner packet; returns it."""
        packet = packet if packet is not None else self.packet()
        self.send((session or self.session).seal(wire.padded(packet), counter))
        return packet

    def arrives(self, packet=None, **more):
        """Sends a packet and waits until it is delivered; what was delivered before it is returned."""
        packet = packet if packet is not None else self.packet()
        self.say(packet, **more)
        return self.host.delivered(last=packet)

    def hears(self, session=None, limit=LONG):
        """(counter, plaintext) of the next data message."""
        return (session or self.session).open(self.of_type(wire.DATA, limit))

    def to_us(self, tag=b"", **more):
        """An inner packet for this peer."""
        return wire.ipv4("10.9.0.1", self.inner, tag, **more)

    def ping(self):
        """A handshake, an echo request through it and its answer."""
        if not self.session:
            self.shake()
        self.number += 1
        self.say(wire.echo(self.inner, "10.9.0.1", self.number))
        end = time.monotonic() + LONG
        while True:
            _, plain = self.hears(limit=max(0.0, end - time.monotonic()))
            if plain[20:21] == b"\0" and plain[26:28] == struct.pack(">H", self.number):
                return
