#!/bin/sh
# faults.sh BUILD: makes BUILD/faults/wg-quick, in which operations fail on demand (-DWG_FAULTS), and
# BUILD/tests/syscalls/syscall_faults. Tests that run at the same time may call it: one makes the programs, the others wait.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1/faults"
exec flock "$1/faults/lock" make -s -C "$root" O="$1" faults > /dev/null
