"""Cases of virtual machines that are copied: the kernel's message about it."""
import socket
import struct
import time

import wire
from case import case_list
from host import QUIET_S, check, equal

CASES, case = case_list()
NETLINK_KOBJECT_UEVENT, KERNEL_GROUP = 15, 1
EVENT = b"\0".join((b"change@/devices/platform/VMGENCTR:00", b"ACTION=change", b"SUBSYSTEM=platform", b"NEW_VMGENID=1", b""))


def kernel_message(message):
    """Lets the kernel send a uevent in this network namespace, which it permits to its owner (Linux 4.18)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as s:
        s.sendto(struct.pack("=IHHII", 16 + len(message), 0x10, 1, 1, 0) + message, (0, 0))


def message_of_a_program(message):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as s:
        s.bind((0, 0))
        s.sendto(message, (0, KERNEL_GROUP))


def processed(h):
    """The daemon has processed the message."""
    for _ in range(2):
        h.get_text()


@case("v01", "after the kernel's message that the machine was copied, the daemon sends only with new sessions")
def copied(h):
    peers = [h.peer(endpoint=True) for _ in range(20)]
    for p in peers:
        p.handshake()
        p.deliver()
        h.push(p.to_peer(b"before"))
        p.receive_data()
    kernel_message(EVENT)
    processed(h)
    for p in peers:
        p.drain(0)  # keepalives
        old = p.session
        p.deliver(session=old)  # receiving goes on
        h.push(p.to_peer(b"after"))
        seen = []
        initiation = wire.ReceivedInitiation(p.private, p.receive_type(wire.INITIATION, seen=seen), p.psk)
        equal([m for m in seen if m[0] == wire.DATA], [], "data with the old session:")
        response, p.session = initiation.respond()
        p.send(response)
        equal(p.receive_data(), (0, wire.padded(p.to_peer(b"after"))))


@case("v02", "other messages about devices, and those of programs, do not end sessions")
def others(h):
    p = h.peer(endpoint=True)
    p.handshake()
    p.deliver()
    for _ in range(300):
        kernel_message(b"change@/devices/x\0ACTION=change\0SYNTH_ARG_NEW_VMGENID=1\0")
    kernel_message(b"add@/devices/x\0NEW_VMGENID=1\0")
    message_of_a_program(EVENT)
    processed(h)
    time.sleep(QUIET_S)
    h.push(p.to_peer(b"x"))
    seen = []
    check(p.session.open(p.receive_type(wire.DATA, seen=seen)), "no data with the session")
    equal([m for m in seen if m[0] == wire.INITIATION], [], "a new handshake:")
