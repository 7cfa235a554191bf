"""Cases of data messages: replay window, counters, roaming, forgery, padding."""
import os
import socket
import struct
import time

import wire
from case import case_list
from host import check, equal, wait_until

CASES, case = case_list()
WINDOW = 8128  # counters up to this much below the greatest are still accepted
COUNTER_LIMIT = 2**64


def check_replay(h, p, marker, sequence):
    """Sends packets in p's session with the counters of (counter, accepted) pairs; checks which are delivered."""
    packets = {}
    expected = []
    for counter, accepted in sequence:
        packet = p.packet(tag=os.urandom(8))
        packets[packet] = counter
        p.send_packet(packet, counter)
        if accepted:
            expected.append((counter, packet))
        if len(packets) % 500 == 0:  # before socket buffers overflow
            marker.session = marker.session or marker.handshake()
            check_delivered(h, marker, packets, expected)
    check_delivered(h, marker, packets, expected)


def check_delivered(h, marker, packets, expected):
    if not marker.session:
        marker.handshake()
    got = [x for x in marker.deliver() if x in packets]
    equal([packets[x] for x in got], [c for c, _ in expected], "counters delivered:")
    equal(got, [x for _, x in expected])
    expected.clear()


@case("d01", "a data message is delivered once; with any bit flipped it is dropped")
def delivered_once(h):
    p = h.peer()
    s = p.handshake()
    packet = p.packet()
    m = s.seal(wire.padded(packet))
    for at in range(4, len(m)):
        p.send(m[:at] + bytes([m[at] ^ 1 << at % 8]) + m[at + 1:])
    equal(p.deliver(), [], "delivered a corrupted message:")
    p.send(m)
    equal(h.delivered(last=packet), [])
    for _ in range(5):
        p.send(m)
    equal(p.deliver(), [], "delivered twice:")
    # A keepalive uses up its counter as well.
    counter = s.counter
    p.send(s.seal())
    p.send_packet(counter=counter)
    equal(p.deliver(), [], "a keepalive's counter was accepted again:")


@case("d02", "replay window: a counter 8128 behind is accepted, one 8129 behind is rejected")
def window_edge(h):
    p, marker = h.peer(), h.peer()
    p.handshake()
    top = 20000
    check_replay(h, p, marker, [
        (top, True), (top - WINDOW, True), (top - WINDOW, False), (top - WINDOW - 1, False), (top, False),
        (top - WINDOW + 1, True), (top - 1, True), (top + 1, True), (top - WINDOW, False),
        (top - WINDOW + 2, True), (top + 64, True), (top + 64 - WINDOW - 1, False), (top + 64 - WINDOW, True),
        (top + 1, False), (5, False), (top + 63, True), (top + 64 + 3 * WINDOW, True), (top + 64, False),
        (top + 64 + 2 * WINDOW, True), (top + 63 + 2 * WINDOW, False), (2**40, True), (2**40 - WINDOW, True),
        (2**40 - WINDOW - 1, False), (top + 64 + 3 * WINDOW, False)])


@case("d03", "replay window: the counter sequences of the kernel's self-test")
def kernel_selftest(h):
    t = WINDOW + 1
    p, marker = h.peer(), h.peer()
    p.session = p.handshake(confirm=False)
    check_replay(h, p, marker, [
        (0, True), (1, True), (1, False), (9, True), (8, True), (7, True), (7, False), (t, True), (t - 1, True),
        (t - 1, False), (t - 2, True), (2, True), (2, False), (t + 16, True), (3, False), (t + 16, False),
        (4 * t, True), (4 * t - (t - 1), True), (10, False), (4 * t - t, False), (4 * t - (t + 1), False),
        (4 * t - (t - 2), True), (4 * t + 1 - t, False), (0, False)])
    for sequence in ([*range(1, 600), 0, 0], [*range(600, -1, -1)], [*range(600, 0, -1), 601, 0]):
        p.session = p.handshake(confirm=False)
        seen, out = set(), []
        for c in sequence:
            out.append((c, c not in seen))
            seen.add(c)
        check_replay(h, p, marker, out)


@case("d04", "replay window: counters near their maximum")
def end_of_counters(h):
    p, marker = h.peer(), h.peer()
    p.handshake()
    last = COUNTER_LIMIT - 2**13 - 2  # below the limit of every implementation
    check_replay(h, p, marker, [
        (COUNTER_LIMIT - 1, False), (COUNTER_LIMIT - 2, False), (COUNTER_LIMIT - 8129, False), (2**63, True),
        (2**63, False), (2**63 + 1, True), (2**32, False), (last, True), (last - WINDOW, True), (last - WINDOW - 1, False),
        (COUNTER_LIMIT - 1, False), (last, False), (last - 1, True), (0, False)])
    p.session = None
    p.ping()


