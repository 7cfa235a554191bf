"""Addresses that cannot be answered, super-packets with strangers among them, and memory that must not grow."""
import os
import socket
import struct
import subprocess
import time

import host
import wire
from case import family
from host import LONG, PORT, check, equal, until

CASES, case = family()
UDP_SEGMENT = 103


def spoofed(source, port, to, payload):
    """A datagram with any source."""
    udp = struct.pack(">HHHH", port, PORT, 8 + len(payload), 0) + payload
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(wire.ipv4(source, to, udp, protocol=17), (to, 0))


@case("g05", "sources that cannot be answered: port 0, multicast, broadcast, nobody")
def unanswerable(h):
    p, other = h.peer(), h.peer()
    other.shake()
    for source, port in (("127.0.0.1", 0), ("224.0.0.1", 9), ("255.255.255.255", 9), ("0.0.0.0", 9), ("127.0.0.1", 1)):
        time.sleep(0.03)
        spoofed(source, port, "127.0.0.1", p.initiation().message)
        h.push(p.to_us(b"lost"))
        other.arrives()
        h.push(other.to_us(b"x"))
        other.hears()
    s = p.shake()
    h.push(p.to_us(b"found"))
    while s.open(p.of_type(wire.DATA))[1] != wire.padded(p.to_us(b"found")):
        pass
    # Data, too, may say that it comes from nowhere.
    spoofed("127.0.0.1", 0, "127.0.0.1", s.seal(wire.padded(p.packet())))
    h.push(p.to_us(b"lost"))
    p.arrives()
    h.push(p.to_us(b"found again"))
    while s.open(p.of_type(wire.DATA))[1] != wire.padded(p.to_us(b"found again")):
        pass


def super_send(p, messages):
    """All of one length but the last, in one system call: they may arrive as one super-packet."""
    p.udp.sendmsg([b"".join(messages)], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("<H", len(messages[0])))],
                  0, p.daemon)


@case("g06", "super-packets: good, forged, replayed and foreign messages side by side")
def segments(h):
    for address in ("127.0.0.1", "fd77::2"):
        p, other = h.peer(address=address), h.peer(address=address)
        s, t = p.shake(), other.shake()
        for size in (16, 68, 116, 1004):
            wanted, run = [], []
            for i in range(40):
                who, session = ((p, s), (other, t))[i % 2]
                packet = who.packet(size=size - 4)
                m = session.seal(wire.padded(packet))
                kind = i % 5
                if kind == 1:
                    m = m[:-1] + bytes([m[-1] ^ 1])
                elif kind == 2 and run:
                    m = run[-2]
                elif kind == 3:
                    m = m[:4] + os.urandom(4) + m[8:]
                else:
                    wanted.append(packet)
                run.append(m)
            run.append(s.seal()[:len(run[0]) - 1])  # a shorter one ends it
            super_send(p, run)
            marker = p.packet()
            p.say(marker)
            equal(h.delivered(last=marker), wanted)
            equal(other.state()["endpoint"], p.where(), "it moved:")
            other.send(t.seal())
        # Handshakes in a row: one good, of each peer, among garbage.
        time.sleep(0.05)
        i, j = p.initiation(), other.initiation()
        garbage = [wire.macs(struct.pack("<II", 1, n) + os.urandom(108), h.public) for n in range(8)]
        super_send(p, garbage[:4] + [i.message] + garbage[4:] + [j.message, i.message])
        seen = {}
        for _ in range(2):
            m = p.of_type(wire.RESPONSE)
            seen[m[8:12]] = m
        p.session = i.finish(seen[struct.pack("<I", i.index)])
        other.session = j.finish(seen[struct.pack("<I", j.index)])
        equal(p.maybe(), None)
        p.arrives()
        other.arrives()


@case("d27", "inner UDP with a wrong checksum stays wrong, also amid a run of right ones")
def wrong_sums(h):
    p = h.peer()
    s = p.shake()
    got = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    got.bind(("10.9.0.1", 7777))
    got.settimeout(LONG)

    def datagram(number, payload, flaw):
        udp = struct.pack(">HHHH", 1234, 7777, 8 + len(payload), 0) + payload
        pseudo = socket.inet_aton(p.inner) + socket.inet_aton("10.9.0.1") + struct.pack(">BBH", 0, 17, len(udp))
        value = wire.checksum(pseudo + udp) or 0xffff
        return wire.ipv4(p.inner, "10.9.0.1", udp[:6] + struct.pack(">H", value ^ flaw) + udp[8:], protocol=17)
    for rounds in range(10):
        run, wanted = [], []
        for n in range(24):
            payload = struct.pack(">II", rounds, n).ljust(500, b"u")
            flaw = 0x0101 if n % 7 == rounds % 7 else 0
            packet = datagram(n, payload, flaw)
            if n % 11 == 5:  # the header's own checksum
                packet = packet[:10] + bytes([packet[10] ^ 1]) + packet[11:]
            elif not flaw:
                wanted.append(payload)
            run.append(s.seal(wire.padded(packet)))
        last = struct.pack(">II", rounds, 999).ljust(500, b"l")
        super_send(p, run + [s.seal(wire.padded(datagram(999, last, 0)))])
        received = []
        while not received or received[-1] != last:
            received.append(got.recv(70000))
        equal([r[:8] for r in received[:-1]], [w[:8] for w in wanted])
        equal(received[:-1], wanted)


