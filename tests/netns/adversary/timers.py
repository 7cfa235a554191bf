"""Cases of timers. Lower bounds are the protocol's; upper bounds allow for a loaded machine."""
import time

import wire
from case import case_list
from host import TIMEOUT_S, check, equal, wait_until

CASES, case = case_list()


def check_elapsed(began, least, most=TIMEOUT_S):
    took = time.monotonic() - began
    check(least <= took <= most, f"after {took:.2f} s, not {least} to {most}")


@case("t01", "passive keepalive: one empty message ten seconds after data was received; it is not answered itself",
      waits=True)
def passive(h):
    p = h.peer()
    s = p.handshake()
    began = time.monotonic()
    p.deliver()
    m = p.receive()
    check_elapsed(began, 9.9)
    equal((len(m), s.open(m)[1]), (32, b""))
    # A keepalive needs no reply.
    p.send(s.seal())
    equal(p.try_receive(13), None, "an unnecessary message:")


@case("t02", "continuous incoming data gets a passive keepalive every ten seconds", waits=True)
def repeated_passive(h):
    p = h.peer()
    s = p.handshake()
    began, received = time.monotonic(), []
    while time.monotonic() < began + 32 and len(received) < 2:
        p.send_packet()
        m = p.try_receive(0.5)
        if m:
            equal(s.open(m)[1], b"")
            received.append(time.monotonic() - began)
    equal(len(received), 2, received)
    check(received[0] >= 9.9 and received[1] >= 19.9, received)


@case("t03", "a handshake starts fifteen seconds after data was sent and nothing was received; a keepalive prevents it",
      waits=True)
def unanswered(h):
    silent, responsive = h.peer(endpoint=True), h.peer(endpoint=True)
    for p in (silent, responsive):
        h.push(p.to_peer(b"x"))
        p.accept_handshake()
        p.receive_data()
        p.deliver()  # authenticated data: no reply is outstanding
    began = time.monotonic()
    for p in (silent, responsive):
        h.push(p.to_peer(b"question"))
        p.receive_data()
    responsive.send(responsive.session.seal())
    o = silent.receive_initiation()
    check_elapsed(began, 14.5)
    response, s = o.respond()
    silent.send(response)
    silent.receive_data(s)
    wait_until("no more messages arrive", lambda: not responsive.drain(1))


@case("t04", "handshake attempts are five seconds apart, each with a new ephemeral key, index and timestamp",
      waits=True)
def attempts(h):
    p = h.peer(endpoint=True)
    seen, began = [], time.monotonic()
    h.push(p.to_peer(b"x"))
    for _ in range(4):
        seen.append(p.receive_initiation())
        h.push(p.to_peer(b"more"))  # does not cause an earlier attempt
    check_elapsed(began, 14.9, 16.1 + TIMEOUT_S)
    for name in ("e", "remote", "timestamp"):
        equal(len({getattr(o, name) for o in seen}), 4, name)
    check(seen[0].timestamp < seen[1].timestamp < seen[2].timestamp < seen[3].timestamp)


@case("t05", "persistent keepalives: immediately when enabled, then every interval; none when disabled", waits=True)
def persistent(h):
    p = h.peer(endpoint=True)
    began = time.monotonic()
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=1")
    s = p.accept_handshake()
    for i in range(4):
        m = p.receive_type(wire.DATA)
        equal((len(m), s.open(m)), (32, (i, b"")))
    check_elapsed(began, 2.5)
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=0")
    p.drain(0.2)
    equal(p.try_receive(3), None, "a keepalive after it was switched off:")
    began = time.monotonic()
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=3600")
    p.receive_data(s)
    # No keepalives while the link is down.
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=1")
    h.ip("link set wg0 down")
    h.get_text()
    p.drain(0.2)
    equal(p.try_receive(2.5), None, "sent while the link is down:")
    h.up()
    p.receive_initiation()


@case("t06", "an idle peer gets no messages", waits=True)
def idle(h):
    p = h.peer(endpoint=True)
    p.handshake()
    p.ping()
    p.send(p.session.seal())
    p.drain(0.5)
    equal(p.try_receive(16), None, "sent to an idle peer:")


