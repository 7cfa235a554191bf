"""run_terminal.py COMMAND…: starts the command on a new terminal, as a job of a shell does, and checks what the keys of
the terminal do: ^Z, continuing, a new window size, ^C. The command has to be one that runs this program with --inside."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


def inside():
    def write(text):
        os.write(1, text.encode() + b"\n")  # a handler may interrupt another write

    def report(number, frame):
        write(f"signal {signal.Signals(number).name}")

    for number in signal.SIGWINCH, signal.SIGCONT, signal.SIGINT:
        signal.signal(number, report)
    write(f"tty {os.ttyname(0)} {os.tcgetpgrp(0) == os.getpgrp()}")
    write("line " + sys.stdin.readline().strip())
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    write("again")
    while True:
        time.sleep(60)


class Terminal:
    """What appeared on the terminal; find() returns the part up to a text, from where the last one ended."""

    def __init__(self, fd):
        self.fd, self.seen, self.at = fd, b"", 0

    def find(self, text):
        while text not in self.seen[self.at:]:
            try:
                more = select.select([self.fd], [], [], 60)[0] and os.read(self.fd, 4096)
            except OSError:
                more = b""
            if not more:
                raise SystemExit(f"no {text!r} in 60 s or at the end: {self.seen!r}")
            self.seen += more
        start, self.at = self.at, self.seen.index(text, self.at) + len(text)
        return self.seen[start:self.at]


def wait(pid, flags):
    """The status of the job, which changes within 60 seconds."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        got, status = os.waitpid(pid, flags | os.WNOHANG)
        if got:
            return status
        time.sleep(0.01)
    raise SystemExit("the status of the job does not change")


def main():
    control, terminal = pty.openpty()
    session = os.fork()
    if session == 0:  # the shell: leader of the session, and of another process group than its job
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(terminal, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            for fd in 0, 1, 2:
                os.dup2(terminal, fd)
            os.execvp(sys.argv[1], sys.argv[1:])
        status = wait(job, os.WUNTRACED)
        assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTSTP, f"stopped: {status:#x}"
        os.tcsetpgrp(terminal, os.getpgrp())
        os.write(terminal, b"shell: stopped\n")
        os.tcsetpgrp(terminal, job)
        os.killpg(job, signal.SIGCONT)
        status = wait(job, os.WUNTRACED)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, f"ended: {status:#x}"
        os._exit(0)
    os.close(terminal)
    screen = Terminal(control)
    screen.find(b"tty ")
    assert b"True" in screen.find(b"\n")
    os.write(control, b"\x1a")
    screen.find(b"shell: stopped")
    screen.find(b"SIGCONT")
    fcntl.ioctl(control, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    screen.find(b"SIGWINCH")
    os.write(control, b"\x03")
    screen.find(b"SIGINT")
    os.write(control, b"typed\n")
    assert b"SIGINT" not in screen.find(b"line typed")
    screen.find(b"again")
    os.write(control, b"\x03")
    _, status = os.waitpid(session, 0)
    raise SystemExit(0 if status == 0 else "the shell failed")


if sys.argv[1] == "--inside":
    inside()
else:
    main()
