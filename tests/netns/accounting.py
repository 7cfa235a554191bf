#!/usr/bin/env python3
"""Traffic whose packets are counted, and whether the counters of two daemons account for all of them.

accounting.py send COUNT ADDRESS [SOURCE]   sends packets into the tunnel; prints their number
accounting.py inject IF ADDRESS INNER SEED  sends packets to INNER, captures their datagrams at IF, and sends replayed,
                                            damaged and malformed ones to ADDRESS; prints the numbers of both
accounting.py check A B OFFERED_A OFFERED_B OTHER_A OTHER_B
    A, B: the statistics as files; OFFERED_X: packets sent into the tunnel at X; OTHER_X: datagrams that did not come
    from the other daemon, less those that reached the host of X but not its sockets"""
import os
import random
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import openmetrics

PORT = 5000


def send(count, address, source=None):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if source:
        s.bind((source, 0))
    for i in range(count):
        s.sendto(b"x" * (i * 37 % 1300), (address, 9))
    return count


def capture(interface, inner):
    """The datagrams of 20 packets, as a device sees them that they leave through."""
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    tap.bind((interface, 3))
    tap.settimeout(60)
    send(20, inner)
    all = []
    while len(all) < 20:
        p, where = tap.recvfrom(65536)
        if where[2] == socket.PACKET_OUTGOING and p[0] == 0x45 and p[9] == 17 and p[22:24] == PORT.to_bytes(2, "big"):
            all += [p[28:]] if p[28] == 4 else []
    return all


def inject(interface, address, inner, seed):
    rng = random.Random(seed)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    all, n = capture(interface, inner), 0

    def damage(p, at):
        return p[:at] + bytes([p[at] ^ (1 + rng.randrange(255))]) + p[at + 1:]

    for p in all:
        for forged in (p, damage(p, 5), damage(p, len(p) - 1), p[:rng.randrange(32)], p[:-1], b"",
                       rng.randbytes(rng.randrange(200)), b"\1\0\0\0" + rng.randbytes(144),
                       b"\2\0\0\0" + rng.randbytes(88), b"\3\0\0\0" + rng.randbytes(60),
                       b"\1\0\0\0" + rng.randbytes(rng.randrange(144)), b"\4\0\0\0" + rng.randbytes(2000)):
            out.sendto(forged, (address, PORT))
            n += 1
    return len(all), n


class Counters:
    def __init__(self, path):
        self.all = openmetrics.parse(open(path).read())

    def sum(self, name, **labels):
        return sum(v for (n, l), v in self.all.items() if n == "wireguardd_" + name and labels.items() <= dict(l).items())

    def drops(self, scope, **labels):
        return self.sum("dropped_packets_total", scope=scope, **labels)

    def messages(self, direction):
        return self.sum("handshake_messages_total", direction=direction) + self.sum("keepalives_total", direction=direction)


def differences(name, here, there, offered, others):
    """What is missing at each step from the tunnel of `there` to that of `here`; `offered` at `there`, `others` at `here`."""
    queue, socket_drops = there.drops("send", reason="tun_queue"), here.drops("receive", reason="socket")
    to_send = there.sum("thread_packets_total", source="tun")
    sent, received = there.sum("sent_datagrams_total"), here.sum("thread_packets_total", source="udp")
    steps = {
        "offered": offered - to_send - queue,
        "to send": to_send + there.messages("sent") - sent - (there.drops("send") - queue),
        "on the way": sent + others - received - socket_drops,
        "received": received - here.sum("written_packets_total") - here.messages("received")
                    - (here.drops("receive") - socket_drops) - here.drops("handshake"),
        "waiting": there.sum("staged_bytes") + there.sum("flow_queue_packets") + here.sum("handshake_queue_messages") + here.sum("control_queue_bytes"),
    }
    return {f"{name}: {step}": n for step, n in steps.items() if n != 0}


def check(a, b, offered_a, offered_b, other_a, other_b):
    a, b = Counters(a), Counters(b)
    lost = differences("a to b", b, a, offered_a, other_b) | differences("b to a", a, b, offered_b, other_a)
    print(lost or "all accounted for")
    return not lost


if __name__ == "__main__":
    verb, *args = sys.argv[1:]
    if verb == "send":
        print(send(int(args[0]), *args[1:]))
    elif verb == "inject":
        print(*inject(*args))
    else:
        sys.exit(not check(*args[:2], *map(int, args[2:])))