@case("t07", "sessions end when the link goes down", waits=True)
def down(h):
    p = h.peer(endpoint=True)
    s = p.handshake()
    p.deliver()
    h.ip("link set wg0 down")
    h.get_text()
    h.up()
    p.drain(0)
    p.send_packet(session=s)
    wait_until("up again", h.responds)
    p.handshake()
    equal(p.deliver(), [], "delivered in a session from before:")


@case("t11", "a handshake completed by the peer stops the daemon's own attempts", waits=True)
def stops_attempts(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(b"x"))
    p.receive_initiation()
    s = p.try_handshake()
    check(s, "no response to the peer's initiation while the daemon's is pending")
    p.send(s.seal())
    equal(p.receive_data(s)[1], wire.padded(p.to_peer(b"x")))
    p.deliver(session=s)
    for _ in range(8):
        m = p.try_receive(1)
        check(m is None or m[0] != wire.INITIATION, "an attempt although there is a session")
        p.send(s.seal())


@case("t04s", "a handshake is given up after twenty attempts and starts again when there is new data",
      waits=True, slow=True)
def gives_up(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(b"old"))
    began = time.monotonic()
    for _ in range(20):
        p.receive_initiation()
    check_elapsed(began, 94.5, 160)
    equal(p.try_receive(12), None, "one attempt too many:")
    h.push(p.to_peer(b"new"))
    s = p.accept_handshake()
    equal(p.receive_data(s), (0, wire.padded(p.to_peer(b"new"))), "expected only the new packet, as the old ones were dropped:")


@case("t09s", "new data keeps handshake attempts going", waits=True, slow=True)
def continues_attempts(h):
    p = h.peer(endpoint=True)
    began, last = time.monotonic(), 0
    while time.monotonic() < began + 125:
        h.push(p.to_peer(b"new"))
        m = p.try_receive(1)
        if m:
            last = time.monotonic() - began
    check(last > 110, "the last attempt was after", last)


@case("t06s", "a session is unusable in both directions after 180 seconds", waits=True, slow=True)
def session_expires(h):
    p = h.peer(endpoint=True)
    s = p.handshake()
    began = time.monotonic()
    p.deliver()
    while time.monotonic() < began + 170:
        p.send_packet()
        time.sleep(1)
        for m in p.drain(0):
            equal(s.open(m)[1], b"", "the responder initiated or sent data:")
    p.deliver()
    time.sleep(max(0, began + 181 - time.monotonic()))
    p.drain(0)
    last = p.send_packet(session=s)
    h.push(p.to_peer(b"late"))
    p.receive_initiation()
    fresh = p.handshake()
    check(last not in p.deliver(session=fresh), "delivered after 180 seconds")


@case("t07s", "an initiator that sends starts a new handshake after 120 seconds", waits=True, slow=True)
def renews(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(b"x"))
    s = p.accept_handshake()
    began = time.monotonic()
    n = 0
    while True:
        h.push(p.to_peer(b"x"))
        p.send(s.seal())
        time.sleep(1)
        kinds = [m[0] for m in p.drain(0)]
        n += kinds.count(wire.DATA)
        if wire.INITIATION in kinds:
            break
        check(time.monotonic() < began + 150, "no new handshake")
    check_elapsed(began, 118, 150)
    check(n > 50, "too little data was sent")


@case("t08s", "an initiator that only receives starts one new handshake after 165 seconds", waits=True, slow=True)
def receiver_renews(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(b"x"))
    s = p.accept_handshake()
    p.receive_data(s)
    began = time.monotonic()
    while time.monotonic() < began + 150:  # received keepalives need no reply
        p.send(s.seal())
        time.sleep(2)
        equal([m[0] for m in p.drain(0) if m[0] != wire.DATA], [], "too early:")
    while True:
        p.send(s.seal())
        m = p.try_receive(1)
        if m and m[0] == wire.INITIATION:
            break
        check(time.monotonic() < began + 178, "no new handshake")
    check_elapsed(began, 163, 178)
