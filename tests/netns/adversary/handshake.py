"""Cases of handshakes with the daemon as responder: which initiations it accepts."""
import struct
import time

import wire
from case import case_list
from host import check, equal

CASES, case = case_list()


@case("h01", "handshakes over IPv4 and IPv6, and an echo request through each session")
def both_families(h):
    h.peer().ping()
    h.peer(address="fd77::2").ping()
    for p in h.peers:
        equal(p.state()["endpoint"], p.endpoint_text())


@case("h05", "initiations from an unknown key, with a wrong mac1 or for another responder get no response")
def unknown_keys(h):
    known, marker = h.peer(), h.peer()
    unknown = wire.new_private()
    known.send(wire.Initiation(unknown, h.public).message)
    known.send(wire.Initiation(known.private, wire.public(unknown)).message)
    good = known.initiation().message
    for at in range(116, 132):
        known.send(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
    known.send(good[:116] + bytes(32))
    # Another peer's public key as static key, encrypted with this peer's private key.
    known.send(wire.Initiation(known.private, h.public, static_public=marker.public).message)
    known.expect_silence(marker)
    check("endpoint" not in known.state(), "a rejected initiation changed the endpoint")
    known.ping()


@case("h06", "a changed preshared key affects the next handshake, not the established session")
def preshared(h):
    psk, other = bytes(range(32)), bytes(range(1, 33))
    p = h.peer(psk=psk)
    p.ping()
    p.psk = other
    check(p.try_handshake(limit=2) is None, "a session with another preshared key")
    p.psk = wire.ZERO_PSK
    check(p.try_handshake(limit=2) is None, "a session without the preshared key")
    old = p.session
    h.set(f"public_key={p.public.hex()}", f"preshared_key={other.hex()}")
    p.session = old
    p.deliver()
    p.psk = psk
    check(p.try_handshake(limit=2) is None, "a session with the previous preshared key")
    p.psk = other
    p.session = None
    p.ping()
    h.set(f"public_key={p.public.hex()}", f"preshared_key={bytes(32).hex()}")
    p.deliver()
    check(p.try_handshake(limit=2) is None, "a session with a removed preshared key")
    p.psk, p.session = wire.ZERO_PSK, None
    p.ping()


@case("h07", "a replayed initiation gets no second response, even after later handshakes")
def replayed(h):
    p, marker = h.peer(), h.peer()
    first = p.initiation()
    p.send(first.message)
    first.finish(p.receive_type(wire.RESPONSE))
    time.sleep(0.05)
    for _ in range(3):
        p.send(first.message)
    p.expect_silence(marker)
    p.ping()
    p.drain()
    time.sleep(0.05)
    p.send(first.message)
    p.expect_silence(marker)
    p.deliver()


@case("h08", "initiations with older or equal timestamps are rejected until the peer is removed and added again")
def old_timestamps(h):
    p, marker = h.peer(), h.peer()
    now = time.time()
    equal_one = wire.tai64n(now + 100)
    p.handshake(timestamp=equal_one)

    def refused(stamp):
        time.sleep(0.05)
        p.send(p.initiation(timestamp=stamp).message)
        p.expect_silence(marker)
    refused(equal_one)
    refused(wire.tai64n(now + 99.9))
    refused(wire.tai64n(now))
    refused(bytes(12))
    # The 12 bytes are compared as a whole: only the nanoseconds are less.
    seconds, ns = struct.unpack(">QI", equal_one)
    refused(struct.pack(">QI", seconds, max(ns - 1, 0)))
    p.handshake(timestamp=struct.pack(">QI", seconds, ns + 0x1000000))
    # A new private key of the daemon does not reset the timestamp.
    h.private = wire.new_private()
    h.public = wire.public(h.private)
    h.set(f"private_key={h.private.hex()}")
    refused(equal_one)
    refused(wire.tai64n(now))
    # The timestamp also counts if the handshake fails later: here the response, because of the preshared key.
    p.psk = bytes(range(32))
    check(p.try_handshake(limit=2, timestamp=wire.tai64n(now + 200)) is None)
    p.psk = wire.ZERO_PSK
    refused(wire.tai64n(now + 150))
    h.set(f"public_key={p.public.hex()}", "remove=true")
    p.configure()
    p.handshake(timestamp=wire.tai64n(now))
    # A timestamp in the far future is accepted.
    p.handshake(timestamp=b"\xff" * 12)
    refused(wire.tai64n(now + 1000))


@case("h09", "low-order points as ephemeral key, as static key and as a configured peer's key", waits=True)
def low_order(h):
    p, marker = h.peer(), h.peer()
    for point in wire.LOW_ORDER:
        time.sleep(0.03)
        p.send(p.initiation(ephemeral_public=point).message)
    p.expect_silence(marker)
    lines = []
    for point in wire.LOW_ORDER:
        lines += [f"public_key={point.hex()}", f"endpoint={p.endpoint_text()}", "persistent_keepalive_interval=1",
                  f"allowed_ip=10.66.{len(lines)}.0/24"]
    h.set(*lines)
    for i in range(0, len(lines), 4):
        h.push(wire.ipv4("10.9.0.1", f"10.66.{i}.1"))
    # Initiations that claim a low-order static key, whose shared secret is known, from another address.
    at, home = p.endpoint_text(), p.udp
    p.move("127.0.0.9")
    for point in wire.LOW_ORDER:
        time.sleep(0.03)
        p.send(p.initiation(static_public=point).message)
    time.sleep(2.5)
    p.expect_silence(marker)
    state = h.state()
    for point in wire.LOW_ORDER:
        equal(state[point]["endpoint"], at, "the endpoint of a low-order peer changed:")
    p.udp = home
    p.expect_silence(marker)
    p.ping()


@case("h10", "messages that are one byte too short or too long, or have nonzero reserved bytes, are ignored")
def shapes(h):
    p, marker = h.peer(), h.peer()
    i = p.initiation().message
    for wrong in (i[:-1], i + b"\0", i[:132], i[:116], i[:92], i[:64], i + bytes(148)):
        p.send(wrong)
    for kind in (1, 2, 3, 4, 5, 0, 255):
        for reserved in (1, 0x80, 0x100, 0x10000, 0x800000):
            body = struct.pack("<I", kind | reserved << 8) + p.initiation().message[4:116]
            p.send(wire.macs(body, h.public))
            p.send(wire.macs(body[:60], h.public))
            p.send(body[:64])
    p.expect_silence(marker)
    p.ping()


@case("h11", "an initiation with a flipped bit and a valid mac1 gets no response")
def flipped(h):
    p, marker = h.peer(), h.peer()
    good = p.initiation().message[:116]
    for at in range(8, 116):
        p.send(wire.macs(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:], h.public))
        if at % 40 == 0:  # before the queue is long enough for load
            p.expect_silence(marker, 0)
    p.expect_silence(marker)
    check("endpoint" not in p.state(), "a corrupted initiation changed the endpoint")
    p.send(wire.macs(good, h.public))
    p.receive_type(wire.RESPONSE)


