"""The other end of a hand-over (src/daemon/control/takeover.h), which stops at any step.

takeover_peer.py client SOCKET STEP   plays the new process: STEP offer, freeze, state, ready: ends after it;
                                      hang: never says that it is ready, and waits until the other side gives up;
                                      late: says so after that
takeover_peer.py server SOCKET STEP   plays the running one, with another TUN: STEP refuse, version, namespace,
                                      descriptors, header, offer, empty, random, resized, go: what it sends
Prints each word that arrives.
"""
import os
import socket
import struct
import sys

MAGIC, VERSION = 0x5744656461777367, 6


def receive(s, n=4096):
    try:
        data, fds, _, _ = socket.recv_fds(s, n, 64)
    except ConnectionResetError:
        data, fds = b"", []
    print(data[:1].decode("latin1") if len(data) == 1 else len(data), len(fds), flush=True)
    return data, fds


def client(path, step):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(b"takeover=1\n\n")
    receive(s)
    if step == "offer":
        return
    s.sendall(b"f")
    if step == "freeze":
        return
    data, fds = receive(s, 1)
    assert data == b"s" and len(fds) > 1, "no state"
    if step == "state":
        return
    if step in ("hang", "late"):
        receive(s, 1)
    try:
        s.sendall(b"r")
    except BrokenPipeError:
        print("closed")
    if step == "late":
        receive(s, 1)


def tun():
    import fcntl
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", b"wg0", 0x5001))
    return fd


def server(path, step):
    listener = socket.socket(socket.AF_UNIX)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    listener.bind(path)
    listener.listen()
    ns = os.stat("/proc/self/ns/net")
    device = tun()
    print("listening", flush=True)
    s, _ = listener.accept()
    receive(s)
    if step == "refuse":
        s.sendall(b"errno=95\n\n" + bytes(40))
        return
    version = VERSION + (step == "version")
    inode = ns.st_ino + (step == "namespace")
    fds = [] if step == "descriptors" else [device, listener.fileno()]
    socket.send_fds(s, [struct.pack("<QIQQIIBBB", MAGIC, version, ns.st_dev, inode, 0, 0, 10 + (step == "header"), 0, 1)], fds)
    if step in ("version", "namespace", "descriptors"):
        receive(s)
        return
    receive(s, 1)
    if step == "offer":
        return
    memory = os.memfd_create("state", os.MFD_ALLOW_SEALING)
    os.write(memory, bytes(5000) if step == "empty" else struct.pack("<I", 0x57470001) + os.urandom(5000))
    if step != "resized":
        import fcntl
        fcntl.fcntl(memory, 1033, 2 | 4)  # F_ADD_SEALS: F_SEAL_SHRINK, F_SEAL_GROW
    socket.send_fds(s, [b"s"], [memory])
    if step == "go":
        s.sendall(b"g")
    receive(s, 1)


{"client": client, "server": server}[sys.argv[1]](sys.argv[2], sys.argv[3])
