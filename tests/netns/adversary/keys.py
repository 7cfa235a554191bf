"""Cases of key erasure: searches the daemon's memory for keys after they expire."""
import os
import time

import wire
from case import case_list
from host import check, equal, wait_until

CASES, case = case_list()


def readable_memory(h):
    """The contents of all readable mappings of the daemon."""
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


def find_secrets(h, secrets):
    """{name: occurrences} of the secrets found, as either half, in binary or hexadecimal."""
    mappings, out = readable_memory(h), {}
    for name, secret in secrets.items():
        n = 0
        for part in (secret[:16], secret[16:], secret.hex().encode()[:40], secret.hex().encode()[24:]):
            n += sum(mapping.count(part) for mapping in mappings)
        if n:
            out[name] = n
    return out


def expect_wiped(h, what, secrets):
    """Waits until the secrets are wiped, which can take until the daemon's next event."""
    wait_until(f"{what}: {', '.join(secrets)} wiped; found {find_secrets(h, secrets)}",
               lambda: not find_secrets(h, secrets), 5)


def session_keys(s):
    return {"its sending key": s.receive_key, "its receiving key": s.send_key}


@case("k01", "session keys are wiped on replacement, on removal of the peer and when the link goes down")
def sessions(h):
    psk = os.urandom(32)
    p = h.peer(psk=psk, endpoint=True)
    first = p.handshake()
    p.deliver()
    h.push(p.to_peer(b"x"))
    p.receive_data(first)
    equal(len(find_secrets(h, session_keys(first))), 2, "keys in use must be found, or the search does not work:")
    second = p.handshake()
    p.deliver()
    third = p.handshake()
    p.deliver()
    expect_wiped(h, "two handshakes later", session_keys(first))
    h.set(f"public_key={p.public.hex()}", "remove=true")
    expect_wiped(h, "the peer is removed", {**session_keys(second), **session_keys(third), "psk": psk})
    p.configure()
    h.get_text()
    fourth = p.handshake()
    p.deliver()
    h.ip("link set wg0 down")
    h.get_text()
    expect_wiped(h, "link down", session_keys(fourth))
    h.up()
    # The preshared key stays configured.
    check(find_secrets(h, {"psk": psk}), "the psk must be found")
    h.set(f"public_key={p.public.hex()}", f"preshared_key={bytes(32).hex()}")
    expect_wiped(h, "psk removed", {"psk": psk})


@case("k02", "the private key and the secrets derived from it are wiped when it is replaced")
def identity(h):
    p = h.peer()
    old, shared = h.private, wire.dh(h.private, p.public)
    p.ping()
    s = p.session
    equal(len(find_secrets(h, {"key": old, "shared": shared})), 2, "what is in use must be found:")
    h.get_text()
    h.private = wire.new_private()
    h.public = wire.public(h.private)
    h.set(f"private_key={h.private.hex()}")
    expect_wiped(h, "a new private key", {"key": old, "shared": shared})
    p.session = None
    p.ping()
    now = {"key": h.private, "shared": wire.dh(h.private, p.public)}
    h.set(f"private_key={bytes(32).hex()}")
    expect_wiped(h, "no private key", now)
    # Keys in rejected requests.
    secret = wire.new_private()
    for text in (f"private_key={secret.hex()}\nnonsense=1", f"private_key={secret.hex()}x",
                 f"public_key={p.public.hex()}\npreshared_key={secret.hex()}\nprotocol_version=9"):
        check(h.request(f"set=1\n{text}\n\n") != "errno=0\n\n", "accepted:", text)
    h.request_raw(f"set=1\nprivate_key={secret.hex()}".encode())
    expect_wiped(h, "rejected requests", {"secret": secret})
    del s


@case("k03", "secrets of incomplete handshakes are wiped")
def incomplete_handshakes(h):
    p = h.peer(endpoint=True)
    h.push(p.to_peer(b"x"))
    o = p.receive_initiation()
    _, s = o.respond()
    chain = o.chain
    check(find_secrets(h, {"chain": chain}), "the chaining key of a pending handshake must be found")
    h.set(f"public_key={p.public.hex()}", "remove=true")
    expect_wiped(h, "the peer is removed", {"chain": chain})
    # A handshake that the peer initiated: the chaining key of its initiation.
    p.configure()
    i = p.initiation()
    p.send(i.message)
    s = i.finish(p.receive_type(wire.RESPONSE))
    p.send(s.seal(wire.padded(p.packet())))
    p.deliver(session=s)
    expect_wiped(h, "after the handshake", {"chain": i.chain})


@case("k04s", "540 seconds after the last session began no key material is left in memory", waits=True, slow="slowest")
def idle_sessions(h):
    p, idle = h.peer(), h.peer(endpoint=True)
    s = p.handshake()
    p.deliver()
    h.push(idle.to_peer(b"x"))
    o = idle.receive_initiation()
    response, t = o.respond()
    idle.send(response)
    idle.receive_data(t)
    secrets = {**session_keys(s), "theirs": t.send_key, "theirs too": t.receive_key}
    equal(len(find_secrets(h, secrets)), 4, "keys in use must be found:")
    time.sleep(500)
    check(find_secrets(h, secrets), "wiped before their time: possibly correct, but then the test checks nothing")
    time.sleep(41)
    expect_wiped(h, "after 541 seconds", secrets)
