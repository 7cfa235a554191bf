"""Cases of handshakes with the daemon as initiator, and of its staged packets."""
import os
import struct
import time

import wire
from case import case_list
from host import check, equal, wait_until

CASES, case = case_list()


@case("h02", "alternating traffic for an IPv4 and an IPv6 peer reaches the right endpoints")
def alternating(h):
    four, six = h.peer(endpoint=True), h.peer(endpoint=True, address="fd77::5")
    for p in (four, six):
        h.push(p.to_peer(b"first"))
        p.accept_handshake()
        equal(p.receive_data()[1], wire.padded(p.to_peer(b"first")))
    for i in range(40):
        for p in (four, six) if i % 3 else (six, four, six):
            h.push(p.to_peer(b"%d" % i))
            equal(p.receive_data()[1], wire.padded(p.to_peer(b"%d" % i)))
            equal(p.sender[:2], p.daemon)
    # All at once, so that the peers share batches.
    for i in range(100):
        h.push((four, six)[i % 2].to_peer(struct.pack("<I", i)))
    for n, p in enumerate((four, six)):
        for i in range(n, 100, 2):
            equal(p.receive_data()[1], wire.padded(p.to_peer(struct.pack("<I", i))))


@case("h03", "form of initiations: length, TOS 0x88, mac1, zero mac2; the staged packet follows the response")
def initiation_form(h):
    for address in ("127.0.0.1", "fd77::4"):
        p = h.peer(endpoint=True, address=address, psk=os.urandom(32))
        h.push(p.to_peer(b"waits"))
        o = p.receive_initiation()
        equal((len(o.message), o.mac2, p.tos), (148, bytes(16), 0x88))
        response, s = o.respond()
        p.send(response)
        m = p.receive()
        equal(s.open(m), (0, wire.padded(p.to_peer(b"waits"))))
        equal(p.tos, 0)
        p.deliver(session=s)


@case("h04", "an initiator without staged packets confirms the session with a keepalive")
def confirms(h):
    p = h.peer(endpoint=True)
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=25")
    o = p.receive_initiation()
    response, s = o.respond()
    p.send(response)
    m = p.receive_type(wire.DATA)
    equal((len(m), s.open(m)), (32, (0, b"")))
    wait_until("the handshake is reported", lambda: p.state()["last_handshake_time_sec"] != "0")


@case("h16", "unsolicited responses and responses with a wrong receiver index are ignored")
def unsolicited(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_peer(b"x"))
    o = p.receive_initiation()
    response, s = o.respond()
    for index in (0, 1, o.remote ^ 1, os.urandom(4)):
        raw = index if isinstance(index, bytes) else struct.pack("<I", index)
        p.send(wire.macs(response[:8] + raw + response[12:60], h.public))
    p.expect_silence(marker)
    p.send(response)
    p.receive_data(s)


@case("h17", "a second response to the same initiation is rejected")
def second_response(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_peer(b"one"))
    o = p.receive_initiation()
    (first, s), (second, other) = o.respond(), o.respond()
    p.send(first)
    p.receive_data(s)
    p.send(second)
    p.send(first)
    p.expect_silence(marker)
    h.push(p.to_peer(b"two"))
    equal(p.receive_data(s), (1, wire.padded(p.to_peer(b"two"))))
    p.send_packet(session=other)
    equal(p.deliver(session=s), [])


@case("h19", "timestamps are current, whitened and increasing", waits=True)
def whitened(h):
    p = h.peer(endpoint=True, keepalive=1)
    stamps = []
    for _ in range(2):
        before = time.time()
        stamps.append(p.receive_initiation().timestamp)
        seconds, ns = struct.unpack(">QI", stamps[-1])
        check(ns % (1 << 24) == 0 and ns < 10**9, f"nanoseconds {ns:x} are too exact")
        check(before - 30 < seconds - 0x400000000000000a < time.time() + 2, "not current:", seconds)
    check(stamps[0] < stamps[1], "timestamps do not grow")


@case("h20", "invalid responses do not end the handshake; a valid one still completes it")
def invalid_responses(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_peer(b"x"))
    o = p.receive_initiation()
    good, s = o.respond()
    for at in range(12, 60):  # ephemeral key and tag, with a valid mac1
        p.send(wire.macs(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:60], h.public))
    for point in wire.LOW_ORDER:
        p.send(o.respond(ephemeral_public=point)[0])
    p.send(o.respond(psk=bytes(range(32)))[0])
    p.send(good[:60] + bytes(32))
    for wrong in (good[:-1], good + b"\0", good[:1] + b"\1" + good[2:]):
        p.send(wrong)
    # A response sent by another peer, computed with a wrong preshared key.
    marker.send(wire.ReceivedInitiation(p.private, o.message, bytes([1]) * 32).respond()[0])
    p.expect_silence(marker)
    p.send(good)
    equal(p.receive_data(s), (0, wire.padded(p.to_peer(b"x"))))


@case("h21", "a response to a superseded initiation is rejected", waits=True)
def superseded(h):
    p, marker = h.peer(endpoint=True), h.peer()
    h.push(p.to_peer(b"x"))
    first = p.receive_initiation()
    second = p.receive_initiation()
    check(first.remote != second.remote and first.e != second.e, "an index or key was used twice")
    check(first.timestamp < second.timestamp, "the timestamp did not grow")
    p.send(first.respond()[0])
    p.expect_silence(marker)
    response, s = second.respond()
    p.send(response)
    equal(p.receive_data(s), (0, wire.padded(p.to_peer(b"x"))))


