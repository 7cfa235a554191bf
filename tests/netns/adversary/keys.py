"""What is left of keys in the daemon's memory when they have had their time."""
import os
import time

import wire
from case import family
from host import check, equal, until

CASES, case = family()


def memory(h):
    """Every readable page of the daemon."""
    out = []
    with open(f"/proc/{h.process.pid}/maps") as maps, open(f"/proc/{h.process.pid}/mem", "rb", 0) as mem:
        for line in maps:
            where, flags = line.split()[:2]
            if "r" not in flags or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in where.split("-"))
            try:
                mem.seek(begin)
                out.append(mem.read(end - begin))
            except OSError:
                continue
    return out


def hits(h, secrets):
    """{name: places} of those that are there, as bytes or as hexadecimal text, whole or by half."""
    pages, out = memory(h), {}
    for name, secret in secrets.items():
        n = 0
        for part in (secret[:16], secret[16:], secret.hex().encode()[:40], secret.hex().encode()[24:]):
            n += sum(page.count(part) for page in pages)
        if n:
            out[name] = n
    return out


def ends(h, what, secrets):
    """The daemon may keep them until its next turn, not for long."""
    until(f"{what}: nothing is left of {', '.join(secrets)}, but {hits(h, secrets)}", lambda: not hits(h, secrets), 5)


def of_session(s):
    return {"its sending key": s.receive_key, "its receiving key": s.send_key}


@case("k01", "session keys are wiped when replaced, when the peer goes, when the link goes down")
def sessions(h):
    psk = os.urandom(32)
    p = h.peer(psk=psk, endpoint=True)
    first = p.shake()
    p.arrives()
    h.push(p.to_us(b"x"))
    p.hears(first)
    equal(len(hits(h, of_session(first))), 2, "keys in use must be found, or this finds nothing:")
    second = p.shake()
    p.arrives()
    third = p.shake()
    p.arrives()
    ends(h, "two handshakes later", of_session(first))
    h.set(f"public_key={p.public.hex()}", "remove=true")
    ends(h, "the peer is removed", {**of_session(second), **of_session(third), "psk": psk})
    p.configure()
    h.get_text()
    fourth = p.shake()
    p.arrives()
    h.ip("link set wg0 down")
    h.get_text()
    ends(h, "link down", of_session(fourth))
    h.up()
    # The psk stays configured, in one form only.
    check(hits(h, {"psk": psk}), "the psk must be found")
    h.set(f"public_key={p.public.hex()}", f"preshared_key={bytes(32).hex()}")
    ends(h, "psk taken away", {"psk": psk})


@case("k02", "the private key, and what was computed of it, when it is replaced")
def identity(h):
    p = h.peer()
    old, shared = h.private, wire.dh(h.private, p.public)
    p.ping()
    s = p.session
    equal(len(hits(h, {"key": old, "shared": shared})), 2, "what is in use must be found:")
    h.get_text()
    h.private = wire.new_private()
    h.public = wire.public(h.private)
    h.set(f"private_key={h.private.hex()}")
    ends(h, "a new private key", {"key": old, "shared": shared})
    p.session = None
    p.ping()
    now = {"key": h.private, "shared": wire.dh(h.private, p.public)}
    h.set(f"private_key={bytes(32).hex()}")
    ends(h, "no private key", now)
    # Refused requests, too.
    secret = wire.new_private()
    for text in (f"private_key={secret.hex()}\nnonsense=1", f"private_key={secret.hex()}x",
                 f"public_key={p.public.hex()}\npreshared_key={secret.hex()}\nprotocol_version=9"):
        check(h.ask(f"set=1\n{text}\n\n") != "errno=0\n\n", "taken:", text)
    h.ask_raw(f"set=1\nprivate_key={secret.hex()}".encode())
    ends(h, "refused", {"secret": secret})
    del s


@case("k03", "ephemeral secrets: keys of handshakes that came to nothing")
def pending(h):
    p = h.peer(endpoint=True)
    h.push(p.to_us(b"x"))
    o = p.initiated()
    _, s = o.answer()
    chain = o.chain
    check(hits(h, {"chain": chain}), "the chaining key of a waiting handshake must be found")
    h.set(f"public_key={p.public.hex()}", "remove=true")
    ends(h, "the peer is removed", {"chain": chain})
    # One we began: what was computed on the way to its answer.
    p.configure()
    i = p.initiation()
    p.send(i.message)
    s = i.finish(p.of_type(wire.RESPONSE))
    p.send(s.seal(wire.padded(p.packet())))
    p.arrives(session=s)
    ends(h, "after the handshake", {"chain": i.chain})


@case("k04s", "540 seconds after the last session began nothing is left of any", waits=True, slow="slowest")
def nine_minutes(h):
    p, idle = h.peer(), h.peer(endpoint=True)
    s = p.shake()
    p.arrives()
    h.push(idle.to_us(b"x"))
    o = idle.initiated()
    response, t = o.answer()
    idle.send(response)
    idle.hears(t)
    secrets = {**of_session(s), "theirs": t.send_key, "theirs too": t.receive_key}
    equal(len(hits(h, secrets)), 4, "keys in use must be found:")
    time.sleep(500)
    check(hits(h, secrets), "gone before their time: this may be right, but is not what is tested")
    time.sleep(41)
    ends(h, "after 541 seconds", secrets)
