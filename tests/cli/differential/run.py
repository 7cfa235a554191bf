#!/usr/bin/env python3
"""Compares wg with another wg in random cases: standard output, standard error, exit code and the bytes sent to the
device. Every difference must follow from a rule in rules.py.

  run.py OURS THEIRS [CASES [SEED]]

Runs in tests/lib/box.sh, where it uses /run/wireguard. Exit 0 when every case agrees."""
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile

import device
import kinds
import rules
import streams

Result = collections.namedtuple("Result", "code out err sent")
HOSTS = "127.0.0.1 localhost\n192.0.2.77 one.example.test\n2001:db8::77 two.example.test\n"


def command_of(program):
    """The command and executable to start a program as "wg". A folder contains one with its C library."""
    if os.path.isdir(program):
        loader = f"{program}/ld-linux-x86-64.so.2"
        return [loader, "--library-path", f"{program}:/usr/lib/x86_64-linux-gnu", "--argv0", "wg", f"{program}/wg"], loader
    return ["wg"], program


def run(program, case, devices, folder):
    shutil.rmtree("/run/wgsuite", ignore_errors=True)  # endpoint records of the previous case
    devices.prepare(case.devices, case.set_reply)
    env = {"PATH": "/usr/bin:/bin", "WG_ENDPOINT_RESOLUTION_RETRIES": "0", **case.env}
    command, executable = command_of(program)
    with streams.Streams(case, folder) as s:
        child = subprocess.Popen(command + case.argv, executable=executable, cwd=folder, env=env, **s.child_streams)
        code = s.finish(child)
    sent = tuple(data for _, data in devices.requests)
    return Result(code, s.out, s.err, sent)


def version_of(program):
    command, executable = command_of(program)
    return subprocess.run(command + ["--version"], executable=executable, capture_output=True, check=True).stdout


def run_both(case, ours, theirs, devices):
    """Runs both; again if their output differs, as the printed age of handshakes may have changed in between."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in case.files.items():
            with open(f"{folder}/{name}", "wb") as f:
                f.write(data)
        for _ in range(5):
            results = run(theirs, case, devices, folder), run(ours, case, devices, folder)
            if results[0].out == results[1].out or b"latest handshake" not in results[1].out:
                break
        return results


def describe(case, theirs, expected, ours):
    lines = [f"wg {case.argv} {case.env or ''}"]
    lines += [f"  file {name}: {data!r}" for name, data in case.files.items()]
    if case.kind in ("broken", "syncconf"):
        lines += [f"  device {name}: {reply!r}" for name, reply in case.devices.items()]
    if case.terminals or case.out:
        lines.append(f"  terminals {case.terminals} out {case.out!r}")
    if case.stdin:
        lines.append(f"  stdin: {case.stdin!r}")
    for field in Result._fields:
        a, b, c = getattr(theirs, field), getattr(expected, field), getattr(ours, field)
        if b != c:
            lines.append(f"  {field}: theirs   {a!r}")
            if a != b:
                lines.append(f"  {field}: expected {b!r}")
            lines.append(f"  {field}: ours     {c!r}")
    return "\n".join(lines)


def main():
    ours, theirs = (os.path.realpath(p) for p in sys.argv[1:3])
    rules.choose(version_of(theirs))
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 20261120
    if not os.environ.get("WGSUITE_BOX"):
        sys.exit("run.py: only in tests/lib/box.sh")
    with open("/etc/hosts", "w") as f:
        f.write(HOSTS)
    devices = device.Devices()
    used, failed, seen = collections.Counter(), collections.Counter(), collections.Counter()
    for number, case in enumerate(kinds.cases(random.Random(seed), n)):
        if case.newest and not rules.newest:
            continue
        seen[case.kind] += 1
        old, new = run_both(case, ours, theirs, devices)
        expected, names = rules.expected(case, old, new)
        used.update(names)
        leaked = [secret for secret in case.secrets if secret.encode() in new.err]
        if leaked:
            print(f"case {number} (seed {seed}): standard error contains a secret")
        if expected != new or leaked:
            failed[case.kind] += 1
            if failed[case.kind] <= 3:
                print(f"case {number} (seed {seed}): {describe(case, old, expected, new)}")
    print("cases: " + ", ".join(f"{k} {v}" for k, v in sorted(seen.items())))
    for name, reason in rules.REASONS.items():
        print(f"{used[name]:5} × {name}: {reason}")
    print(f"{n} cases, {sum(failed.values())} differ without a rule" + (f": {dict(failed)}" if failed else ""))
    if n >= 2000 and any(used[name] == 0 for name in rules.REASONS):
        sys.exit("a rule was never needed: remove it, or add cases for it")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