@case("c03", "a received cookie is used for mac2 only if authentic, and does not change the endpoint", waits=True)
def cookie_for_them(h):
    p, marker = h.peer(endpoint=True), h.peer()
    elsewhere, cookie = h.peer(), os.urandom(16)
    h.push(p.to_peer(b"x"))
    o = p.receive_initiation()
    p.send(o.cookie_reply(p.private, bytes(16), flip=True))
    p.send(o.cookie_reply(elsewhere.private, bytes(16)))
    elsewhere.send(o.cookie_reply(p.private, cookie))
    # A second cookie reply for the same mac1 is ignored.
    p.send(o.cookie_reply(p.private, bytes(range(16))))
    equal(p.try_receive(1), None, "an immediate reply to a cookie reply:")
    equal(p.state()["endpoint"], p.endpoint_text(), "a cookie reply changed the endpoint:")
    second = p.receive_initiation()
    equal(second.mac2, wire.mac(cookie, second.message[:132]), "mac2:")
    p.send(second.respond()[0])
    p.receive_type(wire.DATA)
    p.expect_silence(marker)


@case("c08", "a forged cookie reply is ignored", waits=True)
def forged_cookie(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(b"x"))
    o = p.receive_initiation()
    p.send(o.cookie_reply(p.private, bytes(range(16)), flip=True))
    m = o.cookie_reply(p.private, bytes(range(16)))
    for wrong in (m[:-1], m + b"\0", m[:1] + b"\1" + m[2:], m[:4] + struct.pack("<I", o.remote ^ 1) + m[8:]):
        p.send(wrong)
    equal(p.receive_initiation().mac2, bytes(16), "mac2 from a forged cookie:")


@case("d21", "a new private key ends all sessions and immediately starts handshakes with the new key")
def new_key(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(b"x"))
    old = p.accept_handshake()
    p.receive_data()
    p.deliver()
    p.drain()
    own = wire.new_private()
    h.set(f"public_key={wire.public(own).hex()}", "allowed_ip=10.77.0.0/24")
    h.private, h.public = own, wire.public(own)
    h.set(f"private_key={own.hex()}")
    check(h.public not in h.state(), "the peer with our own new key is still there")
    h.push(p.to_peer(b"y"))
    o = p.receive_initiation()
    response, s = o.respond()
    p.send(response)
    m = p.receive_type(wire.DATA)
    s.open(m)
    for _ in range(20):
        h.private = wire.new_private()
        h.public = wire.public(h.private)
        h.set(f"private_key={h.private.hex()}")
        h.push(p.to_peer(b"z"))
        response, s = p.receive_initiation().respond()
        p.send(response)
        equal(p.receive_data(s)[1], wire.padded(p.to_peer(b"z")))
    h.set(f"private_key={h.private.hex()}")  # setting the same key changes nothing
    h.push(p.to_peer(b"same"))
    equal(p.receive_data(s)[1], wire.padded(p.to_peer(b"same")))
    # Without a private key nothing is sent.
    p.drain()
    h.set(f"private_key={bytes(32).hex()}")
    h.push(p.to_peer(b"none"))
    p.send(p.initiation().message)
    equal(p.drain(1), [], "sent without a key:")


@case("d22", "the last 128 packets are staged during a handshake and sent in order")
def staged(h):
    p = h.peer(endpoint=True)
    for i in range(300):
        h.push(p.to_peer(struct.pack("<I", i)))
    h.get_text()
    o = p.receive_initiation()
    wait_until("the daemon has read all 300 packets", lambda: 'reason="staged_full"} 172\n' in h.statistics())
    response, s = o.respond()
    p.send(response)
    got = [p.receive_data(s) for _ in range(128)]
    equal([c for c, _ in got], list(range(128)), "counters:")
    numbers = [struct.unpack("<I", plain[20:24])[0] for _, plain in got]
    equal(numbers, list(range(172, 300)), "packets:")
    equal(p.try_receive(), None, "more than 128:")


@case("d23", "packets staged for IPv4 and IPv6 peers reach each of them")
def staged_both(h):
    peers = [h.peer(endpoint=True, address="fd77::6" if i % 2 else "127.0.0.1") for i in range(6)]
    for i in range(5):
        for p in peers:
            h.push(p.to_peer(bytes([i])))
    pending = [(p, p.receive_initiation()) for p in peers]
    for p, o in pending:
        response, p.session = o.respond()
        p.send(response)
    for p in peers:
        for i in range(5):
            equal(p.receive_data(), (i, wire.padded(p.to_peer(bytes([i])))))


@case("h27", "an unconfirmed session of the peer still decrypts after the daemon initiated another one",
      waits=True)
def sessions_of_both_roles(h):
    p = h.peer(endpoint=True)
    began = time.monotonic()
    ours = p.handshake(confirm=False)
    while True:  # the daemon may initiate five seconds after its response
        h.push(p.to_peer(b"x"))
        m = p.try_receive(1)
        if m:
            break
        check(time.monotonic() < began + 40, "no initiation")
    check(time.monotonic() > began + 4, "initiation too early")
    o = wire.ReceivedInitiation(p.private, m)
    response, theirs = o.respond()
    p.send(response)
    equal(p.receive_data(theirs), (0, wire.padded(p.to_peer(b"x"))))
    p.drain()
    p.deliver(session=ours)
    p.deliver(session=theirs)
    h.push(p.to_peer(b"y"))
    equal(p.receive_data(theirs)[1], wire.padded(p.to_peer(b"y")), "sending session:")
