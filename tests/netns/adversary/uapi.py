"""Cases of the UAPI socket: its file and permissions, invalid requests, hostile clients."""
import os
import random
import socket
import stat
import subprocess
import time

import host
import wire
from case import case_list
from host import TIMEOUT_S, check, equal, wait_until

CASES, case = case_list()
SOCKET_FOLDER = "/run/wireguard"


@case("u01", "the socket is accessible to root only, and is removed when the daemon ends")
def modes(h):
    equal(stat.S_IMODE(os.stat(SOCKET_FOLDER).st_mode) & 0o022, 0, "group and other write permission of the folder:")
    entry = os.lstat(f"{SOCKET_FOLDER}/wg0.sock")
    check(stat.S_ISSOCK(entry.st_mode), "no socket")
    equal((stat.S_IMODE(entry.st_mode) & 0o077, entry.st_uid), (0, 0), "mode and owner of the socket:")
    os.chmod(SOCKET_FOLDER, 0o755)  # the permissions of the socket must suffice
    pid = os.fork()
    if pid == 0:
        try:
            os.setgid(65534)
            os.setgroups([]) if os.geteuid() == 0 else None
            os.setuid(65534)
            h.connect()
        except PermissionError:
            os._exit(0)
        except BaseException as e:
            print(repr(e), flush=True)
        os._exit(1)
    equal(os.waitpid(pid, 0)[1], 0, "exit status of the unprivileged client:")
    # The daemon checks the client's credentials even if the socket's mode allows access.
    os.chmod(f"{SOCKET_FOLDER}/wg0.sock", 0o666)
    pid = os.fork()
    if pid == 0:
        os.setgid(65534)
        os.setuid(65534)
        os._exit(0 if h.request_raw(b"get=1\n\n") == b"" else 1)
    equal(os.waitpid(pid, 0)[1], 0, "exit status of the second unprivileged client:")
    with open("/proc/net/unix") as f:
        check("@" not in "".join(line for line in f if "wireguard" in line), "an abstract socket")
    h.process.terminate()
    h.process.wait()
    check(not os.path.lexists(f"{SOCKET_FOLDER}/wg0.sock"), "the socket is left behind")
    h.start()


