"""Standard input, output and error of the program in a case: pipes, files, devices, terminals."""
import base64
import os
import pty
import re
import subprocess
import termios
import threading

LIMIT_S = 60


def terminal():
    """Both ends of a terminal, without echo and without conversion of newlines."""
    ours, theirs = pty.openpty()
    settings = termios.tcgetattr(theirs)
    settings[1] &= ~termios.ONLCR
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    return ours, theirs


class Collector:
    """Reads a stream to its end, in its own thread."""

    def __init__(self, fd):
        self.data, self.fd = b"", fd
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        """A terminal without open slave ends in EIO. As n_tty checks for input first, data written during that check can still
        follow: only a second EIO is the end."""
        n_errors = 0
        while n_errors < 2:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                n_errors += 1
                continue
            if not piece:
                break
            self.data += piece

    def end(self):
        self.thread.join(LIMIT_S)
        os.close(self.fd)
        return self.data


class Streams:
    def __init__(self, case, folder):
        self.case, self.path = case, f"{folder}/out"
        self.theirs, self.collectors, self.out, self.err = [], {}, b"", b""
        self.typed = None

    def __enter__(self):
        terminals, out = self.case.terminals, self.case.out
        streams = {"stdin": self.input("in" in terminals)}
        if "same" in terminals:
            streams["stdout"] = streams["stderr"] = self.output("out", True)
        else:
            streams["stdout"] = self.target(out) if out else self.output("out", "out" in terminals)
            streams["stderr"] = self.output("err", "err" in terminals)
        if out == "closed":
            streams["preexec_fn"] = lambda: os.close(1)
        self.child_streams = streams
        return self

    def __exit__(self, *_):
        for fd in self.theirs:
            os.close(fd)

    def input(self, typed):
        ours, theirs = terminal() if typed else reversed(os.pipe())
        self.theirs.append(theirs)
        self.typed = ours, typed
        return theirs

    def output(self, name, is_terminal):
        ours, theirs = terminal() if is_terminal else os.pipe()
        self.theirs.append(theirs)
        self.collectors[name] = Collector(ours)
        return theirs

    def target(self, out):
        """A file with the permissions of the case, or a device."""
        word, _, mode = out.partition(" ")
        path = {"full": "/dev/full", "mode": self.path}.get(word, "/dev/null")
        if word == "mode":
            if os.path.exists(path):
                os.unlink(path)
            os.close(os.open(path, os.O_CREAT, 0o600))
        fd = os.open(path, os.O_WRONLY)
        if word == "mode":
            os.fchmod(fd, int(mode, 8))
        self.theirs.append(fd)
        return fd

    def finish(self, child):
        while self.theirs:
            os.close(self.theirs.pop())
        fd, typed = self.typed
        try:
            os.write(fd, self.case.stdin + (b"\x04" if typed else b""))
        except BrokenPipeError:  # the program does not read its input
            pass
        if not typed:
            os.close(fd)
        try:
            code = child.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        if typed:
            os.close(fd)
        results = {name: collector.end() for name, collector in self.collectors.items()}
        self.out, self.err = results.get("out", b""), results.get("err", b"")
        if self.case.out.startswith("mode"):
            with open(self.path, "rb") as f:
                self.out = f.read()
        if self.case.argv[:1] in (["genkey"], ["genpsk"]):
            self.out = kind_of_key(self.out, self.case.argv[0] == "genkey")
        return code


def kind_of_key(text, is_private):
    """Keys are random: compares only whether they are keys, and clamped."""
    match = re.fullmatch(rb"(.*?)([A-Za-z0-9+/]{43}=)\n", text, re.S)
    if not match:
        return text
    key = base64.b64decode(match[2])
    clamped = is_private and not key[0] & 7 and key[31] & 192 == 64
    return match[1] + (b"a clamped key\n" if clamped else b"a key\n")
