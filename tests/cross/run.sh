#!/bin/bash
# run.sh MACHINE [BUILD]: builds the pure modules and their tests for another machine and runs them under qemu-user:
# aarch64 has NEON, armhf 32-bit limbs and pointers, s390x is big-endian. For armhf also wg, wireguardd and its filter of
# system calls, for s390x also libwgproto. On aarch64 only crypto has its own code, and the other two also have unsigned characters. Of the unit tests
# every second one, the others the next day, and of their random tests one of nine rounds, another one each day
# (tests/lib/sample.h); WGSUITE_SAMPLE=1 runs all. Without debug information, which takes the compiler a quarter of its time.
# TAP on stdout; BUILD is kept for the next run.
set -u
cd "$(dirname "$0")/../.." || exit 1
machine=$1
peers=${WGSUITE_PEERS:-$PWD/build/peers}
build=${2:-$PWD/build/check/$machine}
export WGSUITE_SAMPLE="${WGSUITE_SAMPLE:-9}" WGSUITE_DAY="${WGSUITE_DAY:-$(($(date +%s) / 86400))}"

skip() {
	echo "1..1"
	echo "ok 1 - $machine # SKIP $1"
	exit 0
}
# aead: the implementation to expect. slow: tests that take minutes, on armhf for want of 128-bit products.
slow=
programs=
modules="base crypto model proto"
case $machine in
aarch64) triple=aarch64-linux-gnu debian=arm64 qemu=qemu-aarch64-static aead=neon modules=crypto ;;
s390x) triple=s390x-linux-gnu debian=s390x qemu=qemu-s390x-static aead=portable ;;
armhf)
	triple=arm-linux-gnueabihf debian=armhf qemu=qemu-arm-static aead=portable
	programs="wg wireguardd"
	slow="proto/threads_test proto/gather_test crypto/x25519/x25519_test proto_api proto_open"
	;;
*) echo "run.sh: unknown machine: $machine (expected: aarch64, armhf or s390x)" >&2; exit 2 ;;
esac
slow="$slow crypto/aead/aead_test" # every length and alignment: minutes under qemu; the fuzz corpora are a sample
for tool in "$triple-gcc" "$qemu"; do
	command -v "$tool" > /dev/null || skip "$tool is not installed"
done

# Unit tests need cmocka, replays of the fuzz corpora need nothing.
sys=$peers/cross/$debian/usr
libraries=$sys/lib/$triple:$peers/cross/$debian/lib/$triple
units=
if sh tests/lib/get-cross.sh "$peers" "$debian" > /dev/null 2>&1; then
	units=$(find $(printf 'tests/unit/%s ' $modules) -name '*_test.c' | sort)
	[ "$machine" != s390x ] || units="tests/unit/lib/wgproto_test.c
$units"
	[ -z "$programs" ] || units="$units tests/unit/daemon/io/checksum_test.c"
else
	programs=
fi
replays=$(ls $(printf 'tests/fuzz/%s_*.c ' $modules))
wanted() { # wanted SOURCE…: the programs' names
	local source name
	for source; do
		name=${source#tests/*/}
		case " $slow " in
		*" ${name%.c} "*) ;;
		*) echo "${name%.c}" ;;
		esac
	done
}
units=$(wanted $units)
replays=$(wanted $replays)
[ "$WGSUITE_SAMPLE" = 1 ] || units=$(awk -v day="$WGSUITE_DAY" 'NR % 2 == day % 2' <<< "$units")

n=0
failed=0
ok() { # ok EXIT_CODE NAME
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; }
}
run() { # run NAME PROGRAM [ARGUMENT…]: its output is shown when it fails
	local name=$1 code=0
	shift
	timeout 300 "$qemu" -L "/usr/$triple" -E LD_LIBRARY_PATH="$libraries" "$@" > "$build/out" 2>&1 || code=$?
	[ "$code" = 0 ] || sed 's/^/# /' "$build/out"
	ok "$code" "$name"
}

mkdir -p "$build"
make -k -j"$(nproc)" --no-print-directory O="$build" CC="$triple-gcc" AR="$triple-ar" OPT=-O1 CFLAGS=-g0 WERROR=1 \
	PKG_CONFIG=false cmocka=-lcmocka CPPFLAGS="-isystem $sys/include -D_FILE_OFFSET_BITS=64" \
	LDFLAGS="-L${libraries//:/ -L} -Wl,-rpath-link,$libraries" \
	$(printf "$build/%s " $programs $(printf 'tests/unit/%s ' $units) $(printf 'tests/fuzz/%s_replay ' $replays)) \
	> "$build/log" 2>&1
code=$?
[ "$code" = 0 ] || grep -vE '^  (CC|AR|LD) ' "$build/log" | sed 's/^/# /'
ok "$code" "builds"
"$triple-gcc" -std=gnu11 -Isrc -o "$build/known" tests/cross/known.c "$build/libcrypto.a" "$build/libbase.a"
run "known answers" "$build/known"
[ "$(cat "$build/out")" = "$aead" ]
ok $? "the AEAD is the $aead one"
for program in $programs; do run "$program" "$build/$program" --version; done
if [ -n "$programs" ]; then
	"$triple-gcc" -std=gnu11 -D_GNU_SOURCE -Isrc -isystem "$sys/include" \
		-L"${libraries%:*}" -L"${libraries#*:}" -Wl,-rpath-link,"$libraries" -Wl,--wrap=seccomp_load \
		-o "$build/filter" tests/cross/filter.c "$build"/lib{daemon,base}.a -lseccomp -lcap
	run "the filter of system calls is made" "$build/filter"
	for call in clock_gettime64 futex_time64 recvmmsg_time64 mmap2 openat; do
		grep -q "\"$call\"" "$build/out"
		ok $? "the filter has a rule for $call"
	done
fi
for test in $units; do run "$test" "$build/tests/unit/$test"; done
for target in $replays; do run "corpus of $target" "$build/tests/fuzz/${target}_replay" "tests/fuzz/corpus/$target"; done
[ -n "$units" ] || echo "ok $((n += 1)) - unit tests # SKIP cannot get cmocka for $debian"
echo "1..$n"
exit "$failed"
