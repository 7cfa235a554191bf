"""Cases of source addresses: which one the daemon sends from when routes and addresses change."""
import wire
from case import case_list
from host import PORT, equal

CASES, case = case_list()
PEERS = 300
USED = "127.0.0.9"  # the address of the daemon that all peers send to


def connect(h, n, to=USED):
    """n new peers with sessions; they send to this address of the daemon."""
    peers = []
    for _ in range(n):
        i = len(h.peers)
        p = h.peer(allowed=[f"10.8.{i >> 8}.{i & 255}/32"])
        p.inner, p.daemon = f"10.8.{i >> 8}.{i & 255}", (to, PORT)
        initiation = p.initiation()
        p.send(initiation.message)
        p.session = initiation.finish(p.receive_type(wire.RESPONSE))
        equal(p.sender[0], to, "the source of a response:")
        p.send_packet()
        peers.append(p)
    peers[-1].deliver()
    return peers


def sources(h, peers):
    """{source address: how many of the peers got their packet from it}."""
    out = {}
    for p in peers:
        p.number += 1
        packet = p.to_peer(p.number.to_bytes(8, "big"))
        h.push(packet)
        while p.receive_data()[1] != wire.padded(packet):
            pass  # a keepalive, sent earlier
        out[p.sender[0]] = out.get(p.sender[0], 0) + 1
    return out


def change(h, *commands):
    h.ip(*commands)
    for _ in range(2):
        h.get_text()  # the daemon has processed the events


@case("s01", "300 peers keep the source address they sent to, whatever unrelated routes, rules and links change")
def unrelated(h):
    peers = connect(h, PEERS)
    equal(sources(h, peers), {USED: PEERS}, "before:")
    for commands in (["route add 203.0.113.0/24 dev lo"], ["rule add from 203.0.113.1 lookup 77"],
                     ["link add d0 type veth peer name d1"], ["link set d0 up", "link set d1 up"], ["link del d0"],
                     [f"route add 198.51.100.{i}/32 dev lo" for i in range(200)], ["route del 203.0.113.0/24 dev lo"]):
        change(h, *commands)
        equal(sources(h, peers), {USED: PEERS}, commands[-1])


@case("s02", "a removed source address is given up by each peer that had it when it is sent to, and by no other")
def removed(h):
    h.ip("address add 198.51.100.9/32 dev lo")
    peers, others = connect(h, 40, "198.51.100.9"), connect(h, 40)
    change(h, "address del 198.51.100.9/32 dev lo")
    equal(sources(h, peers), {"127.0.0.1": 40}, "with the removed address:")
    equal(sources(h, others), {USED: 40}, "with another address:")
    change(h, "address add 198.51.100.9/32 dev lo")
    equal(sources(h, peers), {"127.0.0.1": 40}, "when it is back:")
    for p in peers:
        p.send_packet()
    peers[-1].deliver()
    equal(sources(h, peers), {"198.51.100.9": 40}, "when the peers have sent to it again:")