def start_daemon(name, seconds=TIMEOUT_S):
    """The exit code of a daemon, or None if it starts and responds."""
    p = subprocess.Popen([host.DAEMON, "-f", name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, preexec_fn=host.die_with_parent)
    end = time.monotonic() + seconds
    while p.poll() is None and time.monotonic() < end:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            try:
                s.connect(f"{SOCKET_FOLDER}/{name}.sock")
                s.sendall(b"get=1\n\n")
                if b"errno=0" in s.recv(1000):
                    p.terminate()
                    p.wait()
                    return None
            except OSError:
                time.sleep(0.02)
    if p.poll() is None:
        p.kill()
    p.wait()
    return p.returncode


@case("u02", "a stale socket is replaced at start; any other file at its path is left untouched")
def existing_files(h):
    victim = "/run/victim"
    with open(victim, "w") as f:
        f.write("precious")
    path = f"{SOCKET_FOLDER}/wg1.sock"

    def expect_untouched(make, test):
        make()
        code = start_daemon("wg1", 20)
        check(code != 0, "exit code 0 without a response")
        if code is not None:
            check(code > 0, "killed by signal", -code)
            check(test(), "the file was removed although the daemon did not start")
        check(open(victim).read() == "precious", "wrote through a link")
        check(not os.path.exists("/sys/class/net/wg1"), "an interface is left behind")
        try:
            os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        except FileNotFoundError:
            pass
    expect_untouched(lambda: os.symlink(victim, path), lambda: os.path.islink(path))
    expect_untouched(lambda: os.symlink("/run/nowhere", path), lambda: os.path.islink(path))
    check(not os.path.lexists("/run/nowhere"), "created a socket through a symbolic link")
    expect_untouched(lambda: os.mkfifo(path), lambda: stat.S_ISFIFO(os.lstat(path).st_mode))
    expect_untouched(lambda: os.mkdir(path), lambda: os.path.isdir(path))
    expect_untouched(lambda: os.link(victim, path), lambda: os.path.isfile(path))
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    equal(start_daemon("wg1"), None, "start with a stale socket:")
    live = socket.socket(socket.AF_UNIX)
    live.bind(path)
    live.listen()
    code = subprocess.run([host.DAEMON, "-f", "wg1"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=TIMEOUT_S).returncode
    check(code > 0 and os.path.lexists(path), "removed a socket in use, exit code", code)
    check(h.responds(), "the first daemon does not respond")


def random_request(seed, keys):
    if seed.random() < 0.3:
        return "get=1\n\n", False
    lines = ["set=1"]
    if seed.random() < 0.1:
        lines.append(f"private_key={seed.randbytes(32).hex()}")
    if seed.random() < 0.1:
        lines.append(f"fwmark={seed.randrange(5)}")
    for _ in range(seed.randrange(3)):
        lines.append(f"public_key={seed.choice(keys)}")
        lines += seed.sample(["remove=true", "replace_allowed_ips=true", f"preshared_key={seed.randbytes(32).hex()}",
                              f"endpoint=127.0.0.1:{seed.randrange(1, 65536)}", "persistent_keepalive_interval=0",
                              f"allowed_ip=10.{seed.randrange(90, 99)}.0.0/16", "allowed_ip=fd99::/64",
                              "update_only=true"][1 if seed.random() < 0.7 else 0:], seed.randrange(4))
    if seed.random() < 0.1:
        lines.append(seed.choice(["nonsense=1", "allowed_ip=300.1.1.1/8", "endpoint=:0", "no equal sign"]))
    return "\n".join(lines) + "\n\n", True


def client(number, keys, n):
    seed = random.Random(number)
    s = host.Host.connect()
    for _ in range(n):
        text, is_set = random_request(seed, keys)
        s.sendall(text.encode())
        answer = host.Host.read_reply(s)
        if not is_set:
            check(answer.endswith("errno=0\n\n"), answer)
        else:
            check(answer.startswith("errno=") and answer.count("\n") == 2, answer)
            if answer != "errno=0\n\n":  # the daemon may close the connection after an error
                s.close()
                s = host.Host.connect()


@case("u03", "eight clients send random requests under traffic, including changes of keys and peers")
def random_clients(h):
    p = h.peer()
    p.handshake()
    keys = [wire.public(wire.new_private()).hex() for _ in range(20)] + [wire.public(bytes([i]) * 32).hex()
                                                                       for i in range(1, 5)]
    children = []
    for number in range(8):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                client(number, keys, 250)
                code = 0
            except BaseException as e:
                print("client", number, repr(e), flush=True)
            os._exit(code)
        children.append(pid)
    left = set(children)
    while left:
        p.send_packet()
        h.push(p.to_peer(b"x"))
        p.drain(0)
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in left:
            left.discard(pid)
            equal(status, 0, "a client")
        time.sleep(0.001)
    h.set("replace_peers=true", f"private_key={h.private.hex()}", "fwmark=0")
    h.check_alive()


def errno_of(answer):
    check(answer.endswith("\n\n"), "unterminated reply:", repr(answer[-100:]))
    return int(answer.rstrip("\n").rpartition("errno=")[2])


@case("u04", "invalid requests change nothing, and replies contain no secrets")
def invalid_requests(h):
    p = h.peer()
    p.ping()
    before = h.state()
    secret, key = wire.new_private().hex(), wire.public(wire.new_private()).hex()
    good = f"public_key={key}\nallowed_ip=10.80.0.0/16\n"
    bad = [
        f"private_key={secret[:-1]}", f"private_key={secret}0", f"private_key={secret[:-1]}g", "private_key=",
        f"private_key= {secret}", f"private_key={secret} ", f"private_key=0x{secret}", "listen_port=65536",
        "listen_port=-1", "listen_port=", "listen_port=1x", "listen_port= 1", "listen_port=+1", "fwmark=4294967296",
        "fwmark=-1", "replace_peers=false", "replace_peers=1", "nonsense=1", "=", "=1", "listen_port", " ",
        "LISTEN_PORT=1", "get=1", "errno=0", "rx_bytes=1", "public_key=00", f"public_key={key[:-2]}",
        "allowed_ip=10.0.0.0/8",
        good + "allowed_ip=10.0.0.0/33", good + "allowed_ip=10.0.0/8", good + "allowed_ip=::/129",
        good + "allowed_ip=10.0.0.0/", good + "allowed_ip=10.0.0.0/+8", good + "allowed_ip=host/8",
        good + "endpoint=host:1", good + "endpoint=1.2.3.4", good + "endpoint=1.2.3.4:65536",
        good + "endpoint=[::1:1", good + "endpoint=::1", good + "endpoint=[1.2.3.4]:5:",
        good + f"preshared_key={secret[1:]}", good + "persistent_keepalive_interval=65536",
        good + "protocol_version=2", good + "protocol_version=0", good + "remove=false", good + "listen_port=x",
        good + "allowed_ip=10.1.0.0/16\0", good + "\0", "listen_port=1\0", "\0listen_port=1", "listen_port=5001\r",
    ]
    for text in bad:
        answer = h.request(f"set=1\n{text}\n\n")
        check(errno_of(answer) < 0, text, "gave", answer)
        check(secret[8:40] not in answer and answer.count("\n") == 2, "more than an errno:", answer)
    for text in (b"\n", b"\n\n", b"get=2\n\n", b"set=2\n\n", b"get\n\n", b"GET=1\n\n", b"\0\0\n\n", b"\xff" * 100 + b"\n\n"):
        answer = h.request_raw(text)
        check(b"private_key" not in answer, text, answer)
    now = h.state()
    for state in (before, now):
        for here in state.values():
            for counter in ("rx_bytes", "tx_bytes"):
                here.pop(counter, None)
    equal(now, before, "changed by invalid requests:")
    p.ping()


@case("u05", "huge lines, endless requests, and clients that stop midway or never read")
def hostile(h):
    h.check_alive()
    before = h.rss()
    for text in (b"set=1\nprivate_key=" + b"0" * (1 << 22), b"x" * (1 << 22), b"set=1\n" + b"y=" + b"z" * (1 << 22)
                 + b"\n\n", b"\n" * (1 << 16), b"set=1\n" + b"fwmark=0\n" * 200000 + b"\n", b"get=1\n\n" * 2000):
        h.request_raw(text, 5)
        check(h.responds(), "no reply after", text[:20])
    check(h.rss() - before < 32768, "memory grew by", h.rss() - before, "KiB")
    half = []
    for _ in range(60):
        s = h.connect()
        s.sendall(b"set=1\nfwmark=7\npublic_key=")
        half.append(s)
    check(h.responds(), "60 silent clients keep others out")
    for s in half:
        s.close()
    equal(h.state()[None].get("fwmark", "0"), "0", "an incomplete request was applied:")
    # Many replies that the client does not read.
    many = ["replace_peers=true"]
    for i in range(300):
        many.append(f"public_key={wire.new_private()[::-1].hex()}")
        many += [f"allowed_ip=10.{i % 200}.{j}.0/24" for j in range(10)]
    h.set(*many)
    unread = []
    for _ in range(10):
        s = h.connect()
        s.setblocking(False)
        try:
            for _ in range(200):
                s.send(b"get=1\n\n" * 20)
        except BlockingIOError:
            pass
        unread.append(s)
    check(h.responds(), "clients that do not read keep others out")
    check(h.rss() - before < 65536, "memory grew by", h.rss() - before, "KiB")
    for s in unread:
        s.close()
    wait_until("memory use is bounded", lambda: h.rss() - before < 65536)
    h.set("replace_peers=true")
    h.check_alive()


@case("u06", "requests split into pieces of every size, and many requests on one connection")
def pieces(h):
    p = h.peer()
    text = f"set=1\npublic_key={p.public.hex()}\nallowed_ip=10.81.0.0/16\n\nget=1\n\n".encode()
    with h.connect() as s:
        for size in (1, 2, 3, 7, 64, len(text)):
            for at in range(0, len(text), size):
                s.sendall(text[at:at + size])
            got = b""
            while got.count(b"errno=0\n\n") < 2:
                more = s.recv(65536)
                check(more, "connection closed early:", got)
                got += more
            check(got.startswith(b"errno=0\n\n") and b"allowed_ip=10.81.0.0/16" in got, got)
