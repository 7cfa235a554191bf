"""What is inside data messages: whose it is, lies about lengths, and congestion marks."""
import os
import socket
import struct

import wire
from case import family
from host import LONG, check, equal

CASES, case = family()


def only_marker(p, packets):
    """None of the packets (plaintexts as they are) is delivered, a good one after them is."""
    for plain in packets:
        p.send(p.session.seal(plain))
    equal(p.arrives(), [], "delivered:")


@case("d05", "an inner source that is not the peer's is dropped, whoever else's it is")
def sources(h):
    p, other = h.peer(allowed=["10.9.0.2/32", "10.50.0.0/16", "fd09::2/128", "fd50::/32"]), h.peer()
    p.shake()
    other.shake()
    wrong = ["10.9.0.1", "10.9.0.3", "10.9.0.4", "10.51.0.1", "10.49.255.255", "0.0.0.0", "255.255.255.255",
             "127.0.0.1", "224.0.0.1"]
    wrong6 = ["fd09::1", "fd09::3", "fd51::1", "::", "::1", "fe80::1", "ff02::1", "::ffff:10.9.0.2"]
    only_marker(p, [wire.padded(p.packet(source=s)) for s in wrong]
                + [wire.padded(p.packet("fd09::200", source=s)) for s in wrong6])
    for good in ("10.50.0.0", "10.50.255.255", "10.9.0.2"):
        equal(p.arrives(p.packet(source=good)), [])
    for good in ("fd50::", "fd50:0:ffff::1", "fd09::2"):
        equal(p.arrives(p.packet("fd09::200", source=good)), [])
    # The destination does not matter to this.
    equal(p.arrives(p.packet("10.9.0.3")), [])
    only_marker(p, [wire.padded(p.packet("10.9.0.2", source="10.9.0.9"))])


@case("d06", "the longest prefix decides whose an address is, on the way in and out")
def longest(h):
    wide = h.peer(allowed=["0.0.0.0/0", "::/0"])
    narrow = h.peer(allowed=["10.60.0.0/24", "fd60::/64"])
    wide.shake()
    narrow.shake()

    def whose(owner, loser, source, to):
        equal(owner.arrives(owner.packet(to, source=source)), [])
        only_marker(loser, [wire.padded(loser.packet(to, source=source))])
        make = wire.ipv6 if ":" in to else wire.ipv4
        packet = make("fd09::1" if ":" in to else "10.9.0.1", source, os.urandom(12))
        h.push(packet)
        equal(owner.hears()[1], wire.padded(packet))

    # Each one's own markers: narrow's must be narrow's.
    wide.inner, narrow.inner, narrow.inner6 = "10.61.0.2", "10.60.0.2", "fd60::2"
    wide.inner6 = "fd61::2"
    whose(narrow, wide, "10.60.0.9", "10.9.0.200")
    whose(wide, narrow, "10.60.1.9", "10.9.0.200")
    whose(narrow, wide, "fd60::9", "fd09::200")
    whose(wide, narrow, "fd60:0:0:1::9", "fd09::200")
    h.set(f"public_key={wide.public.hex()}", "allowed_ip=10.60.0.9/32")
    whose(wide, narrow, "10.60.0.9", "10.9.0.200")
    h.set(f"public_key={narrow.public.hex()}", "allowed_ip=10.60.0.9/32")
    whose(narrow, wide, "10.60.0.9", "10.9.0.200")
    h.set(f"public_key={narrow.public.hex()}", "replace_allowed_ips=true", "allowed_ip=10.60.0.2/32",
          "allowed_ip=fd60::2/128")
    whose(wide, narrow, "10.60.0.9", "10.9.0.200")
    equal(h.state()[wide.public]["allowed_ip"], ["0.0.0.0/0", "::/0"])


@case("d07", "IPv4 that is longer than its packet, or shorter than its header")
def lying4(h):
    p = h.peer()
    p.shake()
    bad = []
    for size in (0, 1, 8, 100):
        body = bytes(size)
        for total in (0, 1, 19, 20 + size + 1, 20 + size + 17, 1500, 65535):
            if not 20 <= total <= 20 + size:
                bad.append(wire.ipv4(p.inner, "10.9.0.200", body, total=total))
    good = wire.ipv4(p.inner, "10.9.0.200", b"12345678")
    bad += [good[:n] for n in range(1, 28)]
    bad += [good[:n] + bytes(2) for n in range(1, 20)]
    only_marker(p, bad)


@case("d08", "IPv6 that is longer than its packet, and cut headers")
def lying6(h):
    p = h.peer()
    p.shake()
    bad = []
    for size in (0, 1, 8, 100):
        for length in (size + 1, size + 17, 1500, 65535):
            bad.append(wire.ipv6(p.inner6, "fd09::200", bytes(size), length=length))
    good = wire.ipv6(p.inner6, "fd09::200", b"12345678")
    bad += [good[:n] for n in range(1, 48)]
    only_marker(p, bad)


@case("d09", "a packet is cut to the length that it claims")
def cut(h):
    p = h.peer()
    p.shake()
    for claimed in (20, 21, 28, 40, 60):
        packet = wire.ipv4(p.inner, "10.9.0.200", bytes(100), total=claimed)
        p.send(p.session.seal(packet))
        h.delivered(last=packet[:claimed])
    for claimed in (0, 1, 8, 60):
        packet = wire.ipv6(p.inner6, "fd09::200", bytes(100), length=claimed)
        p.send(p.session.seal(packet))
        h.delivered(last=packet[:40 + claimed])
    equal(p.arrives(), [])


