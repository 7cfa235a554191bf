"""Cases under load: cookies, mac2 and rate limits. Bursts of initiations with a valid mac1 cause the load."""
import os
import socket
import struct
import time

import wire
from case import case_list
from host import PORT, TIMEOUT_S, check, equal

CASES, case = case_list()


class Burst:
    """Prepared initiations of unknown peers, and the replies to them."""

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
            check(index < len(self.messages), "a reply to an unknown index")
            wire.read_cookie(m, self.messages[index], index, self.public)


def probe_under_load(burst, what, probe):
    """Sends bursts and calls the probe until it returns a result, which it does only under load."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        burst.send()
        result = probe()
        if result is not None:
            return result
    check(False, "never under load:", what)


def obtain_cookie(p, burst, **more):
    """Sends an initiation of p without a valid mac2 until a cookie reply arrives; returns the cookie."""
    def probe():
        i = p.initiation(**more)
        p.send(i.message)
        end = time.monotonic() + 1
        while (m := p.try_receive(max(0.0, end - time.monotonic()))) is not None:
            if m[0] == wire.COOKIE and m[4:8] == i.message[4:8]:
                return wire.read_cookie(m, i.message, i.index, p.host.public)
            p.accepted = True  # not under load yet
        return None
    return probe_under_load(burst, "a cookie", probe)


@case("c01", "under load initiations are answered with cookie replies, which are never larger than the initiation")
def cookies(h):
    p, burst = h.peer(), Burst(h)
    first = obtain_cookie(p, burst)
    second = obtain_cookie(p, burst)
    equal(first, second, "different cookies for one address:")
    p6 = h.peer(address="fd77::2")
    check(obtain_cookie(p6, burst) != first, "the same cookie for different addresses")
    time.sleep(0.5)
    burst.read()
    check(burst.answers <= burst.sent, "more replies than initiations")
    check(p.accepted or "endpoint" not in p.state(), "a rejected initiation changed the endpoint")


@case("c02", "under load an initiation with a valid mac2 is accepted; without load mac2 is not required")
def mac2_under_load(h):
    for address in ("127.0.0.1", "fd77::2"):
        p, bare, burst = h.peer(address=address), h.peer(), Burst(h)
        cookie = obtain_cookie(p, burst)

        def probe():
            i, b = p.initiation(cookie=cookie), bare.initiation()
            p.send(i.message)
            bare.send(b.message)
            m, refused = p.try_receive(1), bare.try_receive(1)
            if m is None or refused is None or refused[0] != wire.COOKIE:
                p.drain(0.05), bare.drain(0.05)
                return None
            equal(m[0], wire.RESPONSE, "type of the reply to an initiation with mac2:")
            return i.finish(m)
        s = probe_under_load(burst, "a response to an initiation with mac2", probe)
        p.send(s.seal())
        p.deliver(session=s)
        end = time.monotonic() + TIMEOUT_S
        while True:
            check(time.monotonic() < end, "still under load")
            time.sleep(1.2)
            bare.drain(0)
            i = bare.initiation()
            bare.send(i.message)
            m = bare.try_receive(2)
            if m and m[0] == wire.RESPONSE:
                break


@case("c04", "under load handshakes are rate limited per IPv4 address and IPv6 /64; other sources are not affected")
def limited(h):
    burst = Burst(h)
    for first, second in (("127.0.0.20", None), ("fd77::2", "fd77::3")):
        peers = [h.peer(address=first) for _ in range(20)]
        groups = [(peers, first)]
        if second:
            more = [h.peer(address=second) for _ in range(20)]
            groups.append((more, second))
        other = h.peer(address="127.0.0.21" if first < "a" else "127.0.0.22")
        cookie_of = {p: obtain_cookie(p, burst) for g, _ in groups for p in g[:1]}
        mine = obtain_cookie(other, burst)
        sent = []
        for g, _ in groups:
            for p in g:  # one socket for the whole group, as a cookie is valid for one address and port
                p.udp, p.daemon = g[0].udp, g[0].daemon
                sent.append((p, p.initiation(cookie=cookie_of[g[0]])))
        for p in [g[0] for g, _ in groups] + [other]:
            p.drain(0.1)
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
            while (m := g[0].try_receive(1.5)) is not None:
                answers += m[0] == wire.RESPONSE
                end = time.monotonic()
        took = end - began
        m, refused = other.try_receive(2), bare.try_receive(2)
        if refused is None or refused[0] != wire.COOKIE:
            print("load ended during the measurement: no result")
            continue
        check(answers <= 6 + 20 * took, answers, "responses within", took, "seconds")
        check(answers >= 1, "no response at all")
        check(m and m[0] == wire.RESPONSE, "another address was affected")
        print(first, answers, "responses in", took)


@case("c05", "a cookie is valid for one source address and port")
def bound_to_source(h):
    p, burst = h.peer(), Burst(h)
    cookie = obtain_cookie(p, burst)
    home = p.udp
    for address in (p.address, "127.0.0.40", "fd77::3"):
        p.move(address)
        check(obtain_cookie(p, burst, cookie=cookie) != cookie, "the same cookie for another address or port")
    p.move("127.0.0.1")
    p.udp = home
    # A cookie with one wrong bit is invalid.
    equal(obtain_cookie(p, burst, cookie=bytes([cookie[0] ^ 1]) + cookie[1:]), cookie)


@case("c06", "under load a message with a wrong mac1 gets no reply, not even a cookie")
def wrong_mac1(h):
    p, marker, burst = h.peer(), h.peer(), Burst(h)
    m = p.initiation().message
    for at in range(4, 132):
        p.send(m[:at] + bytes([m[at] ^ 0x10]) + m[at + 1:])
    obtain_cookie(marker, burst)
    for at in range(4, 132):
        p.send(m[:at] + bytes([m[at] ^ 0x10]) + m[at + 1:])
    for n in (31, 64, 91, 92, 93, 147, 149):
        p.send(m[:n].ljust(n, b"\0"))
    obtain_cookie(marker, burst)
    equal(p.try_receive(), None, "a reply:")


@case("c07", "under load a response also needs mac2")
def response_under_load(h):
    p, burst = h.peer(endpoint=True), Burst(h)
    h.push(p.to_peer(b"x"))
    state = {"o": p.receive_initiation()}

    def newest():
        for m in p.drain(0):
            if m[0] == wire.INITIATION:
                state["o"] = wire.ReceivedInitiation(p.private, m)

    def cookie():
        newest()
        m, _ = state["o"].respond(psk=bytes(range(32)), index=7)  # not a valid response
        p.send(m)
        end = time.monotonic() + 1
        while (got := p.try_receive(max(0.0, end - time.monotonic()))) is not None:
            if got[0] == wire.COOKIE:
                return wire.read_cookie(got, m, 7, h.public)
            if got[0] == wire.INITIATION:
                state["o"] = wire.ReceivedInitiation(p.private, got)
        return None
    got = probe_under_load(burst, "a cookie for a response", cookie)

    def finish():
        newest()
        m, s = state["o"].respond(cookie=got)
        p.send(m)
        answer = p.try_receive(1)
        if answer is None or answer[0] != wire.DATA:
            return None
        return s.open(answer)
    equal(probe_under_load(burst, "a response with mac2", finish)[1], wire.padded(p.to_peer(b"x")))


@case("c09", "established sessions keep working under load")
def sessions(h):
    p, burst = h.peer(), Burst(h)
    p.handshake()
    for _ in range(10):
        burst.send()
        for i in range(5):
            p.deliver()
            h.push(p.to_peer(bytes([i])))
            equal(p.receive_data()[1], wire.padded(p.to_peer(bytes([i]))))


@case("c10", "after a cookie reply to a response the next response carries mac2")
def for_response(h):
    p = h.peer()
    i = p.initiation()
    p.send(i.message)
    m = p.receive_type(wire.RESPONSE)
    remote, cookie = struct.unpack("<I", m[4:8])[0], os.urandom(16)
    wire_reply = struct.pack("<II", 3, remote) + bytes(24) + wire.xaead(
        wire.hash_(b"cookie--", p.public), bytes(24), True, cookie, m[60:76])
    p.send(wire_reply)
    p.send(wire_reply)
    time.sleep(0.05)
    i = p.initiation()
    p.send(i.message)
    m = p.receive_type(wire.RESPONSE)
    s = i.finish(m)
    equal(m[76:], wire.mac(cookie, m[:76]), "mac2:")
    p.deliver(session=s)


@case("c11s", "a received cookie is used for two minutes and no longer", waits=True, slow=True)
def received_cookie_expires(h):
    p, cookie = h.peer(endpoint=True, keepalive=1), os.urandom(16)
    p.send(p.receive_initiation().cookie_reply(p.private, cookie))
    began, used = time.monotonic(), 0
    while time.monotonic() < began + 126:
        o = p.receive_initiation()
        took = time.monotonic() - began
        if o.mac2 == bytes(16):
            check(took > 110, "not used after", took)
        else:
            check(took < 121, "used after", took)
            equal(o.mac2, wire.mac(cookie, o.message[:132]))
            used += 1
    check(used >= 15, used, "times used")


@case("c05s", "a cookie older than two minutes is rejected", waits=True, slow=True)
def sent_cookie_expires(h):
    p, burst = h.peer(), Burst(h)
    cookie = obtain_cookie(p, burst)
    time.sleep(121)
    check(obtain_cookie(p, burst, cookie=cookie) != cookie, "the same secret after two minutes")