@case("d12", "authenticated data and keepalives update the endpoint, over IPv4 and IPv6")
def roams(h):
    p = h.peer()
    p.handshake()
    p.deliver()
    for address in ("127.0.0.1", "127.0.0.9", "fd77::7", "fd77::8", "127.0.0.3"):
        p.move(address)
        p.deliver()
        equal(p.state()["endpoint"], p.endpoint_text())
        h.push(p.to_peer(address.encode()))
        equal(p.receive_data()[1], wire.padded(p.to_peer(address.encode())))
        equal(p.sender[:2], p.daemon)
    p.move("fd77::9")
    p.send(p.session.seal())
    wait_until("a keepalive changes the endpoint", lambda: p.state()["endpoint"] == p.endpoint_text())
    p.move("127.0.0.4")
    p.handshake(confirm=False)
    equal(p.state()["endpoint"], p.endpoint_text(), "an initiation did not change the endpoint:")
    # The source of replies is the address that the peer sent to.
    p.move("fd77::9")
    p.daemon = ("fd77::5", p.daemon[1])
    p.deliver()
    h.push(p.to_peer(b"sticky"))
    p.receive_data()
    equal(p.sender[:2], p.daemon)
    p.move("127.0.0.7")
    p.daemon = ("127.0.0.8", p.daemon[1])
    p.deliver()
    h.push(p.to_peer(b"sticky"))
    p.receive_data()
    equal(p.sender[:2], p.daemon)


@case("d13", "replayed, forged and too old data does not change the endpoint")
def does_not_roam(h):
    p, marker = h.peer(), h.peer()
    s = p.handshake()
    marker.handshake()
    good = s.seal(wire.padded(p.packet()))
    p.send(good)
    p.deliver(counter=20000)
    home, at = p.udp, p.endpoint_text()
    p.move("127.0.0.6")
    for m in (good, s.seal(b"", 20000), s.seal(b"", 20000 - WINDOW - 1), good[:-1] + b"\0", good[:16] + bytes(16),
              s.seal(b"", COUNTER_LIMIT - 1), good[:4] + os.urandom(4) + good[8:], bytes(148), s.seal(b"")[:31],
              b"\4\0\0\1" + s.seal(b"")[4:]):
        p.send(m)
        marker.deliver()
        equal(p.state()["endpoint"], at, "endpoint changed by", m.hex())
    away, p.udp = p.udp, home
    p.deliver(counter=20001)
    p.udp = away
    equal(p.try_receive(), None, "a reply to the other address:")


@case("d14", "an initiation that is replayed or has an old timestamp does not change the endpoint")
def old_initiations(h):
    p, marker = h.peer(), h.peer()
    i = p.initiation()
    p.send(i.message)
    s = p.session = i.finish(p.receive_type(wire.RESPONSE))
    p.deliver()
    at, home = p.endpoint_text(), p.udp
    time.sleep(0.05)
    p.move("127.0.0.6")
    p.send(i.message)
    p.send(p.initiation(timestamp=i.timestamp).message)
    p.send(p.initiation(timestamp=wire.tai64n(time.time() - 1000)).message)
    p.expect_silence(marker)
    equal(p.state()["endpoint"], at)
    p.udp = home
    p.deliver(session=s)


@case("d15", "data for unknown indices and for indices of pending handshakes is dropped")
def unknown_index(h):
    p, other = h.peer(endpoint=True), h.peer()
    s = p.handshake()
    other.handshake()
    for _ in range(200):
        m = s.seal(wire.padded(p.packet()))
        p.send(m[:4] + os.urandom(4) + m[8:])
    m = s.seal(wire.padded(p.packet()))
    p.send(m[:4] + struct.pack("<I", other.session.remote) + m[8:])
    equal(p.deliver(), [])
    third = h.peer(endpoint=True)
    h.push(third.to_peer(b"x"))
    o = third.receive_initiation()
    third.send(m[:4] + struct.pack("<I", o.remote) + m[8:])
    response, t = o.respond()
    third.send(response)
    third.receive_data(t)
    equal(p.drain(), [], "replies to data for unknown indices:")


