"""Handshakes that we begin: what is answered, and everything that is not."""
import struct
import time

import wire
from case import family
from host import check, equal

CASES, case = family()


@case("h01", "a handshake over IPv4 and one over IPv6, and echoes through both")
def both_families(h):
    h.peer().ping()
    h.peer(address="fd77::2").ping()
    for p in h.peers:
        equal(p.state()["endpoint"], p.where())


@case("h05", "strangers, a wrong mac1 and another server's key are not answered")
def strangers(h):
    known, marker = h.peer(), h.peer()
    stranger = wire.new_private()
    known.send(wire.Initiation(stranger, h.public).message)
    known.send(wire.Initiation(known.private, wire.public(stranger)).message)
    good = known.initiation().message
    for at in range(116, 132):
        known.send(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
    known.send(good[:116] + bytes(32))
    # Who we are stays the one we claim to be: another peer's public key with our private one.
    known.send(wire.Initiation(known.private, h.public, static_public=marker.public).message)
    known.none_before(marker)
    check("endpoint" not in known.state(), "an endpoint was learned of what was refused")
    known.ping()


@case("h06", "a preshared key decides about the next handshake and leaves the session alone")
def preshared(h):
    psk, other = bytes(range(32)), bytes(range(1, 33))
    p = h.peer(psk=psk)
    p.ping()
    p.psk = other
    check(p.try_shake(limit=2) is None, "a session with another preshared key")
    p.psk = wire.ZERO_PSK
    check(p.try_shake(limit=2) is None, "a session without the preshared key")
    old = p.session
    h.set(f"public_key={p.public.hex()}", f"preshared_key={other.hex()}")
    p.session = old
    p.arrives()
    p.psk = psk
    check(p.try_shake(limit=2) is None, "a session with the key of before")
    p.psk = other
    p.session = None
    p.ping()
    h.set(f"public_key={p.public.hex()}", f"preshared_key={bytes(32).hex()}")
    p.arrives()
    check(p.try_shake(limit=2) is None, "a session with a preshared key that was taken away")
    p.psk, p.session = wire.ZERO_PSK, None
    p.ping()


@case("h07", "a recorded initiation is answered once only, also after minutes of other handshakes")
def replayed(h):
    p, marker = h.peer(), h.peer()
    first = p.initiation()
    p.send(first.message)
    first.finish(p.of_type(wire.RESPONSE))
    time.sleep(0.05)
    for _ in range(3):
        p.send(first.message)
    p.none_before(marker)
    p.ping()
    p.all()
    time.sleep(0.05)
    p.send(first.message)
    p.none_before(marker)
    p.arrives()


@case("h08", "older and equal timestamps are refused, whatever else is new, until the peer is made anew")
def older(h):
    p, marker = h.peer(), h.peer()
    now = time.time()
    equal_one = wire.tai64n(now + 100)
    p.shake(timestamp=equal_one)

    def refused(stamp):
        time.sleep(0.05)
        p.send(p.initiation(timestamp=stamp).message)
        p.none_before(marker)
    refused(equal_one)
    refused(wire.tai64n(now + 99.9))
    refused(wire.tai64n(now))
    refused(bytes(12))
    # It is a number of twelve bytes: only the nanoseconds are less.
    seconds, ns = struct.unpack(">QI", equal_one)
    refused(struct.pack(">QI", seconds, max(ns - 1, 0)))
    p.shake(timestamp=struct.pack(">QI", seconds, ns + 0x1000000))
    # Another key of the server's changes nothing about this.
    h.private = wire.new_private()
    h.public = wire.public(h.private)
    h.set(f"private_key={h.private.hex()}")
    refused(equal_one)
    refused(wire.tai64n(now))
    # One that fails later (here: at the preshared key, unseen by the server) counts all the same.
    p.psk = bytes(range(32))
    check(p.try_shake(limit=2, timestamp=wire.tai64n(now + 200)) is None)
    p.psk = wire.ZERO_PSK
    refused(wire.tai64n(now + 150))
    h.set(f"public_key={p.public.hex()}", "remove=true")
    p.configure()
    p.shake(timestamp=wire.tai64n(now))
    # The far future is a timestamp like others.
    p.shake(timestamp=b"\xff" * 12)
    refused(wire.tai64n(now + 1000))


@case("h09", "points of small order: as ephemeral, as static, as a configured peer", waits=True)
def low_order(h):
    p, marker = h.peer(), h.peer()
    for point in wire.LOW_ORDER:
        time.sleep(0.03)
        p.send(p.initiation(ephemeral_public=point).message)
    p.none_before(marker)
    lines = []
    for point in wire.LOW_ORDER:
        lines += [f"public_key={point.hex()}", f"endpoint={p.where()}", "persistent_keepalive_interval=1",
                  f"allowed_ip=10.66.{len(lines)}.0/24"]
    h.set(*lines)
    for i in range(0, len(lines), 4):
        h.push(wire.ipv4("10.9.0.1", f"10.66.{i}.1"))
    # A stranger's word for a static key that anybody can compute the secret of.
    at, home = p.where(), p.udp
    p.move("127.0.0.9")
    for point in wire.LOW_ORDER:
        time.sleep(0.03)
        p.send(p.initiation(static_public=point).message)
    time.sleep(2.5)
    p.none_before(marker)
    state = h.state()
    for point in wire.LOW_ORDER:
        equal(state[point]["endpoint"], at, "a peer of small order moved:")
    p.udp = home
    p.none_before(marker)
    p.ping()


@case("h10", "every type with a byte more or less, or with reserved bytes that are not zero")
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
    p.none_before(marker)
    p.ping()


@case("h11", "an initiation with any one bit wrong, under a right mac1")
def flipped(h):
    p, marker = h.peer(), h.peer()
    good = p.initiation().message[:116]
    for at in range(8, 116):
        p.send(wire.macs(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:], h.public))
        if at % 40 == 0:  # before so many wait that there is load
            p.none_before(marker, 0)
    p.none_before(marker)
    check("endpoint" not in p.state(), "an endpoint was learned of a broken initiation")
    p.send(wire.macs(good, h.public))
    p.of_type(wire.RESPONSE)


