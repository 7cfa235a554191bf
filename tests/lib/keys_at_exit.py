#!/usr/bin/env python3
"""Finds keys in the memory of a program when it exits.

  keys_at_exit.py [KEY…] -- PROGRAM [ARGUMENT…]

Runs the program, stops it at its exit, and prints each mapping that still has half of a key in binary, base64 or
hexadecimal. Without a KEY it searches for the one that the program prints. The output of the program is discarded; the
exit code is that of the program."""
import base64
import ctypes
import os
import re
import signal
import sys

TRACEME, CONT, SETOPTIONS, TRACEEXIT, EVENT_EXIT = 0, 7, 0x4200, 0x40, 6
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, pid, data=None):
    if libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def start(argv):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 1)
        ptrace(TRACEME, 0)
        os.execv(argv[0], argv)
    os.close(writer)
    os.waitpid(pid, 0)
    ptrace(SETOPTIONS, pid, TRACEEXIT)
    return pid, reader


def run_to_exit(pid):
    number = None
    while True:
        ptrace(CONT, pid, number)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            sys.exit("the program ended before its exit was traced")
        if status >> 8 == signal.SIGTRAP | EVENT_EXIT << 8:
            return
        number = None if os.WSTOPSIG(status) == signal.SIGTRAP else os.WSTOPSIG(status)


def forms_of(text):
    key = base64.b64decode(text)
    yield from (text[:22].encode(), text[22:43].encode(), key[:16], key[16:], key[:16].hex().encode(), key[16:].hex().encode())


def mappings(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end, name = re.match(r"(\w+)-(\w+) r\S+ \S+ \S+ \S+ *(.*)|", line).groups()
            if begin is None or name.startswith("[v"):  # mappings of the kernel
                continue
            memory.seek(int(begin, 16))
            yield name or "heap", memory.read(int(end, 16) - int(begin, 16))


def main():
    at = sys.argv.index("--")
    pid, reader = start(sys.argv[at + 1:])
    run_to_exit(pid)
    keys = sys.argv[1:at] or [os.read(reader, 64).decode().strip()]
    for name, memory in mappings(pid):
        if any(form in memory for key in keys for form in forms_of(key)):
            print(name)
    ptrace(CONT, pid)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
