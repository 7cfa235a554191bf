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
    def report(number, frame):
        print(f"signal {signal.Signals(number).name}", flush=True)

    for number in signal.SIGWINCH, signal.SIGCONT, signal.SIGINT:
        signal.signal(number, report)
    print("tty", os.ttyname(0), os.tcgetpgrp(0) == os.getpgrp(), flush=True)
    print("line", sys.stdin.readline().strip(), flush=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    print("again", flush=True)
    while True:
        time.sleep(60)


def read_until(fd, text):
    seen = b""
    while text not in seen:
        if not select.select([fd], [], [], 20)[0]:
            raise SystemExit(f"no {text!r} within 20 s, but {seen!r}")
        seen += os.read(fd, 4096)
    return seen


def wait(pid, flags):
    """The status of the job, which changes within 20 seconds."""
    end = time.monotonic() + 20
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
    seen = read_until(control, b"tty ")
    seen += read_until(control, b"\n") if b"\n" not in seen else b""
    assert b"True" in seen, seen
    os.write(control, b"\x1a")
    read_until(control, b"shell: stopped")
    read_until(control, b"SIGCONT")
    fcntl.ioctl(control, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    read_until(control, b"SIGWINCH")
    os.write(control, b"\x03")
    seen = read_until(control, b"SIGINT")
    os.write(control, b"typed\n")
    seen += read_until(control, b"again")
    assert seen.count(b"SIGINT") == 1 and b"line typed" in seen, seen
    os.write(control, b"\x03")
    _, status = os.waitpid(session, 0)
    raise SystemExit(0 if status == 0 else "the shell failed")


if sys.argv[1] == "--inside":
    inside()
else:
    main()
