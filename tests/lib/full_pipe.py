#!/usr/bin/env python3
"""full_pipe.py PROGRAM [ARGUMENT…]: runs a program with a non-blocking pipe as standard output that is read only once it
is full; prints its output and exits with its exit code."""
import os
import select
import subprocess
import sys

reader, writer = os.pipe2(os.O_NONBLOCK)
child = subprocess.Popen(sys.argv[1:], stdout=writer)
while child.poll() is None and select.select([], [writer], [], 0)[1]:
    pass
os.close(writer)
os.set_blocking(reader, True)
with open(reader, "rb") as f:
    sys.stdout.buffer.write(f.read())
sys.exit(child.wait())
