"""A service manager with a file descriptor store, as systemd has it, for one wireguardd.

service_manager.py serve NAME   runs the commands that arrive on /run/manager.sock, one after the other:
    start         starts wireguardd --fd-store NAME with the descriptors of the store; replies when it is ready or has ended
    begin         the same, without waiting
    restart       term and start
    term, kill, int   sends the signal and waits for the end
    interim       starts wireguardd --interim NAME and waits for the end of the other one
    wait          waits for the end
    names         the names in the store
    copy          keeps duplicates of the descriptors of the store, which "paste" puts there again
    paste         what is missing in the store
    flip NAME AT  inverts a byte of the memory NAME
    lose NAME     closes what the store has of this name
service_manager.py COMMAND…     sends a command and prints the reply
"""
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading

CONTROL, NOTIFY = "/run/manager.sock", "/run/manager.notify"


class Manager:
    def __init__(self, name):
        self.name, self.store, self.copies = name, [], []
        self.pid, self.ready = 0, threading.Event()
        self.lock = threading.RLock()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(NOTIFY)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            self.message(*socket.recv_fds(self.notify, 4096, 8)[:2])

    def message(self, data, fds):
        fields = dict(line.split("=", 1) for line in data.decode().split("\n"))
        with self.lock:
            if "FDSTORE" in fields:
                self.store += [(fields["FDNAME"], fd) for fd in fds]
                fds = []
            if "FDSTOREREMOVE" in fields:
                self.lose(fields["FDNAME"])
            if "READY" in fields:
                self.ready.set()
            for fd in fds:  # of a barrier
                os.close(fd)

    def flush(self):
        """Waits until the messages of a process that has ended are processed."""
        ends = os.pipe()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(NOTIFY)
            socket.send_fds(s, [b"BARRIER=1"], [ends[1]])
        os.close(ends[1])
        os.read(ends[0], 1)
        os.close(ends[0])

    def lose(self, name):
        with self.lock:
            for fd in [fd for n, fd in self.store if n == name]:
                os.close(fd)
            self.store = [(n, fd) for n, fd in self.store if n != name]

    def begin(self):
        self.ready.clear()
        with self.lock:
            names, fds = [n for n, _ in self.store], [os.dup(fd) for _, fd in self.store]
        self.pid = os.fork()
        if self.pid == 0:
            high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
            os.closerange(3 + len(high), 400)
            env = dict(os.environ, NOTIFY_SOCKET=NOTIFY)
            if fds:
                env.update(LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=":".join(names), LISTEN_PID=str(os.getpid()))
            os.execvpe("wireguardd", ["wireguardd", "--fd-store", self.name], env)
        for fd in fds:
            os.close(fd)

    def wait(self):
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.flush()
        return f"exit {status}"

    def interim(self):
        subprocess.run(["wireguardd", "--interim", self.name], check=True)
        return self.wait()

    def restart(self):
        self.end(signal.SIGTERM)
        return self.start()

    def start(self):
        self.begin()
        while not self.ready.wait(0.002):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return f"exit {os.waitstatus_to_exitcode(status)}"
        return "ready"

    def end(self, number):
        os.kill(self.pid, number)
        return self.wait()

    def flip(self, name, at):
        with self.lock:
            fd = [fd for n, fd in self.store if n == name][0]
        with mmap.mmap(fd, 0) as memory:
            memory[at] ^= 0xFF

    def copy(self):
        with self.lock:
            self.copies = [(n, os.dup(fd)) for n, fd in self.store]

    def paste(self):
        with self.lock:
            names = {n for n, _ in self.store}
            for name, fd in self.copies:
                if name in names:
                    os.close(fd)
                else:
                    self.store.append((name, fd))
            self.copies = []

    def run(self, words):
        command, *rest = words
        actions = {
            "start": self.start,
            "restart": self.restart,
            "begin": self.begin,
            "term": lambda: self.end(signal.SIGTERM),
            "interim": self.interim,
            "int": lambda: self.end(signal.SIGINT),
            "kill": lambda: self.end(signal.SIGKILL),
            "wait": self.wait,
            "names": lambda: " ".join(sorted(n for n, _ in self.store)),
            "copy": self.copy,
            "paste": self.paste,
            "flip": lambda: self.flip(rest[0], int(rest[1])),
            "lose": lambda: self.lose(rest[0]),
        }
        return actions[command]() or ""


def serve(name):
    manager = Manager(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(CONTROL)
    listener.listen(8)
    print("serves", flush=True)
    while True:
        client, _ = listener.accept()
        with client:
            words = client.recv(4096).decode().split()
            client.sendall(manager.run(words).encode())


def tell(words):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(CONTROL)
        s.sendall(" ".join(words).encode())
        print(s.recv(4096).decode())


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    tell(sys.argv[1:])
