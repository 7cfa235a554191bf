#!/bin/sh
# Constant-time test of src/crypto. Secrets are marked as undefined memory; memcheck, and MSan for AVX-512, which valgrind
# does not support, report every branch and address that depends on them. Fails on a report, and if a deliberate leak is
# not reported. Runs binaries of gcc, clang and clang's MSan at -O2, and every second day (WGSUITE_DAY) one of them at one more level.
#   sh tests/ct/run.sh [FOLDER]     FOLDER: where to build (default: a temporary folder)
#   CT_LEVELS="-O2 -O3" CT_KINDS="gcc msan" select levels and kinds; every kind runs at every level
set -eu
cd "$(dirname "$0")/../.."

day=${WGSUITE_DAY:-$(($(date +%s) / 86400))}
pick() { # pick N WORD...: word N, counted from 0 and from the first again after the last
	n=$(($1 % ($# - 1) + 2))
	eval "echo \"\${$n}\""
}
kinds=${CT_KINDS:-gcc clang msan}
other_kind= other_level=
if [ -z "${CT_LEVELS-}" ] && [ $((day % 2)) = 0 ]; then
	other_level=$(pick $((day / 2)) -O0 -O3 -Os)
	other_kind=$(pick $((day / 6)) $kinds)
fi
if [ $# -gt 0 ]; then
	out=$1
	mkdir -p "$out"
else
	out=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-ct.XXXXXX")
	trap 'rm -rf "$out"' EXIT INT TERM
fi
bad=0

build() { # NAME CC OPT [SAN]
	make --no-print-directory -s -j2 O="$out/$1" CC="$2" OPT="$3" SAN="${4:-}" \
		CFLAGS='-include tests/ct/poison.h -U_FORTIFY_SOURCE -gdwarf-4 -g1' "$out/$1/tests/ct/secret" \
		>"$out/$1.build" 2>&1 || { cat "$out/$1.build"; echo "ct: $1: does not build"; exit 1; }
}

# Runs the program NAME under a tool; fails on a report.
memcheck() { # NAME [LEAK]
	valgrind -q --error-exitcode=9 --undef-value-errors=yes --leak-check=no \
		"$out/$1/tests/ct/secret" ${2:+"$2"} >"$out/$1${2:+.$2}.log" 2>&1
}
msan() { # NAME [LEAK]
	MSAN_OPTIONS=exit_code=9:print_summary=1 \
		"$out/$1/tests/ct/secret" ${2:+"$2"} >"$out/$1${2:+.$2}.log" 2>&1
}

check() { # TOOL NAME
	if "$1" "$2" && ! grep -q FAILED "$out/$2.log"; then
		echo "ct: $2 ($1): constant time: $(grep -c '^  [^s]' "$out/$2.log") checks," \
			"$(grep -c '^  skip' "$out/$2.log") implementations left to another tool or CPU"
	else
		echo "ct: $2 ($1): not constant time"
		sed -n '1,40p' "$out/$2.log"
		bad=1
	fi
	for leak in leak-branch leak-index leak-early-exit; do
		if "$1" "$2" "$leak"; then
			echo "ct: $2 ($1): $leak is not reported: the test itself is broken"
			bad=1
		fi
	done
}

command -v valgrind >/dev/null || { echo 'ct: valgrind is not installed'; exit 1; }
for kind in $kinds; do
	cc=$kind
	if [ "$kind" = msan ]; then
		cc=clang
		grep -qw avx512f /proc/cpuinfo ||
			{ echo 'ct: skip: no AVX-512 on this CPU, its implementations are not checked'; continue; }
	fi
	command -v "$cc" >/dev/null || { echo "ct: skip: no $cc for $kind"; continue; }
	levels=${CT_LEVELS:--O2}
	[ "$kind" != "$other_kind" ] || levels="$levels $other_level"
	for level in $levels; do
		if [ "$kind" = msan ]; then
			build "msan$level" clang "$level" memory
			check msan "msan$level"
		else
			build "$kind$level" "$cc" "$level"
			check memcheck "$kind$level"
		fi
	done
done
[ "$bad" = 0 ] && echo 'ct: all constant time' || echo 'ct: FAILED'
exit "$bad"
