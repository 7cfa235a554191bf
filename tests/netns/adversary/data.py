"""Data messages: replay, counters, roaming, forged ones, and what the daemon itself sends."""
import os
import socket
import struct
import time

import wire
from case import family
from host import check, equal, until

CASES, case = family()
WINDOW = 8128  # counters as much older than the greatest are still taken
LIMIT = 2**64


def verdicts(h, p, marker, story):
    """Plays (counter, taken) pairs on p's session, and compares what was delivered."""
    packets = {}
    wanted = []
    for counter, taken in story:
        packet = p.packet(tag=os.urandom(8))
        packets[packet] = counter
        p.say(packet, counter)
        if taken:
            wanted.append((counter, packet))
        if len(packets) % 500 == 0:  # not more than sockets hold
            marker.session = marker.session or marker.shake()
            check_until(h, marker, packets, wanted)
    check_until(h, marker, packets, wanted)


def check_until(h, marker, packets, wanted):
    if not marker.session:
        marker.shake()
    got = [x for x in marker.arrives() if x in packets]
    equal([packets[x] for x in got], [c for c, _ in wanted], "counters delivered:")
    equal(got, [x for _, x in wanted])
    wanted.clear()


@case("d01", "a data message is delivered once; flipped anywhere, never")
def once(h):
    p = h.peer()
    s = p.shake()
    packet = p.packet()
    m = s.seal(wire.padded(packet))
    for at in range(4, len(m)):
        p.send(m[:at] + bytes([m[at] ^ 1 << at % 8]) + m[at + 1:])
    equal(p.arrives(), [], "delivered a broken one:")
    p.send(m)
    equal(h.delivered(last=packet), [])
    for _ in range(5):
        p.send(m)
    equal(p.arrives(), [], "delivered twice:")
    # An empty message uses its counter up as well.
    counter = s.counter
    p.send(s.seal())
    p.say(counter=counter)
    equal(p.arrives(), [], "a keepalive's counter was free again:")


@case("d02", "the window's edge: 8128 behind is taken, 8129 is not")
def edge(h):
    p, marker = h.peer(), h.peer()
    p.shake()
    top = 20000
    verdicts(h, p, marker, [
        (top, True), (top - WINDOW, True), (top - WINDOW, False), (top - WINDOW - 1, False), (top, False),
        (top - WINDOW + 1, True), (top - 1, True), (top + 1, True), (top - WINDOW, False),
        (top - WINDOW + 2, True), (top + 64, True), (top + 64 - WINDOW - 1, False), (top + 64 - WINDOW, True),
        (top + 1, False), (5, False), (top + 63, True), (top + 64 + 3 * WINDOW, True), (top + 64, False),
        (top + 64 + 2 * WINDOW, True), (top + 63 + 2 * WINDOW, False), (2**40, True), (2**40 - WINDOW, True),
        (2**40 - WINDOW - 1, False), (top + 64 + 3 * WINDOW, False)])


@case("d03", "the kernel's list of counters")
def kernel_list(h):
    t = WINDOW + 1
    p, marker = h.peer(), h.peer()
    p.session = p.shake(confirm=False)
    verdicts(h, p, marker, [
        (0, True), (1, True), (1, False), (9, True), (8, True), (7, True), (7, False), (t, True), (t - 1, True),
        (t - 1, False), (t - 2, True), (2, True), (2, False), (t + 16, True), (3, False), (t + 16, False),
        (4 * t, True), (4 * t - (t - 1), True), (10, False), (4 * t - t, False), (4 * t - (t + 1), False),
        (4 * t - (t - 2), True), (4 * t + 1 - t, False), (0, False)])
    for story in ([*range(1, 600), 0, 0], [*range(600, -1, -1)], [*range(600, 0, -1), 601, 0]):
        p.session = p.shake(confirm=False)
        seen, out = set(), []
        for c in story:
            out.append((c, c not in seen))
            seen.add(c)
        verdicts(h, p, marker, out)


@case("d04", "counters at the end of their range")
def end_of_counters(h):
    p, marker = h.peer(), h.peer()
    p.shake()
    last = LIMIT - 2**13 - 2  # every implementation's limit is above this
    verdicts(h, p, marker, [
        (LIMIT - 1, False), (LIMIT - 2, False), (LIMIT - 8129, False), (2**63, True), (2**63, False),
        (2**63 + 1, True), (2**32, False), (last, True), (last - WINDOW, True), (last - WINDOW - 1, False),
        (LIMIT - 1, False), (last, False), (last - 1, True), (0, False)])
    p.session = None
    p.ping()


