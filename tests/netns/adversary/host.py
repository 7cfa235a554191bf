"""The test bed of one case: namespaces, a wireguardd in them, its configuration, and simulated peers."""
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
TIMEOUT_S = 30  # upper bound for an expected event, on a loaded machine
QUIET_S = 0.3  # time to wait for an event that must not happen, after a later message was answered
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def enter_namespaces():
    """New network and mount namespaces with an empty /run; tests/lib/box.sh has made mounts private already."""
    _call("unshare", 0x40000000 | 0x00020000)
    _call("mount", b"none", b"/", None, 0x40000 | 0x4000, None)
    _call("mount", b"tmpfs", b"/run", b"tmpfs", 0, b"mode=0755")


def die_with_parent():
    _libc.prctl(1, signal.SIGKILL)


def check(condition, *message):
    """An assertion with a message, which python -O does not remove."""
    if not condition:
        raise AssertionError(" ".join(str(m) for m in message) or "not true")


def equal(actual, expected, *message):
    check(actual == expected, *message, f"got {actual!r}, expected {expected!r}")


def wait_until(what, test, limit=TIMEOUT_S):
    """Waits until test() returns a true value, and returns it."""
    end = time.monotonic() + limit
    while True:
        value = test()
        if value:
            return value
        check(time.monotonic() < end, "timed out waiting until", what)
        time.sleep(0.02)


