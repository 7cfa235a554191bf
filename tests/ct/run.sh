#!/bin/sh
# Constant-time test of src/crypto. Secrets are marked as undefined memory; memcheck, and MSan for AVX-512, which valgrind
# does not support, report every branch and address that depends on them. Runs the binaries of two compilers at four
# optimisation levels. Fails on a report, and if a deliberate leak is not reported.
#   sh tests/ct/run.sh [FOLDER]     FOLDER: where to build (default: a temporary folder)
#   CT_LEVELS="-O2" CT_COMPILERS="gcc" select levels and compilers
set -eu
cd "$(dirname "$0")/../.."

case $((${WGSUITE_DAY:-$(($(date +%s) / 86400))} % 3)) in
0) other=-O0 ;;
1) other=-O3 ;;
2) other=-Os ;;
esac
levels=${CT_LEVELS:--O2 $other}
compilers=${CT_COMPILERS:-gcc clang}
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
for cc in $compilers; do
	command -v "$cc" >/dev/null || { echo "ct: skip: no $cc"; continue; }
	for level in $levels; do
		build "$cc$level" "$cc" "$level"
		check memcheck "$cc$level"
	done
done
if ! command -v clang >/dev/null; then
	echo 'ct: skip: no clang, AVX-512 implementations are not checked'
elif ! grep -qw avx512f /proc/cpuinfo; then
	echo 'ct: skip: no AVX-512 on this CPU, its implementations are not checked'
else
	for level in $levels; do
		build "msan$level" clang "$level" memory
		check msan "msan$level"
	done
fi
[ "$bad" = 0 ] && echo 'ct: all constant time' || echo 'ct: FAILED'
exit "$bad"