@case("h12", "initiations of one peer less than 20 ms apart are rate limited")
def too_many(h):
    p = h.peer()
    # Too few for load: otherwise those that queue up would get cookie replies.
    messages = [p.initiation(timestamp=wire.tai64n(time.time() + i)).message for i in range(100)]
    began = time.monotonic()
    for m in messages:
        p.send(m)
    answers = 0
    while (m := p.try_receive(1)) is not None:
        answers += m[0] == wire.RESPONSE
        took = time.monotonic() - began
    equal(min(answers, 1), 1, "no response at all:")
    check(answers <= took / 0.02 + 2, answers, "responses within", took, "seconds")
    check(answers <= 50, answers, "responses")
    time.sleep(0.1)
    p.last_timestamp = time.time() + 300
    p.ping()


@case("h13", "the daemon ignores its own messages when they are reflected")
def reflected(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_peer(b"x"))
    i = p.receive_type(wire.INITIATION)
    p.send(i)
    p.expect_silence(marker)
    s = p.handshake()
    h.push(p.to_peer(b"y"))
    m = p.receive_type(wire.DATA)
    s.open(m)
    p.send(m)
    p.send(struct.pack("<II", 4, s.local) + m[8:])
    p.send(struct.pack("<II", 4, s.remote) + m[8:])
    r = p.initiation()
    time.sleep(0.03)
    p.send(r.message)
    response = p.receive_type(wire.RESPONSE)
    p.drain()
    p.send(response)
    p.send(wire.macs(response[:60], h.public))
    p.send(wire.macs(struct.pack("<III", 2, r.index, struct.unpack("<I", response[4:8])[0]) + response[12:60],
                     h.public))
    # An initiation of the daemon to itself.
    p.send(wire.Initiation(h.private, h.public).message)
    p.expect_silence(marker)
    equal([x for x in h.delivered(0.1) if x[12:16] == bytes([10, 9, 0, 1])], [], "delivered its own packets:")
    p.ping()


