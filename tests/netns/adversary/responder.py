"""Handshakes that the daemon begins, and what we answer."""
import os
import struct
import time

import wire
from case import family
from host import check, equal, until

CASES, case = family()


@case("h02", "peers over IPv4 and IPv6 in turn: each gets all of its packets where it is")
def in_turn(h):
    four, six = h.peer(endpoint=True), h.peer(endpoint=True, address="fd77::5")
    for p in (four, six):
        h.push(p.to_us(b"first"))
        p.shaken()
        equal(p.hears()[1], wire.padded(p.to_us(b"first")))
    for i in range(40):
        for p in (four, six) if i % 3 else (six, four, six):
            h.push(p.to_us(b"%d" % i))
            equal(p.hears()[1], wire.padded(p.to_us(b"%d" % i)))
            equal(p.sender[:2], p.daemon)
    # And all at once, so that they share batches.
    for i in range(100):
        h.push((four, six)[i % 2].to_us(struct.pack("<I", i)))
    for n, p in enumerate((four, six)):
        for i in range(n, 100, 2):
            equal(p.hears()[1], wire.padded(p.to_us(struct.pack("<I", i))))


@case("h03", "initiations of ours: form, TOS 0x88, mac1, zero mac2; the staged packet follows the response")
def begun(h):
    for address in ("127.0.0.1", "fd77::4"):
        p = h.peer(endpoint=True, address=address, psk=os.urandom(32))
        h.push(p.to_us(b"waits"))
        o = p.initiated()
        equal((len(o.message), o.mac2, p.tos), (148, bytes(16), 0x88))
        response, s = o.answer()
        p.send(response)
        m = p.receive()
        equal(s.open(m), (0, wire.padded(p.to_us(b"waits"))))
        equal(p.tos, 0)
        p.arrives(session=s)


@case("h04", "with nothing to say the initiator confirms by a keepalive")
def confirms(h):
    p = h.peer(endpoint=True)
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=25")
    o = p.initiated()
    response, s = o.answer()
    p.send(response)
    m = p.of_type(wire.DATA)
    equal((len(m), s.open(m)), (32, (0, b"")))
    until("the handshake is told", lambda: p.state()["last_handshake_time_sec"] != "0")


@case("h16", "responses that nobody asked for, and with a wrong receiver")
def unasked(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_us(b"x"))
    o = p.initiated()
    response, s = o.answer()
    for index in (0, 1, o.remote ^ 1, os.urandom(4)):
        raw = index if isinstance(index, bytes) else struct.pack("<I", index)
        p.send(wire.macs(response[:8] + raw + response[12:60], h.public))
    p.none_before(marker)
    p.send(response)
    p.hears(s)


@case("h17", "a second response to the same initiation is refused")
def twice(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_us(b"one"))
    o = p.initiated()
    (first, s), (second, other) = o.answer(), o.answer()
    p.send(first)
    p.hears(s)
    p.send(second)
    p.send(first)
    p.none_before(marker)
    h.push(p.to_us(b"two"))
    equal(p.hears(s), (1, wire.padded(p.to_us(b"two"))))
    p.say(session=other)
    equal(p.arrives(session=s), [])


@case("h19", "timestamps are of now, whitened, and grow", waits=True)
def whitened(h):
    p = h.peer(endpoint=True, keepalive=1)
    stamps = []
    for _ in range(2):
        before = time.time()
        stamps.append(p.initiated().timestamp)
        seconds, ns = struct.unpack(">QI", stamps[-1])
        check(ns % (1 << 24) == 0 and ns < 10**9, f"nanoseconds {ns:x} are too exact")
        check(before - 30 < seconds - 0x400000000000000a < time.time() + 2, "not of now:", seconds)
    check(stamps[0] < stamps[1], "timestamps do not grow")


@case("h20", "a response that fails leaves the handshake waiting for the right one")
def failed(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_us(b"x"))
    o = p.initiated()
    good, s = o.answer()
    for at in range(12, 60):  # ephemeral key and tag, under a right mac1
        p.send(wire.macs(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:60], h.public))
    for point in wire.LOW_ORDER:
        p.send(o.answer(ephemeral_public=point)[0])
    p.send(o.answer(psk=bytes(range(32)))[0])
    p.send(good[:60] + bytes(32))
    for wrong in (good[:-1], good + b"\0", good[:1] + b"\1" + good[2:]):
        p.send(wrong)
    # The right one from a stranger's hand: without our key it cannot be made; by another peer's it is none.
    marker.send(wire.Opened(p.private, o.message, bytes([1]) * 32).answer()[0])
    p.none_before(marker)
    p.send(good)
    equal(p.hears(s), (0, wire.padded(p.to_us(b"x"))))


@case("h21", "a response to an initiation that was followed by another is refused", waits=True)
def overtaken(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_us(b"x"))
    first = p.initiated()
    second = p.initiated()
    check(first.remote != second.remote and first.e != second.e, "an index or key was used twice")
    check(first.timestamp < second.timestamp, "the timestamp did not grow")
    p.send(first.answer()[0])
    p.none_before(marker)
    response, s = second.answer()
    p.send(response)
    equal(p.hears(s), (0, wire.padded(p.to_us(b"x"))))


