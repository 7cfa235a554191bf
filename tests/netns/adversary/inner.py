"""Cases of inner packets: allowed IPs, wrong lengths, ECN."""
import os
import socket
import struct

import wire
from case import case_list
from host import TIMEOUT_S, check, equal

CASES, case = case_list()


def expect_dropped(p, packets):
    """Checks that none of the plaintexts is delivered, while a valid packet after them is."""
    for plain in packets:
        p.send(p.session.seal(plain))
    equal(p.deliver(), [], "delivered:")


@case("d05", "packets with an inner source outside the peer's allowed IPs are dropped")
def sources(h):
    p, other = h.peer(allowed=["10.9.0.2/32", "10.50.0.0/16", "fd09::2/128", "fd50::/32"]), h.peer()
    p.handshake()
    other.handshake()
    wrong = ["10.9.0.1", "10.9.0.3", "10.9.0.4", "10.51.0.1", "10.49.255.255", "0.0.0.0", "255.255.255.255",
             "127.0.0.1", "224.0.0.1"]
    wrong6 = ["fd09::1", "fd09::3", "fd51::1", "::", "::1", "fe80::1", "ff02::1", "::ffff:10.9.0.2"]
    expect_dropped(p, [wire.padded(p.packet(source=s)) for s in wrong]
                + [wire.padded(p.packet("fd09::200", source=s)) for s in wrong6])
    for good in ("10.50.0.0", "10.50.255.255", "10.9.0.2"):
        equal(p.deliver(p.packet(source=good)), [])
    for good in ("fd50::", "fd50:0:ffff::1", "fd09::2"):
        equal(p.deliver(p.packet("fd09::200", source=good)), [])
    # The destination is not checked.
    equal(p.deliver(p.packet("10.9.0.3")), [])
    expect_dropped(p, [wire.padded(p.packet("10.9.0.2", source="10.9.0.9"))])


@case("d06", "the longest matching prefix determines the peer, for received and sent packets")
def longest(h):
    wide = h.peer(allowed=["0.0.0.0/0", "::/0"])
    narrow = h.peer(allowed=["10.60.0.0/24", "fd60::/64"])
    wide.handshake()
    narrow.handshake()

    def check_owner(owner, other, source, to):
        equal(owner.deliver(owner.packet(to, source=source)), [])
        expect_dropped(other, [wire.padded(other.packet(to, source=source))])
        make = wire.ipv6 if ":" in to else wire.ipv4
        packet = make("fd09::1" if ":" in to else "10.9.0.1", source, os.urandom(12))
        h.push(packet)
        equal(owner.receive_data()[1], wire.padded(packet))

    # Inner addresses that belong to each peer, for its marker packets.
    wide.inner, narrow.inner, narrow.inner6 = "10.61.0.2", "10.60.0.2", "fd60::2"
    wide.inner6 = "fd61::2"
    check_owner(narrow, wide, "10.60.0.9", "10.9.0.200")
    check_owner(wide, narrow, "10.60.1.9", "10.9.0.200")
    check_owner(narrow, wide, "fd60::9", "fd09::200")
    check_owner(wide, narrow, "fd60:0:0:1::9", "fd09::200")
    h.set(f"public_key={wide.public.hex()}", "allowed_ip=10.60.0.9/32")
    check_owner(wide, narrow, "10.60.0.9", "10.9.0.200")
    h.set(f"public_key={narrow.public.hex()}", "allowed_ip=10.60.0.9/32")
    check_owner(narrow, wide, "10.60.0.9", "10.9.0.200")
    h.set(f"public_key={narrow.public.hex()}", "replace_allowed_ips=true", "allowed_ip=10.60.0.2/32",
          "allowed_ip=fd60::2/128")
    check_owner(wide, narrow, "10.60.0.9", "10.9.0.200")
    equal(h.state()[wide.public]["allowed_ip"], ["0.0.0.0/0", "::/0"])


