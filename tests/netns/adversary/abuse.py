"""Cases of resource abuse: unanswerable addresses, mixed super-packets, unreachable endpoints, memory use."""
import os
import socket
import struct
import subprocess
import time

import host
import wire
from case import case_list
from host import PORT, TIMEOUT_S, check, equal, wait_until

CASES, case = case_list()
UDP_SEGMENT = 103


def spoofed(source, port, to, payload):
    """Sends a datagram with an arbitrary source."""
    udp = struct.pack(">HHHH", port, PORT, 8 + len(payload), 0) + payload
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(wire.ipv4(source, to, udp, protocol=17), (to, 0))


@case("g05", "source addresses that cannot be answered: port 0, multicast, broadcast, a closed port")
def unanswerable(h):
    p, other = h.peer(), h.peer()
    other.handshake()
    for source, port in (("127.0.0.1", 0), ("224.0.0.1", 9), ("255.255.255.255", 9), ("0.0.0.0", 9), ("127.0.0.1", 1)):
        time.sleep(0.03)
        spoofed(source, port, "127.0.0.1", p.initiation().message)
        h.push(p.to_peer(b"lost"))
        other.deliver()
        h.push(other.to_peer(b"x"))
        other.receive_data()
    s = p.handshake()
    h.push(p.to_peer(b"found"))
    while s.open(p.receive_type(wire.DATA))[1] != wire.padded(p.to_peer(b"found")):
        pass
    # Data messages can have such a source as well.
    spoofed("127.0.0.1", 0, "127.0.0.1", s.seal(wire.padded(p.packet())))
    h.push(p.to_peer(b"lost"))
    p.deliver()
    h.push(p.to_peer(b"found again"))
    while s.open(p.receive_type(wire.DATA))[1] != wire.padded(p.to_peer(b"found again")):
        pass


def super_send(p, messages):
    """Sends messages, all of the same length but the last, in one system call: they may arrive as one super-packet."""
    p.udp.sendmsg([b"".join(messages)], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("<H", len(messages[0])))],
                  0, p.daemon)


@case("g06", "super-packets that mix valid, forged, replayed and misdirected messages")
def super_packets(h):
    for address in ("127.0.0.1", "fd77::2"):
        p, other = h.peer(address=address), h.peer(address=address)
        s, t = p.handshake(), other.handshake()
        for size in (16, 68, 116, 1004):
            expected, run = [], []
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
                    expected.append(packet)
                run.append(m)
            run.append(s.seal()[:len(run[0]) - 1])  # a shorter message ends the super-packet
            super_send(p, run)
            marker = p.packet()
            p.send_packet(marker)
            equal(h.delivered(last=marker), expected)
            equal(other.state()["endpoint"], p.endpoint_text(), "the endpoint changed:")
            other.send(t.seal())
        # A super-packet of initiations: a valid one of each peer among garbage.
        time.sleep(0.05)
        i, j = p.initiation(), other.initiation()
        garbage = [wire.macs(struct.pack("<II", 1, n) + os.urandom(108), h.public) for n in range(8)]
        super_send(p, garbage[:4] + [i.message] + garbage[4:] + [j.message, i.message])
        seen = {}
        for _ in range(2):
            m = p.receive_type(wire.RESPONSE)
            seen[m[8:12]] = m
        p.session = i.finish(seen[struct.pack("<I", i.index)])
        other.session = j.finish(seen[struct.pack("<I", j.index)])
        equal(p.try_receive(), None)
        p.deliver()
        other.deliver()


@case("d27", "inner UDP packets with a wrong checksum keep it, even within a run of correct ones")
def wrong_checksums(h):
    p = h.peer()
    s = p.handshake()
    got = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    got.bind(("10.9.0.1", 7777))
    got.settimeout(TIMEOUT_S)

    def datagram(number, payload, flaw):
        udp = struct.pack(">HHHH", 1234, 7777, 8 + len(payload), 0) + payload
        pseudo = socket.inet_aton(p.inner) + socket.inet_aton("10.9.0.1") + struct.pack(">BBH", 0, 17, len(udp))
        value = wire.checksum(pseudo + udp) or 0xffff
        return wire.ipv4(p.inner, "10.9.0.1", udp[:6] + struct.pack(">H", value ^ flaw) + udp[8:], protocol=17)
    for rounds in range(10):
        run, expected = [], []
        for n in range(24):
            payload = struct.pack(">II", rounds, n).ljust(500, b"u")
            flaw = 0x0101 if n % 7 == rounds % 7 else 0
            packet = datagram(n, payload, flaw)
            if n % 11 == 5:  # checksum of the IPv4 header
                packet = packet[:10] + bytes([packet[10] ^ 1]) + packet[11:]
            elif not flaw:
                expected.append(payload)
            run.append(s.seal(wire.padded(packet)))
        last = struct.pack(">II", rounds, 999).ljust(500, b"l")
        super_send(p, run + [s.seal(wire.padded(datagram(999, last, 0)))])
        received = []
        while not received or received[-1] != last:
            received.append(got.recv(70000))
        equal([r[:8] for r in received[:-1]], [w[:8] for w in expected])
        equal(received[:-1], expected)