@case("d16", "padding: zeros up to a multiple of 16 bytes, but not beyond the MTU", mtu=1290)
def padding(h):
    p = h.peer()
    s = p.handshake()
    for n in [*range(0, 40), 1247, 1252, 1253, 1259, 1260, 1261, 1265, 1269, 1270]:
        packet = p.to_peer(b"p" * n)
        h.push(packet)
        m = p.receive_type(wire.DATA)
        size = min(1290, (len(packet) + 15) // 16 * 16)
        equal(len(m), 32 + size, f"a packet of {len(packet)}:")
        equal(s.open(m)[1], packet + bytes(size - len(packet)))
    # Received packets need no padding, and can have more.
    for n in (0, 1, 15, 16, 17, 500):
        packet = p.packet(size=n + 8)
        p.send(s.seal(packet))
        h.delivered(last=packet)
        p.send(s.seal(packet + bytes(64)))
        h.delivered(last=packet)


@case("d19", "a peer is removed and added again under traffic")
def removed(h):
    p, other = h.peer(), h.peer()
    other.handshake()
    for _ in range(20):
        s = p.handshake()
        for _ in range(30):
            p.send_packet()
        h.push(p.to_peer(b"out"), 10)
        h.set(f"public_key={p.public.hex()}", "remove=true")
        marked = p.packet()
        p.send_packet(marked)
        p.send(s.seal(wire.padded(p.packet())))
        check(marked not in other.deliver(), "delivered for a peer that was removed")
        h.push(p.to_peer(b"out"), 10)
        check(p.public not in h.state(), "still there")
        p.configure()
        p.drain(0)
        p.send_packet(marked, session=s)
        check(marked not in other.deliver(), "an old session of a peer that was added again")
    h.set("replace_peers=true")
    other.send_packet()
    h.push(other.to_peer(b"nobody"))
    other.drain(0)
    equal(other.try_receive(), None, "sent for a peer that was removed:")
    for peer in (p, other):
        peer.configure()
        peer.handshake()
        peer.deliver()


@case("d20", "send counters start at zero and increase by one")
def counters(h):
    p = h.peer()
    s = p.handshake()
    for i in range(1000):
        h.push(p.to_peer(struct.pack("<I", i)))
        if i % 100 == 99:
            for j in range(i - 99, i + 1):
                equal(p.receive_data(s), (j, wire.padded(p.to_peer(struct.pack("<I", j)))))
    t = p.handshake()
    h.push(p.to_peer(b"fresh"))
    equal(p.receive_data(t)[0], 0)


@case("d24", "transfer counters match the kernel's accounting")
def transfer_counters(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(bytes(56), protocol=253))
    s = p.accept_handshake()
    p.receive_data()
    expected = {"tx_bytes": 148 + 32 + 80, "rx_bytes": 92}

    def same():
        state = p.state()
        return all(state[k] == str(v) for k, v in expected.items())
    wait_until("the handshake is counted", same)
    p.deliver(p.packet(size=60))
    expected["rx_bytes"] += 32 + 80
    p.send(s.seal())
    expected["rx_bytes"] += 32
    wait_until("data and a keepalive are counted", same)
    m = s.seal(wire.padded(p.packet()))
    p.send(m[:-1] + bytes([m[-1] ^ 1]))
    p.send_packet(p.packet(source="10.1.1.1"))
    p.deliver(p.packet(size=60))
    expected["rx_bytes"] += 32 + 80
    wait_until("rejected messages are not counted", same)


@case("d25", "sessions of 20 peers with interleaved packets")
def many_peers(h):
    peers = [h.peer(address="fd77::9" if i % 3 == 0 else "127.0.0.1") for i in range(20)]
    for p in peers:
        p.handshake()
    expected = []
    for i in range(15):
        for p in peers:
            if i % 2:
                expected.append((p, p.send_packet()))
            h.push(p.to_peer(struct.pack("<I", i)))
    left = {x for _, x in expected}
    wait_until("all are delivered", lambda: not left.difference_update(h.delivered(0.2)) and not left)
    for p in peers:
        for i in range(15):
            equal(p.receive_data(), (i, wire.padded(p.to_peer(struct.pack("<I", i)))))


@case("d29", "sessions survive a change of the listen port and the fwmark")
def change_port(h):
    for address in ("127.0.0.1", "fd77::2"):
        p = h.peer(address=address)
        s = p.handshake()
        p.deliver()
        for port, mark in ((5001, 7), (5002, 7), (5002, 0), (5000, 0)):
            h.set(f"listen_port={port}", f"fwmark={mark}")
            h.push(p.to_peer(b"moved"))
            equal(p.receive_data(s)[1], wire.padded(p.to_peer(b"moved")))
            equal(p.sender[1], port, "sent from port")
            p.daemon = (p.daemon[0], port)
            p.deliver()
        # A port in use is an error, and nothing changes.
        busy = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        busy.bind(("127.0.0.1", 5003))
        check(h.request("set=1\nlisten_port=5003\n\n") != "errno=0\n\n", "no error for a port in use")
        p.deliver()
        h.push(p.to_peer(b"still"))
        equal(p.receive_data(s)[1], wire.padded(p.to_peer(b"still")))