@case("d07", "inner IPv4 packets with a total length beyond the message or below the header are dropped")
def wrong_length4(h):
    p = h.peer()
    p.handshake()
    bad = []
    for size in (0, 1, 8, 100):
        body = bytes(size)
        for total in (0, 1, 19, 20 + size + 1, 20 + size + 17, 1500, 65535):
            if not 20 <= total <= 20 + size:
                bad.append(wire.ipv4(p.inner, "10.9.0.200", body, total=total))
    good = wire.ipv4(p.inner, "10.9.0.200", b"12345678")
    bad += [good[:n] for n in range(1, 28)]
    bad += [good[:n] + bytes(2) for n in range(1, 20)]
    expect_dropped(p, bad)


@case("d08", "inner IPv6 packets with a payload length beyond the message, and truncated headers, are dropped")
def wrong_length6(h):
    p = h.peer()
    p.handshake()
    bad = []
    for size in (0, 1, 8, 100):
        for length in (size + 1, size + 17, 1500, 65535):
            bad.append(wire.ipv6(p.inner6, "fd09::200", bytes(size), length=length))
    good = wire.ipv6(p.inner6, "fd09::200", b"12345678")
    bad += [good[:n] for n in range(1, 48)]
    expect_dropped(p, bad)


@case("d09", "inner packets are truncated to the length in their header")
def truncated(h):
    p = h.peer()
    p.handshake()
    for claimed in (20, 21, 28, 40, 60):
        packet = wire.ipv4(p.inner, "10.9.0.200", bytes(100), total=claimed)
        p.send(p.session.seal(packet))
        h.delivered(last=packet[:claimed])
    for claimed in (0, 1, 8, 60):
        packet = wire.ipv6(p.inner6, "fd09::200", bytes(100), length=claimed)
        p.send(p.session.seal(packet))
        h.delivered(last=packet[:40 + claimed])
    equal(p.deliver(), [])


@case("d10", "inner packets with an IP version other than 4 or 6 are dropped")
def versions(h):
    p = h.peer()
    p.handshake()
    bad = []
    for make in (lambda: p.packet(), lambda: p.packet("fd09::200")):
        for nibble in range(16):
            if nibble not in (4, 6):
                packet = make()
                bad.append(wire.padded(bytes([nibble << 4 | packet[0] & 15]) + packet[1:]))
    # An IPv4 packet with version 6, and the reverse.
    bad.append(wire.padded(b"\x65" + p.packet()[1:]))
    bad.append(wire.padded(b"\x40" + p.packet("fd09::200")[1:]))
    bad += [bytes(16), bytes(160), os.urandom(1) * 16]
    expect_dropped(p, bad)


@case("d11", "data messages that are too short or have nonzero reserved bytes are dropped")
def short(h):
    p = h.peer()
    s = p.handshake()
    m = s.seal(wire.padded(p.packet()))
    for n in range(len(m)):
        p.send(m[:n])
    for at in (1, 2, 3):
        p.send(m[:at] + b"\1" + m[at + 1:])
    for n in range(0, 17):
        p.send(struct.pack("<IIQ", 4, s.remote, 9) + bytes(n))
    p.send(m + b"\0")
    equal(p.deliver(), [])
    p.send(m)
    equal([len(x) for x in p.deliver()], [28], "the valid message itself:")


@case("d26", "allowed IPs that move between peers take effect in established sessions")
def moved_allowed_ips(h):
    p, other = h.peer(), h.peer()
    p.handshake()
    other.handshake()
    h.set(f"public_key={other.public.hex()}", f"allowed_ip={p.inner}/32")
    p.send_packet()
    equal(other.deliver(), [], "delivered for a peer that lost the address:")
    packet = p.to_peer(b"moved")
    h.push(packet)
    equal(other.receive_data()[1], wire.padded(packet))
    h.set(f"public_key={p.public.hex()}", f"allowed_ip={p.inner}/32")
    equal(p.deliver(), [])
    h.set(f"public_key={p.public.hex()}", f"allowed_ip=-{p.inner}/32")
    p.send_packet()
    equal(other.deliver(), [])