@case("h12", "initiations of one peer within 20 ms are not all answered")
def too_many(h):
    p = h.peer()
    # Fewer than make load: when the daemon comes late to them, all that wait would get cookies.
    messages = [p.initiation(timestamp=wire.tai64n(time.time() + i)).message for i in range(100)]
    began = time.monotonic()
    for m in messages:
        p.send(m)
    answers = 0
    while (m := p.maybe(1)) is not None:
        answers += m[0] == wire.RESPONSE
        took = time.monotonic() - began
    equal(min(answers, 1), 1, "none at all:")
    check(answers <= took / 0.02 + 2, answers, "answers within", took, "seconds")
    check(answers <= 50, answers, "answers")
    time.sleep(0.1)
    p.stamp = time.time() + 300
    p.ping()


@case("h13", "our own words come back to us: silence")
def reflected(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_us(b"x"))
    i = p.of_type(wire.INITIATION)
    p.send(i)
    p.none_before(marker)
    s = p.shake()
    h.push(p.to_us(b"y"))
    m = p.of_type(wire.DATA)
    s.open(m)
    p.send(m)
    p.send(struct.pack("<II", 4, s.local) + m[8:])
    p.send(struct.pack("<II", 4, s.remote) + m[8:])
    r = p.initiation()
    time.sleep(0.03)
    p.send(r.message)
    response = p.of_type(wire.RESPONSE)
    p.all()
    p.send(response)
    p.send(wire.macs(response[:60], h.public))
    p.send(wire.macs(struct.pack("<III", 2, r.index, struct.unpack("<I", response[4:8])[0]) + response[12:60],
                     h.public))
    # The server as its own peer.
    p.send(wire.Initiation(h.private, h.public).message)
    p.none_before(marker)
    equal([x for x in h.delivered(0.1) if x[12:16] == bytes([10, 9, 0, 1])], [], "delivered what was sent:")
    p.ping()