@case("c03", "a cookie for us: believed only with its tag, moves no endpoint, and comes back as mac2", waits=True)
def cookie_for_them(h):
    p, marker = h.peer(endpoint=True), h.peer()
    elsewhere, cookie = h.peer(), os.urandom(16)
    h.push(p.to_us(b"x"))
    o = p.initiated()
    p.send(o.refuse(p.private, bytes(16), flip=True))
    p.send(o.refuse(elsewhere.private, bytes(16)))
    elsewhere.send(o.refuse(p.private, cookie))
    # It is not asked for a second time: the mac1 it was for has had its answer.
    p.send(o.refuse(p.private, bytes(range(16))))
    equal(p.maybe(1), None, "a cookie was answered at once:")
    equal(p.state()["endpoint"], p.where(), "a cookie moved the endpoint:")
    second = p.initiated()
    equal(second.mac2, wire.mac(cookie, second.message[:132]), "mac2:")
    p.send(second.answer()[0])
    p.of_type(wire.DATA)
    p.none_before(marker)


@case("c08", "a forged cookie is not used", waits=True)
def forged_cookie(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"x"))
    o = p.initiated()
    p.send(o.refuse(p.private, bytes(range(16)), flip=True))
    m = o.refuse(p.private, bytes(range(16)))
    for wrong in (m[:-1], m + b"\0", m[:1] + b"\1" + m[2:], m[:4] + struct.pack("<I", o.remote ^ 1) + m[8:]):
        p.send(wrong)
    equal(p.initiated().mac2, bytes(16), "mac2 by a forged cookie:")


@case("d21", "a new private key: sessions end, a handshake with the new one begins at once")
def new_key(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"x"))
    old = p.shaken()
    p.hears()
    p.arrives()
    p.all()
    itself = wire.new_private()
    h.set(f"public_key={wire.public(itself).hex()}", "allowed_ip=10.77.0.0/24")
    h.private, h.public = itself, wire.public(itself)
    h.set(f"private_key={itself.hex()}")
    check(h.public not in h.state(), "the peer with our own new key is still there")
    h.push(p.to_us(b"y"))
    o = p.initiated()
    response, s = o.answer()
    p.send(response)
    m = p.of_type(wire.DATA)
    s.open(m)
    for _ in range(20):
        h.private = wire.new_private()
        h.public = wire.public(h.private)
        h.set(f"private_key={h.private.hex()}")
        h.push(p.to_us(b"z"))
        response, s = p.initiated().answer()
        p.send(response)
        equal(p.hears(s)[1], wire.padded(p.to_us(b"z")))
    h.set(f"private_key={h.private.hex()}")  # the same again is no change
    h.push(p.to_us(b"same"))
    equal(p.hears(s)[1], wire.padded(p.to_us(b"same")))
    # Without any key there is silence.
    p.all()
    h.set(f"private_key={bytes(32).hex()}")
    h.push(p.to_us(b"none"))
    p.send(p.initiation().message)
    equal(p.all(1), [], "sent without a key:")


@case("d22", "what waits for a handshake: the last 128 packets, in order")
def staged(h):
    p = h.peer(endpoint=True)
    for i in range(300):
        h.push(p.to_us(struct.pack("<I", i)))
    h.get_text()
    o = p.initiated()
    time.sleep(0.5)  # all three hundred have been read by then, or the assertion below would not hold
    response, s = o.answer()
    p.send(response)
    got = [p.hears(s) for _ in range(128)]
    equal([c for c, _ in got], list(range(128)), "counters:")
    numbers = [struct.unpack("<I", plain[20:24])[0] for _, plain in got]
    equal(numbers, list(range(172, 300)), "which:")
    equal(p.maybe(), None, "more than 128:")


@case("d23", "what waits for peers of both families reaches each of them")
def staged_both(h):
    peers = [h.peer(endpoint=True, address="fd77::6" if i % 2 else "127.0.0.1") for i in range(6)]
    for i in range(5):
        for p in peers:
            h.push(p.to_us(bytes([i])))
    pending = [(p, p.initiated()) for p in peers]
    for p, o in pending:
        response, p.session = o.answer()
        p.send(response)
    for p in peers:
        for i in range(5):
            equal(p.hears(), (i, wire.padded(p.to_us(bytes([i])))))


@case("h27", "a session that we began and did not confirm stays readable beside the one the daemon then began",
      waits=True)
def both_ways(h):
    p = h.peer(endpoint=True)
    ours = p.shake(confirm=False)
    began = time.monotonic()
    while True:  # five seconds after its response it may begin one, when there is something to say
        h.push(p.to_us(b"x"))
        m = p.maybe(1)
        if m:
            break
        check(time.monotonic() < began + 40, "never")
    check(time.monotonic() > began + 4, "too early")
    o = wire.Opened(p.private, m)
    response, theirs = o.answer()
    p.send(response)
    equal(p.hears(theirs), (0, wire.padded(p.to_us(b"x"))))
    p.all()
    p.arrives(session=ours)
    p.arrives(session=theirs)
    h.push(p.to_us(b"y"))
    equal(p.hears(theirs)[1], wire.padded(p.to_us(b"y")), "which session it sends with:")