@case("g07", "unreachable endpoints do not affect other packets of the same batch")
def unreachable(h):
    good = [h.peer(), h.peer(address="fd77::2")]
    bad = [h.peer() for _ in range(6)]
    for p in good + bad:
        p.handshake()
        p.deliver()
    for p, where in zip(bad, ("203.0.113.1:9", "255.255.255.255:9", "[2001:db8::1]:9", "224.0.0.1:9", "[ff02::1]:9",
                              "127.0.0.1:1")):
        h.set(f"public_key={p.public.hex()}", f"endpoint={where}")
    h.ip("link set wg0 mtu 65535")
    for n in range(60):
        for i, p in enumerate(good):
            h.push(bad[(n + i) % 6].to_peer(b"lost"))
            h.push(p.to_peer(struct.pack("<I", n)))
        if n % 10 == 0:
            h.push(good[0].to_peer(bytes(65500 - 20)))  # larger than the largest datagram
    for p in good:
        expected = [wire.padded(p.to_peer(struct.pack("<I", n))) for n in range(60)]
        got = []
        while len(got) < 60:
            plain = p.receive_data()[1]
            if plain:  # not a keepalive
                got.append(plain)
        equal(got, expected)
    h.check_alive()


@case("t10", "two daemons that initiate at the same time agree on a session with few messages", waits=True)
def simultaneous_initiations(h):
    other = subprocess.Popen([host.DAEMON, "-f", "wg1"], stdin=subprocess.DEVNULL, preexec_fn=host.die_with_parent)

    def request_other(text):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(TIMEOUT_S)
            s.connect("/run/wireguard/wg1.sock")
            s.sendall(text.encode())
            return h.read_reply(s)

    def responds():
        try:
            return "errno=0" in request_other("get=1\n\n")
        except OSError:
            return False
    wait_until("the other daemon starts", responds)
    h.ip("link set wg1 up")
    capture = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    capture.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    capture.bind(("lo", 3))

    def count_handshake_messages():
        n = 0
        while True:
            try:
                m, where = capture.recvfrom(70000, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return n
            if where[2] != socket.PACKET_OUTGOING and m[9] == 17 and len(m) in (176, 120):
                n += m[28] in (1, 2)
    for _ in range(8):
        a, b = wire.new_private(), wire.new_private()
        h.set(f"private_key={a.hex()}", "replace_peers=true")
        request_other(f"set=1\nprivate_key={b.hex()}\nlisten_port=5001\nreplace_peers=true\n\n")
        count_handshake_messages()
        texts = ["set=1\npublic_key=%s\nendpoint=127.0.0.1:%d\npersistent_keepalive_interval=600\n\n"
                 % (wire.public(key).hex(), port) for key, port in ((b, 5001), (a, 5000))]
        with h.connect() as mine, socket.socket(socket.AF_UNIX) as theirs:
            theirs.settimeout(TIMEOUT_S)
            theirs.connect("/run/wireguard/wg1.sock")
            mine.sendall(texts[0].encode())
            theirs.sendall(texts[1].encode())
            equal([h.read_reply(mine), h.read_reply(theirs)], ["errno=0\n\n"] * 2)
        wait_until("both have a session", lambda: all("last_handshake_time_sec=0\n" not in t and "last_handshake" in t
                                                      for t in (h.get_text(), request_other("get=1\n\n"))))
        time.sleep(0.3)
        n = count_handshake_messages()
        check(2 <= n <= 8, n, "handshake messages")
    time.sleep(7)
    check(count_handshake_messages() <= 2, "handshakes continue")
    other.terminate()
    other.wait()


@case("m01", "handshakes that are never confirmed do not increase memory use")
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
            while got < len(peers) and peers[0].try_receive(2) is not None:
                got += 1
            time.sleep(0.03)
    rounds(10)
    before = h.rss()
    rounds(40)
    check(h.rss() - before < 1024, "memory grew by", h.rss() - before, "KiB")


@case("m02", "packets staged for peers that never respond use bounded memory; other peers stay reachable")
def unresponsive_peers(h):
    lines = []
    for i in range(400):
        lines += [f"public_key={wire.public(wire.new_private()).hex()}", "endpoint=127.0.0.1:1",
                  f"allowed_ip=10.100.{i // 200}.{i % 200}/32"]
    before, grown = h.rss(), []
    for _ in range(3):
        h.set(*lines)
        for i in range(400):
            h.push(wire.ipv4("10.9.0.1", f"10.100.{i // 200}.{i % 200}", bytes(1380)), 150)
        h.check_alive()
        grown.append(h.rss() - before)
        h.set("replace_peers=true")
    print("KiB:", grown)
    # One round fills at most 128 packets for each peer, less where the TUN device dropped some; if the memory were not
    # freed, the third round would exceed this bound by far.
    check(max(grown) < 400 * 128 * 2 + 8192, "memory of staged packets was not bounded or not freed:", grown)
