#!/usr/bin/python3
"""run.py --list | --out FOLDER CASE…: runs cases in parallel, each with its own namespaces and daemon.

Cases that wait for timers start at once; of the others only a few run at a time. The output goes to FOLDER/CASE,
the result to FOLDER/CASE.code (0 passed, 1 failed) when the case has ended."""
import importlib
import os
import signal
import sys
import time
import traceback

import host

MODULES = ["handshake", "responder", "data", "inner", "cookies", "timers", "garbage", "abuse", "fallback", "keys",
           "uapi", "sources", "clones"]
MAX_BUSY = 4
LIMIT_S = int(os.environ.get("ADVERSARY_LIMIT", "150"))


def collect():
    cases = {}
    for module in MODULES:
        cases.update(importlib.import_module(module).CASES)
    return cases


def run_child(case, out):
    """Runs a case in the forked child; never returns."""
    host.die_with_parent()
    with open(out, "w", buffering=1) as f:
        os.dup2(f.fileno(), 1)
        os.dup2(f.fileno(), 2)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIMIT_S if not case.slow else 1000)
        code = 1
        began = time.monotonic()
        try:
            case.run()
            code = 0
        except BaseException:
            traceback.print_exc(file=f)
        f.write(f"{case.name}: {'passed' if code == 0 else 'FAILED'} after {time.monotonic() - began:.1f} s\n")
    os._exit(code)


def main(arguments):
    cases = collect()
    if arguments[:1] == ["--list"]:
        for case in cases.values():
            print(case.name, {False: "fast", True: "slow"}.get(case.slow, "slowest"), case.title)
        return 0
    if os.environ.get("WGSUITE_BOX") is None:
        sys.exit("run.py: must run in tests/lib/box.sh")
    folder, names = arguments[1], arguments[2:]
    waiting = [cases[n] for n in sorted(names, key=lambda n: not cases[n].waits)]
    running, failed = {}, 0
    while waiting or running:
        while waiting and (waiting[0].waits or sum(not c.waits for c in running.values()) < MAX_BUSY):
            case = waiting.pop(0)
            pid = os.fork()
            if pid == 0:
                run_child(case, os.path.join(folder, case.name))
            running[pid] = case
        pid, status = os.wait()
        case = running.pop(pid, None)
        if case is None:
            continue
        failed += status != 0
        path = os.path.join(folder, case.name + ".code")
        with open(path + "~", "w") as f:
            f.write("0\n" if status == 0 else "1\n")
        os.rename(path + "~", path)
        if sys.stdout.isatty() or os.environ.get("ADVERSARY_PROGRESS"):
            print(case.name, "ok" if status == 0 else "FAILED", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
