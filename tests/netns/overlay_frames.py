"""TCP and UDP super-packets through a VXLAN device, and what arrives.

overlay_frames.py send IF v4|v6 tcp|udp SEGMENTS: hands one super-packet to the device, as its TCP or UDP would.
overlay_frames.py capture IF v4|v6 tcp|udp SEGMENTS OUTER-CHECKSUM: waits until so many packets have left by IF, checks
the lengths, numbers, flags and checksums of both layers, and writes each packet as a line, with its outer
identification relative to the first. OUTER-CHECKSUM: zero, valid, or any (zeroed in the lines).
overlay_frames.py software IF: turns checksums and segmentation by the device off, so that the kernel does both."""
import array
import fcntl
import socket
import struct
import sys

MSS, PORT = 1180, 4789
SOURCE = {"v4": socket.inet_pton(socket.AF_INET, "10.8.0.1"), "v6": socket.inet_pton(socket.AF_INET6, "fd08::1")}
DESTINATION = {"v4": socket.inet_pton(socket.AF_INET, "10.8.0.2"), "v6": socket.inet_pton(socket.AF_INET6, "fd08::2")}
SOL_PACKET, PACKET_VNET_HDR, OUTGOING = 263, 15, 4


def total(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s


def pseudo(source, destination, protocol, n):
    return source + destination + struct.pack(">II", n, protocol)


def payload_of(segments):
    return bytes((i * 7 + i // 251) & 255 for i in range(MSS * (segments - 1) + 1100))


def send(interface, family, protocol, segments):
    tcp = protocol == "tcp"
    number = 6 if tcp else 17
    data = payload_of(segments)
    n = len(data) + (32 if tcp else 8)
    check = total(pseudo(SOURCE[family], DESTINATION[family], number, n))
    if tcp:
        l4 = struct.pack(">HHIIBBHHH", 1000, 2000, 0xFFFFF000, 99, 0x80, 0x18, 500, check, 0)
        l4 += struct.pack(">BBBBII", 1, 1, 8, 10, 123456, 654321)
    else:
        l4 = struct.pack(">HHHH", 1000, 2000, n, check)
    if family == "v4":
        ip = struct.pack(">BBHHHBBH", 0x45, 0x10, 20 + n, 0xFFF0, 0x4000, 64, number, 0) + SOURCE["v4"] + DESTINATION["v4"]
        ip = ip[:10] + struct.pack(">H", 0xFFFF ^ total(ip)) + ip[12:]
    else:
        ip = struct.pack(">IHBB", 0x61012345, n, number, 64) + SOURCE["v6"] + DESTINATION["v6"]
    gso = {("tcp", "v4"): 1, ("tcp", "v6"): 4}.get((protocol, family), 5)
    frame = bytes.fromhex("020000000002020000000001") + struct.pack(">H", 0x0800 if family == "v4" else 0x86DD) + ip + l4
    vnet = struct.pack("=BBHHHH", 1, gso, len(frame), MSS, 14 + len(ip), 16 if tcp else 6)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.send(vnet + frame + data)


class Ip:
    """An IP packet, of which every length and the header checksum are checked."""

    def __init__(self, p):
        self.v4 = p[0] >> 4 == 4
        if self.v4:
            assert p[0] == 0x45 and struct.unpack(">H", p[2:4])[0] == len(p), "length"
            assert total(p[:20]) == 0xFFFF, "header checksum"
            self.id = struct.unpack(">H", p[4:6])[0]
            self.protocol, self.source, self.destination, self.n = p[9], p[12:16], p[16:20], 20
        else:
            assert struct.unpack(">H", p[4:6])[0] == len(p) - 40, "length"
            self.id = 0
            self.protocol, self.source, self.destination, self.n = p[6], p[8:24], p[24:40], 40
        self.l4 = p[self.n :]

    def check(self):
        sum = total(pseudo(self.source, self.destination, self.protocol, len(self.l4)) + self.l4)
        assert sum == 0xFFFF, "checksum of protocol %d: %04x" % (self.protocol, sum)


def line_of(p, first_id, k, last, tcp, checksum):
    outer = Ip(p)
    assert outer.protocol == 17 and struct.unpack(">H", outer.l4[4:6])[0] == len(outer.l4), "UDP length"
    if outer.l4[6:8] != b"\0\0":
        outer.check()
    assert checksum == "any" or (outer.l4[6:8] == b"\0\0") == (checksum == "zero"), "outer UDP checksum"
    assert not outer.v4 or outer.id == (first_id + k) & 0xFFFF, "outer identification"
    inner = Ip(outer.l4[8 + 8 + 14 :])
    inner.check()
    assert not inner.v4 or inner.id == (0xFFF0 + k) & 0xFFFF, "inner identification"
    if tcp:
        assert struct.unpack(">I", inner.l4[4:8])[0] == (0xFFFFF000 + k * MSS) & 0xFFFFFFFF, "sequence number"
        assert inner.l4[13] == (0x18 if last else 0x10), "flags"
    line = bytearray(p)
    if outer.v4:
        line[4:6] = struct.pack(">H", k)
        line[10:12] = b"\0\0"
    if checksum == "any":
        line[outer.n + 6 : outer.n + 8] = b"\0\0"
    return line.hex(), inner.l4[32 if tcp else 8 :]


def capture(interface, family, protocol, segments, checksum):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    s.bind((interface, 3))
    s.settimeout(20)
    print("ready", file=sys.stderr, flush=True)
    packets, data = [], b""
    while len(packets) < segments:
        p, address = s.recvfrom(70000)
        l4 = 20 if p[0] >> 4 == 4 else 40
        if address[2] != OUTGOING and len(p) > 1000 and p[l4 + 2 : l4 + 4] == struct.pack(">H", PORT):
            packets.append(p)
    first = Ip(packets[0]).id
    for k, p in enumerate(packets):
        line, payload = line_of(p, first, k, k == segments - 1, protocol == "tcp", checksum)
        data += payload
        print(line)
    assert data == payload_of(segments), "payload"


def software(interface):
    value = array.array("I", [0x17, 0])  # ETHTOOL_STXCSUM
    request = struct.pack("16sP16x", interface.encode(), value.buffer_info()[0])
    fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8946, request)  # SIOCETHTOOL


if sys.argv[1] == "software":
    software(sys.argv[2])
elif sys.argv[1] == "send":
    send(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
else:
    capture(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), sys.argv[6])