@case("g07", "endpoints that cannot be sent to take nothing from the others of the same batch")
def unreachable(h):
    good = [h.peer(), h.peer(address="fd77::2")]
    bad = [h.peer() for _ in range(6)]
    for p in good + bad:
        p.shake()
        p.arrives()
    for p, where in zip(bad, ("203.0.113.1:9", "255.255.255.255:9", "[2001:db8::1]:9", "224.0.0.1:9", "[ff02::1]:9",
                              "127.0.0.1:1")):
        h.set(f"public_key={p.public.hex()}", f"endpoint={where}")
    h.ip("link set wg0 mtu 65535")
    for n in range(60):
        for i, p in enumerate(good):
            h.push(bad[(n + i) % 6].to_us(b"lost"))
            h.push(p.to_us(struct.pack("<I", n)))
        if n % 10 == 0:
            h.push(good[0].to_us(bytes(65500 - 20)))  # more than a datagram holds
    for p in good:
        wanted = [wire.padded(p.to_us(struct.pack("<I", n))) for n in range(60)]
        got = []
        while len(got) < 60:
            plain = p.hears()[1]
            if plain:  # and no keepalive
                got.append(plain)
        equal(got, wanted)
    h.alive()


@case("t10", "two daemons that begin at the same moment need few words and storm not", waits=True)
def two(h):
    other = subprocess.Popen([host.DAEMON, "-f", "wg1"], stdin=subprocess.DEVNULL, preexec_fn=host.dies_with_us)

    def ask(text):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LONG)
            s.connect("/run/wireguard/wg1.sock")
            s.sendall(text.encode())
            return h.read_answer(s)

    def serves():
        try:
            return "errno=0" in ask("get=1\n\n")
        except OSError:
            return False
    until("the other daemon starts", serves)
    h.ip("link set wg1 up")
    wire_tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    wire_tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    wire_tap.bind(("lo", 3))

    def words():
        n = 0
        while True:
            try:
                m, where = wire_tap.recvfrom(70000, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return n
            if where[2] != socket.PACKET_OUTGOING and m[9] == 17 and len(m) in (176, 120):
                n += m[28] in (1, 2)
    for _ in range(8):
        a, b = wire.new_private(), wire.new_private()
        h.set(f"private_key={a.hex()}", "replace_peers=true")
        ask(f"set=1\nprivate_key={b.hex()}\nlisten_port=5001\nreplace_peers=true\n\n")
        words()
        texts = ["set=1\npublic_key=%s\nendpoint=127.0.0.1:%d\npersistent_keepalive_interval=600\n\n"
                 % (wire.public(key).hex(), port) for key, port in ((b, 5001), (a, 5000))]
        with h.connect() as mine, socket.socket(socket.AF_UNIX) as theirs:
            theirs.settimeout(LONG)
            theirs.connect("/run/wireguard/wg1.sock")
            mine.sendall(texts[0].encode())
            theirs.sendall(texts[1].encode())
            equal([h.read_answer(mine), h.read_answer(theirs)], ["errno=0\n\n"] * 2)
        until("both have a session", lambda: all("last_handshake_time_sec=0\n" not in t and "last_handshake" in t
                                                 for t in (h.get_text(), ask("get=1\n\n"))))
        time.sleep(0.3)
        n = words()
        check(2 <= n <= 8, n, "handshake messages")
    time.sleep(7)
    check(words() <= 2, "they go on shaking hands")
    other.terminate()
    other.wait()


@case("m01", "handshakes that nobody confirms leave no memory behind")
def unconfirmed(h):
    peers = [h.peer() for _ in range(40)]
    udp = peers[0].udp
    for p in peers[1:]:
        p.udp = udp

    def rounds(n):
        for _ in range(n):
            for p in peers:
                p.send(p.initiation().message)
            got = 0
            while got < len(peers) and peers[0].maybe(2) is not None:
                got += 1
            time.sleep(0.03)
    rounds(10)
    before = h.rss()
    rounds(40)
    check(h.rss() - before < 1024, "memory grew by", h.rss() - before, "KiB")


@case("m02", "packets for peers that never answer: a bounded number, and others get through")
def dead(h):
    lines = []
    for i in range(400):
        lines += [f"public_key={wire.public(wire.new_private()).hex()}", "endpoint=127.0.0.1:1",
                  f"allowed_ip=10.100.{i // 200}.{i % 200}/32"]
    before, grown = h.rss(), []
    for _ in range(3):
        h.set(*lines)
        for i in range(400):
            h.push(wire.ipv4("10.9.0.1", f"10.100.{i // 200}.{i % 200}", bytes(1380)), 150)
        h.alive()
        grown.append(h.rss() - before)
        h.set("replace_peers=true")
    print("KiB:", grown)
    check(grown[0] < 400 * 128 * 2 + 8192, "memory grew by", grown[0], "KiB")
    check(grown[2] < grown[0] + 8192, "what waited was not given back:", grown)
