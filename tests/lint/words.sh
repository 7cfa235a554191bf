#!/bin/sh
# words.sh [ROOT]: words of unfinished work, which has no place in what we ship.
set -eu
cd "${1:-$(dirname "$0")/../..}"

places=
for place in src completion man contrib Makefile README.md; do
	[ ! -e "$place" ] || places="$places $place"
done
# "stub" is also a kind of resolver (stub-resolv.conf): that one is meant.
! grep -rnIE '\b(TODO|FIXME|XXX|TBD|HACK)\b|not (yet )?implemented|\b[Ss]tub(s|bed)?\b' $places |
	grep -vE 'stub-resolv|[Ss]tub resolver|HACKING'