def check_outgoing_tos(h, p, make, to_inner):
    for tos in (0, 1, 2, 3, 0x88, 0xb8, 0xb9, 0xba, 0xbb, 0xff):
        packet = make(tos)
        h.push(packet)
        m = p.receive_type(wire.DATA)
        equal(p.session.open(m)[1], wire.padded(packet), "inner packet changed:")
        expected = {0: 0, 1: 1, 2: 2, 3: 2}[tos & 3]
        equal(p.tos, expected, f"outer TOS of an inner {tos:#x}:")


@case("e01", "outgoing ECN: the outer header has the inner ECN bits (CE becomes ECT(0)) and no DSCP")
def outgoing(h):
    for address in ("127.0.0.1", "fd77::2"):
        p = h.peer(address=address)
        p.handshake()
        check_outgoing_tos(h, p, lambda tos: p.to_peer(b"ecn", tos=tos), p.inner)
        check_outgoing_tos(h, p, lambda tos: wire.ipv6("fd09::1", p.inner6, b"ecn", tos=tos), p.inner6)


@case("e02", "incoming ECN: outer CE and ECT(1) are copied to ECN-capable inner packets, outer DSCP is not")
def incoming(h):
    for address in ("127.0.0.1", "fd77::2"):
        p = h.peer(address=address)
        p.handshake()
        for outer in (0, 1, 2, 3, 0xb8, 0xbb, 0x03 | 0x88):
            if ":" in address:
                p.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, outer)
            else:
                p.udp.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, outer)
            for inner in (1, 2, 3, 0xb9, 0xba, 0):
                marked = inner  # unchanged by CE if the inner packet is not ECN-capable, as in the kernel
                if outer & 3 == 3 and inner & 3:
                    marked |= 3
                elif outer & 3 == 1 and inner & 3 == 2:  # ECT(1) wins over ECT(0), RFC 6040 figure 4
                    marked ^= 3
                tag = os.urandom(8)
                for to in ("10.9.0.200", "fd09::200"):
                    p.send_packet(p.packet(to, tag=tag, tos=inner))
                    # With a valid checksum, which ipv4() computes.
                    equal(h.delivered(last=p.packet(to, tag=tag, tos=marked)), [])


@case("e03", "outer headers have no DF and no flow label, and the listen port as source port")
def outer_headers(h):
    for address in ("127.0.0.1", "fd77::2"):
        capture = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        capture.bind(("lo", 3))
        p = h.peer(address=address)
        s = p.handshake()
        for size in (1, 100, 1390):
            h.push(p.to_peer(bytes(size)))
            p.receive_data(s)
        seen = 0
        while seen < 4:
            capture.settimeout(TIMEOUT_S)
            m, where = capture.recvfrom(70000)
            if where[2] == socket.PACKET_OUTGOING:
                continue
            head = 40 if m[0] >> 4 == 6 else 20
            if (m[6] if head == 40 else m[9]) != 17 or struct.unpack(">H", m[head:head + 2])[0] != 5000:
                continue
            seen += 1
            if head == 40:
                equal(struct.unpack(">I", m[:4])[0] & 0xfffff, 0, "flow label:")
            else:
                equal(m[6] & 0x60, 0, "DF or fragments:")
                check(m[8] >= 64, "TTL", m[8])


@case("d28", "packets that are not valid IP are not sent")
def outgoing_garbage(h):
    p = h.peer(allowed=["0.0.0.0/0", "::/0"], endpoint=True)
    s = p.handshake()
    p.drain(0.1)
    good, good6 = p.to_peer(b"12345678"), wire.ipv6("fd09::1", "fd09::7", b"12345678")
    for n in range(1, 20):
        h.push(good[:n])
    for n in range(1, 40):
        h.push(good6[:n])
    for nibble in (0, 1, 2, 3, 5, 7, 8, 15):
        h.push(bytes([nibble << 4 | 5]) + good[1:])
    h.push(good)
    equal(p.receive_data(s)[1], wire.padded(good))
    h.push(good6)
    equal(p.receive_data(s)[1], wire.padded(good6))