@case("d12", "authenticated data and keepalives move the endpoint, over both families")
def roams(h):
    p = h.peer()
    p.shake()
    p.arrives()
    for address in ("127.0.0.1", "127.0.0.9", "fd77::7", "fd77::8", "127.0.0.3"):
        p.move(address)
        p.arrives()
        equal(p.state()["endpoint"], p.where())
        h.push(p.to_us(address.encode()))
        equal(p.hears()[1], wire.padded(p.to_us(address.encode())))
        equal(p.sender[:2], p.daemon)
    p.move("fd77::9")
    p.send(p.session.seal())
    until("a keepalive moves the endpoint", lambda: p.state()["endpoint"] == p.where())
    p.move("127.0.0.4")
    p.shake(confirm=False)
    equal(p.state()["endpoint"], p.where(), "an initiation did not move it:")
    # The answer comes from the address that was spoken to.
    p.move("fd77::9")
    p.daemon = ("fd77::5", p.daemon[1])
    p.arrives()
    h.push(p.to_us(b"sticky"))
    p.hears()
    equal(p.sender[:2], p.daemon)
    p.move("127.0.0.7")
    p.daemon = ("127.0.0.8", p.daemon[1])
    p.arrives()
    h.push(p.to_us(b"sticky"))
    p.hears()
    equal(p.sender[:2], p.daemon)


@case("d13", "replayed, forged and too old data move nothing")
def roams_not(h):
    p, marker = h.peer(), h.peer()
    s = p.shake()
    marker.shake()
    good = s.seal(wire.padded(p.packet()))
    p.send(good)
    p.arrives(counter=20000)
    home, at = p.udp, p.where()
    p.move("127.0.0.6")
    for m in (good, s.seal(b"", 20000), s.seal(b"", 20000 - WINDOW - 1), good[:-1] + b"\0", good[:16] + bytes(16),
              s.seal(b"", LIMIT - 1), good[:4] + os.urandom(4) + good[8:], bytes(148), s.seal(b"")[:31],
              b"\4\0\0\1" + s.seal(b"")[4:]):
        p.send(m)
        marker.arrives()
        equal(p.state()["endpoint"], at, "moved by", m.hex())
    away, p.udp = p.udp, home
    p.arrives(counter=20001)
    p.udp = away
    equal(p.maybe(), None, "an answer elsewhere:")


@case("d14", "a replayed initiation or one with an old timestamp moves nothing")
def old_initiations(h):
    p, marker = h.peer(), h.peer()
    i = p.initiation()
    p.send(i.message)
    s = p.session = i.finish(p.of_type(wire.RESPONSE))
    p.arrives()
    at, home = p.where(), p.udp
    time.sleep(0.05)
    p.move("127.0.0.6")
    p.send(i.message)
    p.send(p.initiation(timestamp=i.timestamp).message)
    p.send(p.initiation(timestamp=wire.tai64n(time.time() - 1000)).message)
    p.none_before(marker)
    equal(p.state()["endpoint"], at)
    p.udp = home
    p.arrives(session=s)


@case("d15", "data to indices that nobody has, and to those of handshakes")
def unknown_index(h):
    p, other = h.peer(endpoint=True), h.peer()
    s = p.shake()
    other.shake()
    for _ in range(200):
        m = s.seal(wire.padded(p.packet()))
        p.send(m[:4] + os.urandom(4) + m[8:])
    m = s.seal(wire.padded(p.packet()))
    p.send(m[:4] + struct.pack("<I", other.session.remote) + m[8:])
    equal(p.arrives(), [])
    third = h.peer(endpoint=True)
    h.push(third.to_us(b"x"))
    o = third.initiated()
    third.send(m[:4] + struct.pack("<I", o.remote) + m[8:])
    response, t = o.answer()
    third.send(response)
    third.hears(t)
    equal(p.all(), [], "answers to data that is nobody's:")


