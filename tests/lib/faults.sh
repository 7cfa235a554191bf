#!/bin/sh
# faults.sh BUILD: makes BUILD/faults/wg-quick, whose steps are counted and fail when told (-DWG_FAULTS).
# Several tests want it at the same time: one makes it, the others wait.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1/faults"
exec flock "$1/faults/lock" make -s -C "$root" O="$1/faults" CFLAGS=-DWG_FAULTS "$1/faults/wg-quick" >&2