@case("h14", "simultaneous initiations from both sides lead to one session")
def crossing(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(b"staged"))
    theirs = p.receive_initiation()
    s = p.try_handshake()
    check(s, "no response to the peer's initiation while the daemon's is pending")
    p.send(s.seal())
    counter, plain = p.receive_data(s)
    equal((counter, plain), (0, wire.padded(p.to_peer(b"staged"))))
    # The late response to the daemon's initiation may be accepted or not; the session must keep working.
    response, late = theirs.respond()
    p.send(response)
    p.deliver(session=s)
    h.push(p.to_peer(b"after"))
    m = p.receive_type(wire.DATA)
    plains = []
    for each in (s, late):
        try:
            plains.append(each.open(m)[1])
        except wire.Refused:
            pass
    check(plains and plains[0] in (wire.padded(p.to_peer(b"after")), b""), "cannot be decrypted with either session")


@case("h15", "session indices are random")
def indices(h):
    peers = [h.peer() for _ in range(12)]
    seen = []
    for _ in range(16):
        waiting = []
        for p in peers:
            i = p.initiation()
            p.send(i.message)
            waiting.append((p, i))
        for p, i in waiting:
            seen.append(i.finish(p.receive_type(wire.RESPONSE)).remote)
        time.sleep(0.03)
    n = len(seen)
    equal(len(set(seen)), n, "duplicate indices:")
    for bit in range(32):
        ones = sum(x >> bit & 1 for x in seen)
        check(n * 0.25 < ones < n * 0.75, f"bit {bit} is set in {ones} of {n}")
    steps = [(b - a) & 0xffffffff for a, b in zip(seen, seen[1:])]
    check(len(set(steps)) > n * 0.9, "steps between indices repeat")
    check(len({a ^ b for a, b in zip(seen, seen[1:])}) > n * 0.9, "differences between indices repeat")


@case("h18", "the responder does not send with a session before the initiator has used it")
def unconfirmed(h):
    p, marker = h.peer(), h.peer()
    s = p.handshake(confirm=False)
    h.push(p.to_peer(b"too early"))
    p.expect_silence(marker, 1)
    p.send(s.seal())
    equal(p.receive_data(s), (0, wire.padded(p.to_peer(b"too early"))))
    fresh = p.handshake(confirm=False)
    for i in range(5):
        h.push(p.to_peer(bytes([i])))
        equal(p.receive_data(s), (1 + i, wire.padded(p.to_peer(bytes([i])))))
    # A forged message does not confirm the session.
    m = fresh.seal(wire.padded(p.packet()))
    p.send(m[:-1] + bytes([m[-1] ^ 1]))
    marker.deliver()
    h.push(p.to_peer(b"still"))
    equal(p.receive_data(s), (6, wire.padded(p.to_peer(b"still"))))
    p.deliver(session=fresh)
    h.push(p.to_peer(b"now"))
    equal(p.receive_data(fresh), (0, wire.padded(p.to_peer(b"now"))))
    # Messages in flight of the previous session are still accepted.
    p.deliver(session=s)


@case("h22", "mac2 is ignored when not under load")
def mac2(h):
    p = h.peer()
    i = p.initiation(cookie=bytes(range(16)))
    p.send(i.message)
    i.finish(p.receive_type(wire.RESPONSE))


@case("h23", "bit 255 of an ephemeral key is masked for X25519 and hashed as received")
def top_bit(h):
    p = h.peer()
    e = wire.new_private()
    pub = wire.public(e)
    s = p.handshake(ephemeral=e, ephemeral_public=pub[:31] + bytes([pub[31] | 0x80]))
    p.deliver(session=s)


@case("h24", "form of responses: length, zero mac2, TOS 0x88, mac1 for the initiator, fresh ephemeral keys")
def response_form(h):
    for address in ("127.0.0.1", "fd77::3"):
        p = h.peer(address=address)
        keys = set()
        for _ in range(3):
            i = p.initiation()
            p.send(i.message)
            m = p.receive_type(wire.RESPONSE)
            i.finish(m)
            equal((len(m), m[1:4], m[76:], p.tos), (92, bytes(3), bytes(16), 0x88))
            equal(p.sender[:2], p.daemon)
            keys.add(m[12:44])
            time.sleep(0.05)
        equal(len(keys), 3)


@case("h25", "the previous session still decrypts after a new handshake; the one before it does not")
def generations(h):
    p, marker = h.peer(), h.peer()
    first = p.handshake()
    p.deliver(session=first)
    second = p.handshake()
    p.deliver(session=second)
    p.deliver(session=first)
    third = p.handshake()
    p.deliver(session=third)
    p.deliver(session=second)
    p.send_packet(session=first)
    equal(p.deliver(session=third), [], "delivered in an expired session:")
    # A second unconfirmed session replaces the first; the two confirmed ones still decrypt.
    lost = p.handshake(confirm=False)
    latest = p.handshake(confirm=False)
    p.send_packet(session=lost)
    equal(p.deliver(session=third), [], "delivered in a replaced session:")
    p.deliver(session=latest)
    p.expect_silence(marker)
