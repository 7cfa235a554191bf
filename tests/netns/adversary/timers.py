"""What the daemon does when time passes. Upper bounds are generous, lower ones are the protocol's."""
import time

import wire
from case import family
from host import LONG, check, equal, until

CASES, case = family()


def since(began, least, most=LONG):
    took = time.monotonic() - began
    check(least <= took <= most, f"after {took:.2f} s, not {least} to {most}")


@case("t01", "ten seconds after data without an answer: an empty message, once; it is not answered itself",
      waits=True)
def passive(h):
    p = h.peer()
    s = p.shake()
    began = time.monotonic()
    p.arrives()
    m = p.receive()
    since(began, 9.9)
    equal((len(m), s.open(m)[1]), (32, b""))
    # Ours deserves none: nor does silence.
    p.send(s.seal())
    equal(p.maybe(13), None, "a keepalive or handshake that nobody needs:")


@case("t02", "data that goes on for longer is told every ten seconds that it arrives", waits=True)
def again(h):
    p = h.peer()
    s = p.shake()
    began, heard = time.monotonic(), []
    while time.monotonic() < began + 32 and len(heard) < 2:
        p.say()
        m = p.maybe(0.5)
        if m:
            equal(s.open(m)[1], b"")
            heard.append(time.monotonic() - began)
    equal(len(heard), 2, heard)
    check(heard[0] >= 9.9 and heard[1] - heard[0] >= 9, heard)


@case("t03", "fifteen seconds after data that nobody answered: a handshake; not when something came back",
      waits=True)
def unheard(h):
    silent, kind = h.peer(endpoint=True), h.peer(endpoint=True)
    for p in (silent, kind):
        h.push(p.to_us(b"x"))
        p.shaken()
        p.hears()
        p.arrives()  # authenticated: nothing is outstanding
        h.push(p.to_us(b"question"))
        p.hears()
    began = time.monotonic()
    kind.send(kind.session.seal())
    o = silent.initiated()
    since(began, 14.5)
    response, s = o.answer()
    silent.send(response)
    silent.hears(s)
    until("all is said", lambda: not kind.all(1))


@case("t04", "tries of a handshake: five seconds apart, each with keys, index and timestamp of its own", waits=True)
def tries(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"x"))
    seen, at = [], []
    for _ in range(4):
        seen.append(p.initiated())
        at.append(time.monotonic())
        h.push(p.to_us(b"more"))  # does not hurry it
    check(at[3] - at[0] >= 14, at)
    check(at[3] - at[0] <= 16.1 + LONG, at)
    for name in ("e", "remote", "timestamp"):
        equal(len({getattr(o, name) for o in seen}), 4, name)
    check(seen[0].timestamp < seen[1].timestamp < seen[2].timestamp < seen[3].timestamp)


@case("t05", "persistent keepalives: at once when switched on, then every second; none when off", waits=True)
def persistent(h):
    p = h.peer(endpoint=True)
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=1")
    s = p.shaken()
    began = time.monotonic()
    for i in range(4):
        m = p.of_type(wire.DATA)
        equal((len(m), s.open(m)), (32, (i, b"")))
    since(began, 2.5)
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=0")
    p.all(0.2)
    equal(p.maybe(3), None, "a keepalive after it was switched off:")
    began = time.monotonic()
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=3600")
    p.hears(s)
    # Down is down.
    h.set(f"public_key={p.public.hex()}", "persistent_keepalive_interval=1")
    h.ip("link set wg0 down")
    h.get_text()
    p.all(0.2)
    equal(p.maybe(2.5), None, "sent while the link is down:")
    h.up()
    p.initiated()


@case("t06", "a peer whom nobody talks to hears nothing", waits=True)
def idle(h):
    p = h.peer(endpoint=True)
    p.shake()
    p.ping()
    p.send(p.session.seal())
    p.all(0.5)
    equal(p.maybe(16), None, "said to the idle:")


@case("t07", "a session ends when the link goes down", waits=True)
def down(h):
    p = h.peer(endpoint=True)
    s = p.shake()
    p.arrives()
    h.ip("link set wg0 down")
    h.get_text()
    h.up()
    p.all(0)
    p.say(session=s)
    until("up again", h.answers)
    p.shake()
    equal(p.arrives(), [], "delivered by a session from before:")


@case("t11", "a session that we began ends the daemon's own tries", waits=True)
def settled(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"x"))
    p.initiated()
    s = p.try_shake()
    check(s, "our initiation was not answered while the daemon's waits")
    p.send(s.seal())
    equal(p.hears(s)[1], wire.padded(p.to_us(b"x")))
    p.arrives(session=s)
    for _ in range(8):
        m = p.maybe(1)
        check(m is None or m[0] != wire.INITIATION, "a try although there is a session")
        p.send(s.seal())


@case("t04s", "twenty tries, then silence until there is something new to say", waits=True, slow=True)
def gives_up(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"old"))
    began = time.monotonic()
    for _ in range(20):
        p.initiated()
    since(began, 94.5, 160)
    equal(p.maybe(12), None, "a try too many:")
    h.push(p.to_us(b"new"))
    s = p.shaken()
    equal(p.hears(s), (0, wire.padded(p.to_us(b"new"))), "the packets from before were given up:")


@case("t09s", "while there is always something new to say the tries go on", waits=True, slow=True)
def insists(h):
    p = h.peer(endpoint=True)
    began, last = time.monotonic(), 0
    while time.monotonic() < began + 125:
        h.push(p.to_us(b"new"))
        m = p.maybe(1)
        if m:
            last = time.monotonic() - began
    check(last > 110, "the last try was after", last)


@case("t06s", "after 180 seconds a session is dead in both directions", waits=True, slow=True)
def dead(h):
    p = h.peer(endpoint=True)
    s = p.shake()
    began = time.monotonic()
    p.arrives()
    while time.monotonic() < began + 170:
        p.say()
        time.sleep(1)
        for m in p.all(0):
            equal(s.open(m)[1], b"", "the responder began a handshake, or talked:")
    p.arrives()
    time.sleep(max(0, began + 181 - time.monotonic()))
    p.all(0)
    last = p.say(session=s)
    h.push(p.to_us(b"late"))
    p.initiated()
    fresh = p.shake()
    check(last not in p.arrives(session=fresh), "delivered after 180 seconds")
    # It was not ours to answer: ours overtook it.


@case("t07s", "an initiator renews after 120 seconds when it sends", waits=True, slow=True)
def renews(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"x"))
    s = p.shaken()
    began = time.monotonic()
    n = 0
    while True:
        h.push(p.to_us(b"x"))
        p.send(s.seal())
        time.sleep(1)
        kinds = [m[0] for m in p.all(0)]
        n += kinds.count(wire.DATA)
        if wire.INITIATION in kinds:
            break
        check(time.monotonic() < began + 150, "no new handshake")
    since(began, 118, 150)
    check(n > 50, "little was sent")


@case("t08s", "an initiator who only listens renews after 165 seconds, once", waits=True, slow=True)
def last_minute(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"x"))
    s = p.shaken()
    p.hears(s)
    began = time.monotonic()
    while time.monotonic() < began + 150:  # nothing of it needs sending
        p.send(s.seal())
        time.sleep(2)
        equal([m[0] for m in p.all(0) if m[0] != wire.DATA], [], "too early:")
    while True:
        p.send(s.seal())
        m = p.maybe(1)
        if m and m[0] == wire.INITIATION:
            break
        check(time.monotonic() < began + 178, "no new handshake")
    since(began, 163, 178)
