"""Under load: cookies, mac2, and who still gets in. Load is made by bursts of initiations with a right mac1."""
import os
import socket
import struct
import time

import wire
from case import family
from host import LONG, PORT, check, equal

CASES, case = family()


class Burst:
    """Strangers' initiations, ready made, and the answers to them."""

    def __init__(self, h, n=700):
        self.public = h.public
        self.messages = [wire.macs(struct.pack("<II", 1, i) + os.urandom(108), h.public) for i in range(n)]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.bind(("127.0.0.77", 0))
        self.answers = self.sent = 0

    def send(self):
        for m in self.messages:
            self.udp.sendto(m, ("127.0.0.1", PORT))
        self.sent += len(self.messages)
        self.read()

    def read(self):
        while True:
            try:
                m = self.udp.recv(2000, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            self.answers += 1
            index = struct.unpack("<I", m[4:8])[0]
            check(index < len(self.messages), "an answer to nobody")
            wire.read_cookie(m, self.messages[index], index, self.public)


def loaded(burst, what, probe):
    """Bursts and the probe until it says something else than None: it saw that there was load."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        burst.send()
        result = probe()
        if result is not None:
            return result
    check(False, "never under load:", what)


def refusal(p, burst, **more):
    """A cookie for p, which sends an initiation without mac2."""
    def probe():
        i = p.initiation(**more)
        p.send(i.message)
        end = time.monotonic() + 1
        while (m := p.maybe(max(0.0, end - time.monotonic()))) is not None:
            if m[0] == wire.COOKIE and m[4:8] == i.message[4:8]:
                return wire.read_cookie(m, i.message, i.index, p.host.public)
            p.taken = True  # there was no load yet
        return None
    return loaded(burst, "a cookie", probe)


@case("c01", "under load initiations are answered by cookies, never by anything larger than they are")
def cookies(h):
    p, burst = h.peer(), Burst(h)
    first = refusal(p, burst)
    second = refusal(p, burst)
    equal(first, second, "two cookies for one address:")
    p6 = h.peer(address="fd77::2")
    check(refusal(p6, burst) != first, "one cookie for all")
    time.sleep(0.5)
    burst.read()
    check(burst.answers <= burst.sent, "more answers than questions")
    check(p.taken or "endpoint" not in p.state(), "an endpoint was learned of what was refused")


@case("c02", "a right mac2 opens the door under load; without load nobody needs one")
def opens(h):
    for address in ("127.0.0.1", "fd77::2"):
        p, bare, burst = h.peer(address=address), h.peer(), Burst(h)
        cookie = refusal(p, burst)

        def probe():
            i, b = p.initiation(cookie=cookie), bare.initiation()
            p.send(i.message)
            bare.send(b.message)
            m, refused = p.maybe(1), bare.maybe(1)
            if m is None or refused is None or refused[0] != wire.COOKIE:
                p.all(0.05), bare.all(0.05)
                return None
            equal(m[0], wire.RESPONSE, "to an initiation with mac2 came type")
            return i.finish(m)
        s = loaded(burst, "an answer to mac2", probe)
        p.send(s.seal())
        p.arrives(session=s)
        end = time.monotonic() + LONG
        while True:
            check(time.monotonic() < end, "under load for ever")
            time.sleep(1.2)
            bare.all(0)
            i = bare.initiation()
            bare.send(i.message)
            m = bare.maybe(2)
            if m and m[0] == wire.RESPONSE:
                break


@case("c04", "so many handshakes per address (IPv6: per /64) under load, and others are not touched by it")
def limited(h):
    burst = Burst(h)
    for first, second in (("127.0.0.20", None), ("fd77::2", "fd77::3")):
        peers = [h.peer(address=first) for _ in range(20)]
        groups = [(peers, first)]
        if second:
            more = [h.peer(address=second) for _ in range(20)]
            groups.append((more, second))
        other = h.peer(address="127.0.0.21" if first < "a" else "127.0.0.22")
        cookie_of = {p: refusal(p, burst) for g, _ in groups for p in g[:1]}
        mine = refusal(other, burst)
        sent = []
        for g, _ in groups:
            for p in g:  # one socket for the whole group: a cookie belongs to address and port
                p.udp, p.daemon = g[0].udp, g[0].daemon
                sent.append((p, p.initiation(cookie=cookie_of[g[0]])))
        for p in [g[0] for g, _ in groups] + [other]:
            p.all(0.1)
        burst.send()
        last = other.initiation(cookie=mine)
        began = time.monotonic()
        for p, i in sent:
            p.send(i.message)
        other.send(last.message)
        bare = h.peer(address="127.0.0.30")
        bare.send(bare.initiation().message)
        answers, end = 0, time.monotonic()
        for g, _ in groups:
            while (m := g[0].maybe(1.5)) is not None:
                answers += m[0] == wire.RESPONSE
                end = time.monotonic()
        took = end - began
        m, refused = other.maybe(2), bare.maybe(2)
        if refused is None or refused[0] != wire.COOKIE:
            print("load was over before the end; nothing to see")
            continue
        check(answers <= 6 + 20 * took, answers, "answers within", took, "seconds")
        check(answers >= 1, "none at all")
        check(m and m[0] == wire.RESPONSE, "another address pays for it")
        print(first, answers, "answers in", took)


@case("c05", "a cookie is good for one address and one port")
def bound(h):
    p, burst = h.peer(), Burst(h)
    cookie = refusal(p, burst)
    home = p.udp
    for address in (p.address, "127.0.0.40", "fd77::3"):
        p.move(address)
        check(refusal(p, burst, cookie=cookie) != cookie, "the same cookie elsewhere")
    p.move("127.0.0.1")
    p.udp = home
    # One bit of it wrong is no cookie either.
    equal(refusal(p, burst, cookie=bytes([cookie[0] ^ 1]) + cookie[1:]), cookie)


@case("c06", "under load a wrong mac1 has no answer, not even a cookie")
def silent(h):
    p, marker, burst = h.peer(), h.peer(), Burst(h)
    m = p.initiation().message
    for at in range(4, 132):
        p.send(m[:at] + bytes([m[at] ^ 0x10]) + m[at + 1:])
    refusal(marker, burst)
    for at in range(4, 132):
        p.send(m[:at] + bytes([m[at] ^ 0x10]) + m[at + 1:])
    for n in (31, 64, 91, 92, 93, 147, 149):
        p.send(m[:n].ljust(n, b"\0"))
    refusal(marker, burst)
    equal(p.maybe(), None, "an answer:")


@case("c07", "a response needs a cookie under load, too")
def response(h):
    p, burst = h.peer(endpoint=True), Burst(h)
    h.push(p.to_us(b"x"))
    state = {"o": p.initiated()}

    def newest():
        for m in p.all(0):
            if m[0] == wire.INITIATION:
                state["o"] = wire.Opened(p.private, m)

    def cookie():
        newest()
        m, _ = state["o"].answer(psk=bytes(range(32)), index=7)  # not one that could be taken
        p.send(m)
        end = time.monotonic() + 1
        while (got := p.maybe(max(0.0, end - time.monotonic()))) is not None:
            if got[0] == wire.COOKIE:
                return wire.read_cookie(got, m, 7, h.public)
            if got[0] == wire.INITIATION:
                state["o"] = wire.Opened(p.private, got)
        return None
    got = loaded(burst, "a cookie for a response", cookie)

    def finish():
        newest()
        m, s = state["o"].answer(cookie=got)
        p.send(m)
        answer = p.maybe(1)
        if answer is None or answer[0] != wire.DATA:
            return None
        return s.open(answer)
    equal(loaded(burst, "a response with mac2", finish)[1], wire.padded(p.to_us(b"x")))


@case("c09", "sessions go on under load")
def sessions(h):
    p, burst = h.peer(), Burst(h)
    p.shake()
    for _ in range(10):
        burst.send()
        for i in range(5):
            p.arrives()
            h.push(p.to_us(bytes([i])))
            equal(p.hears()[1], wire.padded(p.to_us(bytes([i]))))


@case("c10", "a cookie for a response: the next response carries mac2")
def for_response(h):
    p = h.peer()
    i = p.initiation()
    p.send(i.message)
    m = p.of_type(wire.RESPONSE)
    remote, cookie = struct.unpack("<I", m[4:8])[0], os.urandom(16)
    wire_reply = struct.pack("<II", 3, remote) + bytes(24) + wire.xaead(
        wire.hash_(b"cookie--", p.public), bytes(24), True, cookie, m[60:76])
    p.send(wire_reply)
    p.send(wire_reply)
    time.sleep(0.05)
    i = p.initiation()
    p.send(i.message)
    m = p.of_type(wire.RESPONSE)
    s = i.finish(m)
    equal(m[76:], wire.mac(cookie, m[:76]), "mac2:")
    p.arrives(session=s)


@case("c11s", "a cookie is used for two minutes and no longer", waits=True, slow=True)
def forgotten(h):
    p, cookie = h.peer(endpoint=True, keepalive=1), os.urandom(16)
    p.send(p.initiated().refuse(p.private, cookie))
    began, used = time.monotonic(), 0
    while time.monotonic() < began + 126:
        o = p.initiated()
        took = time.monotonic() - began
        if o.mac2 == bytes(16):
            check(took > 110, "not used after", took)
        else:
            check(took < 121, "used after", took)
            equal(o.mac2, wire.mac(cookie, o.message[:132]))
            used += 1
    check(used >= 15, used, "times used")


@case("c05s", "a cookie of two minutes ago is refused", waits=True, slow=True)
def expires(h):
    p, burst = h.peer(), Burst(h)
    cookie = refusal(p, burst)
    time.sleep(121)
    check(refusal(p, burst, cookie=cookie) != cookie, "the same secret after two minutes")