@case("d10", "version nibbles that are not 4 or 6")
def versions(h):
    p = h.peer()
    p.shake()
    bad = []
    for make in (lambda: p.packet(), lambda: p.packet("fd09::200")):
        for nibble in range(16):
            if nibble not in (4, 6):
                packet = make()
                bad.append(wire.padded(bytes([nibble << 4 | packet[0] & 15]) + packet[1:]))
    # Each other's: an IPv4 packet that says 6, and the reverse.
    bad.append(wire.padded(b"\x65" + p.packet()[1:]))
    bad.append(wire.padded(b"\x40" + p.packet("fd09::200")[1:]))
    bad += [bytes(16), bytes(160), os.urandom(1) * 16]
    only_marker(p, bad)


@case("d11", "data messages of every short length, and with reserved bytes")
def short(h):
    p = h.peer()
    s = p.shake()
    m = s.seal(wire.padded(p.packet()))
    for n in range(len(m)):
        p.send(m[:n])
    for at in (1, 2, 3):
        p.send(m[:at] + b"\1" + m[at + 1:])
    for n in range(0, 17):
        p.send(struct.pack("<IIQ", 4, s.remote, 9) + bytes(n))
    p.send(m + b"\0")
    equal(p.arrives(), [])
    p.send(m)
    equal([len(x) for x in p.arrives()], [28], "the message itself, after all that:")


@case("d26", "allowed IPs change under a session")
def moved(h):
    p, other = h.peer(), h.peer()
    p.shake()
    other.shake()
    h.set(f"public_key={other.public.hex()}", f"allowed_ip={p.inner}/32")
    p.say()
    equal(other.arrives(), [], "delivered for one who lost the address:")
    packet = p.to_us(b"moved")
    h.push(packet)
    equal(other.hears()[1], wire.padded(packet))
    h.set(f"public_key={p.public.hex()}", f"allowed_ip={p.inner}/32")
    equal(p.arrives(), [])
    h.set(f"public_key={p.public.hex()}", f"allowed_ip=-{p.inner}/32")
    p.say()
    equal(other.arrives(), [])


def outer_marks(h, p, make, to_inner):
    for tos in (0, 1, 2, 3, 0x88, 0xb8, 0xb9, 0xba, 0xbb, 0xff):
        packet = make(tos)
        h.push(packet)
        m = p.of_type(wire.DATA)
        equal(p.session.open(m)[1], wire.padded(packet), "changed inside:")
        wanted = {0: 0, 1: 1, 2: 2, 3: 2}[tos & 3]
        equal(p.tos, wanted, f"outer TOS of an inner {tos:#x}:")


@case("e01", "outer TOS: the inner congestion bits (CE as ECT(0)), nothing of the rest")
def outgoing(h):
    for address in ("127.0.0.1", "fd77::2"):
        p = h.peer(address=address)
        p.shake()
        outer_marks(h, p, lambda tos: p.to_us(b"ecn", tos=tos), p.inner)
        outer_marks(h, p, lambda tos: wire.ipv6("fd09::1", p.inner6, b"ecn", tos=tos), p.inner6)


@case("e02", "outer CE and ECT(1) reach the inside of what is ECN capable; nothing else of the outer TOS does")
def incoming(h):
    for address in ("127.0.0.1", "fd77::2"):
        p = h.peer(address=address)
        p.shake()
        for outer in (0, 1, 2, 3, 0xb8, 0xbb, 0x03 | 0x88):
            if ":" in address:
                p.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, outer)
            else:
                p.udp.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, outer)
            for inner in (1, 2, 3, 0xb9, 0xba, 0):
                marked = inner  # also under CE when the inside is not ECN capable: as the kernel does
                if outer & 3 == 3 and inner & 3:
                    marked |= 3
                elif outer & 3 == 1 and inner & 3 == 2:  # ECT(1) wins over ECT(0), RFC 6040 figure 4
                    marked ^= 3
                tag = os.urandom(8)
                for to in ("10.9.0.200", "fd09::200"):
                    p.say(p.packet(to, tag=tag, tos=inner))
                    # With a right checksum, which ipv4() makes anew.
                    equal(h.delivered(last=p.packet(to, tag=tag, tos=marked)), [])


@case("e03", "outer headers: no DF, no flow label, the port that was spoken to")
def outer_headers(h):
    for address in ("127.0.0.1", "fd77::2"):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        tap.bind(("lo", 3))
        p = h.peer(address=address)
        s = p.shake()
        for size in (1, 100, 1390):
            h.push(p.to_us(bytes(size)))
            p.hears(s)
        seen = 0
        while seen < 4:
            tap.settimeout(LONG)
            m, where = tap.recvfrom(70000)
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


@case("d28", "what is no IP packet, or too short for one, does not leave")
def outgoing_garbage(h):
    p = h.peer(allowed=["0.0.0.0/0", "::/0"], endpoint=True)
    s = p.shake()
    p.all(0.1)
    good, good6 = p.to_us(b"12345678"), wire.ipv6("fd09::1", "fd09::7", b"12345678")
    for n in range(1, 20):
        h.push(good[:n])
    for n in range(1, 40):
        h.push(good6[:n])
    for nibble in (0, 1, 2, 3, 5, 7, 8, 15):
        h.push(bytes([nibble << 4 | 5]) + good[1:])
    h.push(good)
    equal(p.hears(s)[1], wire.padded(good))
    h.push(good6)
    equal(p.hears(s)[1], wire.padded(good6))
