"""Cases of garbage: datagrams of every length and type get no reply and do no harm."""
import os
import random
import socket
import struct

import wire
from case import case_list
from host import check, equal

CASES, case = case_list()


class Pace:
    """Sends many datagrams without overflowing the receiver: waits for another peer's data after every 100."""

    def __init__(self, h, p, marker):
        self.h, self.p, self.marker, self.n = h, p, marker, 0
        marker.handshake()

    def send(self, m):
        self.p.send(m)
        self.n += 1
        if self.n % 100 == 0:
            equal(self.marker.deliver(), [], "delivered garbage:")


@case("g01", "garbage of every type and of all lengths from 0 to 300, and up to 65,507 bytes")
def lengths(h):
    for address in ("127.0.0.1", "fd77::2"):
        p, marker = h.peer(address=address), h.peer(address=address)
        p.handshake()
        pace = Pace(h, p, marker)
        for n in range(301):
            for kind in range(6):
                pace.send((struct.pack("<I", kind) + os.urandom(300))[:n])
            pace.send((struct.pack("<II", 4, p.session.remote) + os.urandom(300))[:n])
        for kind in range(256):
            pace.send(bytes([kind, 0, 0, 0]) + bytes(144))
        for n in (1472, 1473, 2048, 4096, 9000, 16384, 32768, 65000, 65487, 65506, 65507):
            for kind in (0, 1, 2, 3, 4, 255):
                pace.send(struct.pack("<II", kind, p.session.remote) + os.urandom(n - 8))
        equal(p.drain(), [], "replies to garbage:")
        # A valid message close to the largest size is delivered.
        packet = p.packet(size=65507 - 32 - 20 - 15)
        h.ip("link set wg0 mtu 65535")
        equal(p.deliver(packet), [])
    h.check_alive()


@case("g02", "garbage with a valid mac1 gets no reply")
def under_mac1(h):
    p, marker = h.peer(endpoint=True), h.peer()
    seed = random.Random(20201120)
    good = p.initiation().message[:116]
    for i in range(400):
        m = bytearray(good if i % 2 else seed.randbytes(116))
        m[:4] = struct.pack("<I", 1)
        for _ in range(seed.randrange(1, 5)):
            m[seed.randrange(8, 116)] ^= 1 << seed.randrange(8)
        if bytes(m) != good:
            p.send(wire.macs(bytes(m), h.public, seed.randbytes(16)))
        body = struct.pack("<I", 2) + seed.randbytes(56)
        p.send(wire.macs(body, h.public))
        p.send(struct.pack("<I", 3) + seed.randbytes(60))
        if i % 20 == 19:  # before the queue is long enough for load
            p.expect_silence(marker, 0)
    p.expect_silence(marker)
    h.check_alive()


@case("g03", "authenticated messages that contain garbage")
def inner_garbage(h):
    p, marker = h.peer(allowed=["0.0.0.0/0", "::/0"]), h.peer()
    p.handshake()
    marker.handshake()
    seed = random.Random(42)
    for i in range(1500):
        n = seed.choice((seed.randrange(0, 100), seed.randrange(0, 2000)))
        m = bytearray(seed.randbytes(n))
        if m and i % 4:
            m[0] = seed.choice((0x45, 0x60, 0x46, 0x4f, 0x40))
        # To an unused address, so that the host itself does not reply.
        if len(m) >= 40 and m[0] >> 4 == 4:
            m[16:20] = socket.inet_aton("10.9.0.200")
        elif len(m) >= 40:
            m[24:40] = socket.inet_pton(socket.AF_INET6, "fd09::200")
        p.send(p.session.seal(bytes(m)))
        if i % 50 == 49:
            packet = marker.send_packet()
            for x in h.delivered(last=packet):
                check(x[0] >> 4 in (4, 6), "not an IP packet:", x.hex())
                claimed = struct.unpack(">H", x[2:4])[0] if x[0] >> 4 == 4 else 40 + struct.unpack(">H", x[4:6])[0]
                check(claimed == len(x), "delivered with a wrong length:", x.hex())
    h.check_alive()


@case("g04", "handshake indices in data messages and session indices in handshake messages are rejected")
def mixed_indices(h):
    p, marker = h.peer(endpoint=True), h.peer()
    s = p.handshake()
    for index in (s.remote, s.local, 0, 0xffffffff):
        p.send(wire.macs(struct.pack("<III", 2, 1, index) + os.urandom(48), h.public))
        p.send(struct.pack("<II", 3, index) + os.urandom(56))
        p.send(struct.pack("<IIQ", 4, index, 5) + os.urandom(16))
    p.expect_silence(marker)
    p.deliver()