class Host:
    """wireguardd with interface wg0: 10.9.0.1/24, fd09::1/64, port 5000 on every address."""

    def __init__(self, mtu=1420, up=True, off=None):
        enter_namespaces()
        self.off = off  # offloads that the daemon must not use
        self.private = wire.new_private()
        self.public = wire.public(self.private)
        self.peers = []
        self.ip("link set lo up", *(f"address add fd77::{i}/128 dev lo" for i in range(1, 10)))
        self.process = None
        self.start()
        self.set(f"private_key={self.private.hex()}", f"listen_port={PORT}")
        self.ip("address add 10.9.0.1/24 dev wg0", "address add fd09::1/64 dev wg0", f"link set wg0 mtu {mtu}")
        # Routes to all addresses, so that only allowed IPs decide.
        if up:
            self.up()
        self.tun = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.tun.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.tun.bind(("wg0", 3))

    def start(self):
        self.process = subprocess.Popen([DAEMON, "-f", "wg0"], stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
                                        env={**os.environ, **({"WG_NO_OFFLOAD": self.off} if self.off else {})})
        wait_until("the daemon starts", self.responds)

    def responds(self):
        equal(self.process.poll(), None, "the daemon ended:")
        try:
            return "errno=0" in self.get_text()
        except OSError:
            return False

    def up(self):
        self.ip("link set wg0 up", "route add 10.0.0.0/8 dev wg0", "route add fd00::/8 dev wg0")
        self.get_text()  # the daemon replies after it has processed the link event

    @staticmethod
    def ip(*commands):
        subprocess.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True)

    # ---- the configuration socket ----

    @staticmethod
    def connect():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(TIMEOUT_S)
        s.connect("/run/wireguard/wg0.sock")
        return s

    @classmethod
    def request(cls, text):
        """The reply to one request."""
        with cls.connect() as s:
            s.sendall(text if isinstance(text, bytes) else text.encode())
            return cls.read_reply(s)

    @classmethod
    def request_raw(cls, data, limit=0.5):
        """The reply to arbitrary bytes: all that arrives before the daemon closes the connection, or within `limit`."""
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
    def read_reply(s):
        got = b""
        while not got.endswith(b"\n\n"):
            more = s.recv(65536)
            if not more:
                break
            got += more
        return got.decode()

    def get_text(self):
        return self.request("get=1\n\n")

    def statistics(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect("/run/wgsuite/wg0.stats")
            return s.makefile().read()

    def set(self, *lines):
        equal(self.request("set=1\n" + "".join(line + "\n" for line in lines) + "\n"), "errno=0\n\n", lines)

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

    # ---- packets inside the tunnel ----

    def push(self, packet, n=1):
        """Sends a packet from this host into the tunnel."""
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

    def delivered(self, limit=TIMEOUT_S, last=None):
        """Packets that came out of the tunnel, until one equals `last` or the time limit is over."""
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
                continue  # reported once after the link was down
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

    def check_alive(self):
        """The daemon still runs, responds to requests, and completes a handshake with a new peer."""
        equal(self.process.poll(), None, "the daemon ended:")
        check(self.responds(), "no answer to get")
        self.peer().ping()


class Peer:
    """Simulated peer number n: its inner addresses are 10.9.0.n and fd09::n, its endpoint is a UDP socket."""

    def __init__(self, host, n, address="127.0.0.1", psk=wire.ZERO_PSK, endpoint=False, keepalive=None,
                 allowed=None, private=None):
        self.host, self.n, self.psk = host, n, psk
        self.private = private or wire.new_private()
        self.public = wire.public(self.private)
        self.inner, self.inner6 = f"10.9.0.{n}", f"fd09::{n:x}"
        self.allowed = allowed if allowed is not None else [self.inner + "/32", self.inner6 + "/128"]
        self.endpoint, self.keepalive = endpoint, keepalive
        self.last_timestamp, self.session, self.number, self.accepted = 0, None, 0, False
        self.move(address)

    def move(self, address=None, port=0):
        """Replaces the socket by one on another address or port."""
        self.address = address or self.address
        v6 = ":" in self.address
        s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if v6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        else:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        s.bind((self.address, port))
        self.udp, self.local = s, s.getsockname()[:2]
        self.daemon = ("fd77::1" if v6 else "127.0.0.1", PORT)

    def endpoint_text(self):
        return f"[{self.local[0]}]:{self.local[1]}" if ":" in self.local[0] else f"{self.local[0]}:{self.local[1]}"

    def configure(self):
        lines = [f"public_key={self.public.hex()}"]
        if self.psk != wire.ZERO_PSK:
            lines.append(f"preshared_key={self.psk.hex()}")
        if self.endpoint:
            lines.append(f"endpoint={self.endpoint_text()}")
        if self.keepalive is not None:
            lines.append(f"persistent_keepalive_interval={self.keepalive}")
        self.host.set(*lines, *(f"allowed_ip={a}" for a in self.allowed))

    def state(self):
        return self.host.state()[self.public]

    # ---- datagrams ----

    def send(self, m):
        self.udp.sendto(m, self.daemon)

    def receive(self, limit=TIMEOUT_S, what="a datagram"):
        m = self.try_receive(limit)
        check(m is not None, "not received:", what)
        return m

    def try_receive(self, limit=QUIET_S):
        """The next datagram or None; sets self.tos to its TOS byte."""
        if not select.select([self.udp], [], [], limit)[0]:
            return None
        m, extra, _, self.sender = self.udp.recvmsg(70000, 100)
        for _, kind, value in extra:
            if kind in (socket.IP_TOS, socket.IPV6_TCLASS):
                self.tos = value[0]
        return m

    def drain(self, limit=QUIET_S):
        """All datagrams received until none arrives for `limit` seconds."""
        out = []
        while (m := self.try_receive(limit)) is not None:
            out.append(m)
        return out

    def receive_type(self, kind, limit=TIMEOUT_S, seen=None):
        """The next datagram of a type; others are appended to `seen`."""
        end = time.monotonic() + limit
        while True:
            m = self.receive(max(0.0, end - time.monotonic()), f"type {kind}")
            if m[0] == kind:
                return m
            if seen is not None:
                seen.append(m)

    def expect_silence(self, marker, seconds=QUIET_S):
        """Checks that no datagram arrived, although a later handshake of another peer (`marker`) was answered."""
        marker.handshake()
        equal(self.try_receive(seconds), None, "a reply to a message that must not have one:")

    # ---- handshakes ----

    def next_timestamp(self):
        """A timestamp 25 ms after the previous one or later, because the daemon may compare coarse timestamps."""
        self.last_timestamp = max(time.time(), self.last_timestamp + 0.025)
        return wire.tai64n(self.last_timestamp)

    def initiation(self, **more):
        more.setdefault("psk", self.psk)
        more.setdefault("timestamp", self.next_timestamp())
        return wire.Initiation(self.private, self.host.public, **more)

    def try_handshake(self, limit=TIMEOUT_S, **more):
        """Sends an initiation; returns the session, not yet confirmed, or None without a response."""
        time.sleep(0.03)  # more than 50 initiations per second are rejected
        i = self.initiation(**more)
        self.send(i.message)
        end = time.monotonic() + limit
        while (m := self.try_receive(max(0.0, end - time.monotonic()))) is not None:
            try:
                return i.finish(m)
            except wire.Refused:
                continue
        return None

    def handshake(self, confirm=True, **more):
        """Initiates a session and confirms it with a keepalive."""
        s = self.try_handshake(**more)
        check(s, "no response to a valid initiation")
        if confirm:
            self.send(s.seal())
            self.session = s
        return s

    def receive_initiation(self, limit=TIMEOUT_S):
        """The daemon's next initiation to this peer, decrypted."""
        o = wire.ReceivedInitiation(self.private, self.receive_type(wire.INITIATION, limit), self.psk)
        equal(o.static, self.host.public, "the static key in an initiation:")
        return o

    def accept_handshake(self, limit=TIMEOUT_S):
        """Responds to the daemon's initiation; returns the session."""
        response, self.session = self.receive_initiation(limit).respond()
        self.send(response)
        return self.session

    # ---- data ----

    def packet(self, to="10.9.0.200", source=None, tag=None, size=8, **more):
        """A new inner packet from this peer to an unused address."""
        self.number += 1
        tag = tag if tag is not None else struct.pack(">II", self.n, self.number)
        make = wire.ipv6 if ":" in to else wire.ipv4
        return make(source or (self.inner6 if ":" in to else self.inner), to, tag.ljust(size, b"."), **more)

    def send_packet(self, packet=None, counter=None, session=None):
        """Sends an inner packet in a data message; returns it."""
        packet = packet if packet is not None else self.packet()
        self.send((session or self.session).seal(wire.padded(packet), counter))
        return packet

    def deliver(self, packet=None, **more):
        """Sends a packet and waits until it is delivered; returns the packets delivered before it."""
        packet = packet if packet is not None else self.packet()
        self.send_packet(packet, **more)
        return self.host.delivered(last=packet)

    def receive_data(self, session=None, limit=TIMEOUT_S):
        """(counter, plaintext) of the next data message."""
        return (session or self.session).open(self.receive_type(wire.DATA, limit))

    def to_peer(self, tag=b"", **more):
        """An inner packet for this peer."""
        return wire.ipv4("10.9.0.1", self.inner, tag, **more)

    def ping(self):
        """A handshake if there is no session, an echo request and its reply."""
        if not self.session:
            self.handshake()
        self.number += 1
        self.send_packet(wire.echo(self.inner, "10.9.0.1", self.number))
        end = time.monotonic() + TIMEOUT_S
        while True:
            _, plain = self.receive_data(limit=max(0.0, end - time.monotonic()))
            if plain[20:21] == b"\0" and plain[26:28] == struct.pack(">H", self.number):
                return