@case("h14", "both begin at once: one session for both")
def crossing(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"staged"))
    theirs = p.initiated()
    s = p.try_shake()
    check(s, "our initiation was not answered while the daemon's waits")
    p.send(s.seal())
    counter, plain = p.hears(s)
    equal((counter, plain), (0, wire.padded(p.to_us(b"staged"))))
    # The answer to theirs comes late: taken or not, what we have goes on.
    response, late = theirs.answer()
    p.send(response)
    p.arrives(session=s)
    h.push(p.to_us(b"after"))
    m = p.of_type(wire.DATA)
    plains = []
    for each in (s, late):
        try:
            plains.append(each.open(m)[1])
        except wire.Refused:
            pass
    check(plains and plains[0] in (wire.padded(p.to_us(b"after")), b""), "unreadable after crossing")


@case("h15", "indices are random")
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
            seen.append(i.finish(p.of_type(wire.RESPONSE)).remote)
        time.sleep(0.03)
    n = len(seen)
    equal(len(set(seen)), n, "indices twice:")
    for bit in range(32):
        ones = sum(x >> bit & 1 for x in seen)
        check(n * 0.25 < ones < n * 0.75, f"bit {bit} is set in {ones} of {n}")
    steps = [(b - a) & 0xffffffff for a, b in zip(seen, seen[1:])]
    check(len(set(steps)) > n * 0.9, "steps between indices repeat")
    check(len({a ^ b for a, b in zip(seen, seen[1:])}) > n * 0.9, "differences between indices repeat")


@case("h18", "the responder does not use a session before the other side did")
def confirmed(h):
    p, marker = h.peer(), h.peer()
    s = p.shake(confirm=False)
    h.push(p.to_us(b"too early"))
    p.none_before(marker, 1)
    p.send(s.seal())
    equal(p.hears(s), (0, wire.padded(p.to_us(b"too early"))))
    fresh = p.shake(confirm=False)
    for i in range(5):
        h.push(p.to_us(bytes([i])))
        equal(p.hears(s), (1 + i, wire.padded(p.to_us(bytes([i])))))
    # A forged confirmation is none.
    m = fresh.seal(wire.padded(p.packet()))
    p.send(m[:-1] + bytes([m[-1] ^ 1]))
    marker.arrives()
    h.push(p.to_us(b"still"))
    equal(p.hears(s), (6, wire.padded(p.to_us(b"still"))))
    p.arrives(session=fresh)
    h.push(p.to_us(b"now"))
    equal(p.hears(fresh), (0, wire.padded(p.to_us(b"now"))))
    # What is on its way under the old one still counts.
    p.arrives(session=s)


@case("h22", "mac2 is not looked at without load")
def mac2(h):
    p = h.peer()
    i = p.initiation(cookie=bytes(range(16)))
    p.send(i.message)
    i.finish(p.of_type(wire.RESPONSE))


@case("h23", "bit 255 of an ephemeral key is masked, not refused, and hashed as sent")
def top_bit(h):
    p = h.peer()
    e = wire.new_private()
    pub = wire.public(e)
    s = p.shake(ephemeral=e, ephemeral_public=pub[:31] + bytes([pub[31] | 0x80]))
    p.arrives(session=s)


@case("h24", "responses: right lengths, zero mac2, TOS 0x88, a mac1 of ours, fresh ephemeral keys")
def response_form(h):
    for address in ("127.0.0.1", "fd77::3"):
        p = h.peer(address=address)
        keys = set()
        for _ in range(3):
            i = p.initiation()
            p.send(i.message)
            m = p.of_type(wire.RESPONSE)
            i.finish(m)
            equal((len(m), m[1:4], m[76:], p.tos), (92, bytes(3), bytes(16), 0x88))
            equal(p.sender[:2], p.daemon)
            keys.add(m[12:44])
            time.sleep(0.05)
        equal(len(keys), 3)


@case("h25", "a session of two handshakes ago is gone, that of one ago is not")
def generations(h):
    p, marker = h.peer(), h.peer()
    first = p.shake()
    p.arrives(session=first)
    second = p.shake()
    p.arrives(session=second)
    p.arrives(session=first)
    third = p.shake()
    p.arrives(session=third)
    p.arrives(session=second)
    p.say(session=first)
    equal(p.arrives(session=third), [], "delivered by a forgotten session:")
    # A new one that nobody confirmed replaces the one that waits, and both old ones stay readable.
    lost = p.shake(confirm=False)
    kept = p.shake(confirm=False)
    p.say(session=lost)
    equal(p.arrives(session=third), [], "delivered by a replaced session:")
    p.arrives(session=kept)
    p.none_before(marker)