@case("d16", "padding: zeros to a multiple of sixteen, never past the MTU", mtu=1290)
def padding(h):
    p = h.peer()
    s = p.shake()
    for n in [*range(0, 40), 1247, 1252, 1253, 1259, 1260, 1261, 1265, 1269, 1270]:
        packet = p.to_us(b"p" * n)
        h.push(packet)
        m = p.of_type(wire.DATA)
        size = min(1290, (len(packet) + 15) // 16 * 16)
        equal(len(m), 32 + size, f"a packet of {len(packet)}:")
        equal(s.open(m)[1], packet + bytes(size - len(packet)))
    # What others send need not be padded, and may be padded more.
    for n in (0, 1, 15, 16, 17, 500):
        packet = p.packet(size=n + 8)
        p.send(s.seal(packet))
        h.delivered(last=packet)
        p.send(s.seal(packet + bytes(64)))
        h.delivered(last=packet)


@case("d19", "a peer removed and made again under traffic")
def removed(h):
    p, other = h.peer(), h.peer()
    other.shake()
    for _ in range(20):
        s = p.shake()
        for _ in range(30):
            p.say()
        h.push(p.to_us(b"out"), 10)
        h.set(f"public_key={p.public.hex()}", "remove=true")
        marked = p.packet()
        p.say(marked)
        p.send(s.seal(wire.padded(p.packet())))
        check(marked not in other.arrives(), "delivered for a peer that was removed")
        h.push(p.to_us(b"out"), 10)
        check(p.public not in h.state(), "still there")
        p.configure()
        p.all(0)
        p.say(marked, session=s)
        check(marked not in other.arrives(), "an old session of a peer made anew")
    h.set("replace_peers=true")
    other.say()
    h.push(other.to_us(b"nobody"))
    other.all(0)
    equal(other.maybe(), None, "sent for a peer that was removed:")
    for peer in (p, other):
        peer.configure()
        peer.shake()
        peer.arrives()


@case("d20", "counters of what is sent: from zero, one by one, never twice")
def counters(h):
    p = h.peer()
    s = p.shake()
    for i in range(1000):
        h.push(p.to_us(struct.pack("<I", i)))
        if i % 100 == 99:
            for j in range(i - 99, i + 1):
                equal(p.hears(s), (j, wire.padded(p.to_us(struct.pack("<I", j)))))
    t = p.shake()
    h.push(p.to_us(b"fresh"))
    equal(p.hears(t)[0], 0)


@case("d24", "byte counters: what the kernel would show")
def counted(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(bytes(56), protocol=253))
    s = p.shaken()
    p.hears()
    wanted = {"tx_bytes": 148 + 32 + 80, "rx_bytes": 92}

    def same():
        state = p.state()
        return all(state[k] == str(v) for k, v in wanted.items())
    until("the handshake is counted", same)
    p.arrives(p.packet(size=60))
    wanted["rx_bytes"] += 32 + 80
    p.send(s.seal())
    wanted["rx_bytes"] += 32
    until("data and a keepalive are counted", same)
    m = s.seal(wire.padded(p.packet()))
    p.send(m[:-1] + bytes([m[-1] ^ 1]))
    p.say(p.packet(source="10.1.1.1"))
    p.arrives(p.packet(size=60))
    wanted["rx_bytes"] += 32 + 80
    until("what is refused is not counted", same)


@case("d25", "sessions of many peers, their packets in any order")
def many(h):
    peers = [h.peer(address="fd77::9" if i % 3 == 0 else "127.0.0.1") for i in range(20)]
    for p in peers:
        p.shake()
    wanted = []
    for i in range(15):
        for p in peers:
            if i % 2:
                wanted.append((p, p.say()))
            h.push(p.to_us(struct.pack("<I", i)))
    left = {x for _, x in wanted}
    until("all are delivered", lambda: not left.difference_update(h.delivered(0.2)) and not left)
    for p in peers:
        for i in range(15):
            equal(p.hears(), (i, wire.padded(p.to_us(struct.pack("<I", i)))))


@case("d29", "another port, another mark: sessions go on")
def ports(h):
    for address in ("127.0.0.1", "fd77::2"):
        p = h.peer(address=address)
        s = p.shake()
        p.arrives()
        for port, mark in ((5001, 7), (5002, 7), (5002, 0), (5000, 0)):
            h.set(f"listen_port={port}", f"fwmark={mark}")
            h.push(p.to_us(b"moved"))
            equal(p.hears(s)[1], wire.padded(p.to_us(b"moved")))
            equal(p.sender[1], port, "sent from port")
            p.daemon = (p.daemon[0], port)
            p.arrives()
        # A port that is taken: told, and nothing changes.
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taken.bind(("127.0.0.1", 5003))
        check(h.ask("set=1\nlisten_port=5003\n\n") != "errno=0\n\n", "took a port that is taken")
        p.arrives()
        h.push(p.to_us(b"still"))
        equal(p.hears(s)[1], wire.padded(p.to_us(b"still")))
