#!/bin/sh
# run.sh [--no-install] [SUITE…]: installs what is missing, builds with gcc and clang, and runs every
# test, as root. Suites: lint build unit fuzz sim sanitize thread ct cli netns vm (default: all).
# Suites are found by wildcard: tests/unit/ROOM/X_test.c, tests/sim/X_sim.c, tests/fuzz/ROOM_X.c,
# tests/cli/X.bats, tests/netns/X.bats (X_slow.bats runs beside the others), tests/ct/run.sh,
# tests/vm/run.sh. What touches a network or /etc runs in namespaces of its own (tests/lib/box.sh).
# The last line is "N passed, N failed, N skipped"; exit 0 only when nothing failed.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1

all_suites="lint build unit fuzz sim sanitize thread ct cli netns vm"
install=yes
suites=
for word; do
	case $word in
	--no-install) install= ;;
	-h | --help) sed -n '2,7s/^# //p' "$0"; exit 0 ;;
	*)
		case " $all_suites " in
		*" $word "*) suites="$suites $word" ;;
		*) echo "run.sh: no suite $word; there are: $all_suites" >&2; exit 2 ;;
		esac
		;;
	esac
done
: "${suites:=$all_suites}"

if [ "$(id -u)" != 0 ]; then
	echo "run.sh: run me as root: sudo sh tests/run.sh (namespaces and TUN devices need it)" >&2
	exit 1
fi

build=$PWD/build
work=$build/check
jobs=$(nproc)
start=$SECONDS
rm -rf "$work/log"
mkdir -p "$work/log"
results=$work/log/results
: > "$results"
# Everything temporary in one place, so that a leftover is seen.
TMPDIR=$(mktemp -d /tmp/wgsuite-run.XXXXXX)
chmod 1777 "$TMPDIR" # as /tmp: some tests are nobody for a while
export TMPDIR
export WGSUITE_BUILD=$build WGSUITE_PEERS=$build/peers
export CMOCKA_MESSAGE_OUTPUT=tap
export ASAN_OPTIONS=strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer || true)
export ASAN_SYMBOLIZER_PATH

# Jobs of ours, each the leader of its process group; nobody else is ever signalled.
set -m
lanes=
finish() {
	trap '' INT TERM HUP
	for lane in $lanes; do
		kill -KILL -- "-$lane" 2>/dev/null && wait "$lane" 2>/dev/null
	done
	rm -rf "$TMPDIR"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

say() {
	printf '[%3d s] %s\n' "$((SECONDS - start))" "$*"
}

record() { # record SUITE pass|fail|skip NAME [REASON]
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4-}" >> "$results"
}

wants() {
	case " $suites " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# Reads TAP; prints "pass|fail|skip NAME REASON" lines. A plan that is not fulfilled is a failure.
read_tap() {
	awk -v suite="$1" -v name="$2" -v code="$3" -v OFS='\t' '
	{ sub(/\r$/, "") }
	/^1\.\.[0-9]+/ { plan += substr($1, 4); planned = 1 }
	/^(not )?ok [0-9]+/ {
		n++
		good = ($1 == "ok")
		text = $0
		sub(/^(not )?ok [0-9]+ *-? */, "", text)
		if (match(text, /# *[Ss][Kk][Ii][Pp]/)) {
			why = substr(text, RSTART + RLENGTH)
			text = substr(text, 1, RSTART - 1)
			gsub(/^ +| +$/, "", why)
			gsub(/ +$/, "", text)
			if (text == "") { text = why; why = "skipped by the test" }
			print suite, "skip", name ": " text, why
		} else if (good) {
			print suite, "pass", name ": " text
		} else {
			failed++
			print suite, "fail", name ": " text
		}
	}
	END {
		if (n == 0 && code == 0 && !planned)
			print suite, "pass", name
		else if (planned && n < plan)
			print suite, "fail", name ": " plan - n " of " plan " tests did not report, exit code " code
		else if (code != 0 && failed == 0)
			print suite, "fail", name ": exit code " code
	}'
}

# test_run SUITE NAME COMMAND…: runs it, counts its TAP (or its exit code), shows the output of failures.
test_run() {
	local suite=$1 name=$2 log code=0 began=$SECONDS counts
	shift 2
	log=$work/log/$suite-${name//[^A-Za-z0-9_.-]/_}.log
	run_once() {
		code=0
		timeout --foreground -k 10 "${LIMIT:-600}" "$@" > "$log" 2> "$log.err" < /dev/null || code=$?
		[ "$code" != 124 ] || echo "time limit of ${LIMIT:-600} s" >> "$log.err"
		read_tap "$suite" "$name" "$code" < "$log" > "$log.tap"
	}
	run_once "$@"
	# Hosts and daemons under the real clock of a machine shared with others: once more, and it is said.
	if [ "$suite" = netns ] && grep -q $'^[^\t]*\tfail' "$log.tap"; then
		say "$suite: $name: $(grep -c $'^[^\t]*\tfail' "$log.tap") failed, runs once more"
		grep $'^[^\t]*\tfail' "$log.tap" | cut -f3
		mv "$log" "$log.first"
		run_once "$@"
		grep -q $'^[^\t]*\tfail' "$log.tap" ||
			record "$suite" skip "$name: first run" "failed, and passed when run again: see $log.first"
	fi
	cat "$log.tap" >> "$results"
	counts=$(awk -F'\t' '{ n[$2]++ } END {
		printf "%d passed", n["pass"]
		if (n["fail"]) printf ", %d FAILED", n["fail"]
		if (n["skip"]) printf ", %d skipped", n["skip"] }' "$log.tap")
	say "$suite: $name: $counts ($((SECONDS - began)) s)"
	if grep -q $'^[^\t]*\tfail' "$log.tap"; then
		echo "---- $log"
		grep -vE '^ok |^1\.\.' "$log" | tail -n 60
		tail -n 60 "$log.err"
		echo "----"
	fi
}

# build_run NAME MAKE ARGUMENT…: one build, counted as a test of the suite "build".
build_run() {
	local name=$1 began=$SECONDS log
	shift
	log=$work/log/build-${name//[^A-Za-z0-9_.-]/_}.log
	if make -k -j"$jobs" --no-print-directory "$@" > "$log" 2>&1 < /dev/null; then
		record build pass "$name"
		say "build: $name: done ($((SECONDS - began)) s)"
	else
		record build fail "$name"
		say "build: $name: FAILED ($((SECONDS - began)) s)"
		echo "---- $log"
		grep -vE '^  (CC|AR|LD) ' "$log" | tail -n 60
		echo "----"
	fi
}

# room_tests O SUITE [ROOM…]: runs the unit tests built in O.
room_tests() {
	local out=$1 suite=$2 source program module
	shift 2
	for source in tests/unit/*/*_test.c tests/unit/*/*/*_test.c; do
		[ -e "$source" ] || continue
		module=$(cut -d/ -f3 <<< "$source")
		case " ${*:-$module} " in
		*" $module "*) ;;
		*) continue ;;
		esac
		program=${source%.c}
		test_run "$suite" "${program#tests/unit/}" sh tests/lib/box.sh "$out/$program"
	done
}

sim_tests() { # sim_tests O SUITE SEEDS
	local source program
	for source in tests/sim/*_sim.c; do
		[ -e "$source" ] || continue
		program=${source%.c}
		WGSUITE_SEEDS=$3 LIMIT=900 test_run "$2" "${program#tests/}" "$1/$program"
	done
}

fuzz_tests() { # fuzz_tests O SUITE
	local source target
	for source in tests/fuzz/*_*.c; do
		[ -e "$source" ] || continue
		target=$(basename "${source%.c}")
		test_run "$2" "corpus of $target" "$1/tests/fuzz/${target}_replay" "tests/fuzz/corpus/$target"
	done
}

bats_tests() { # bats_tests SUITE FILE…
	local suite=$1 file
	shift
	for file; do
		[ -e "$file" ] || continue
		test_run "$suite" "$(basename "${file%.bats}")" sh tests/lib/box.sh bats --tap "$file"
	done
}

# ---- the suites ----

run_lint() {
	local lint
	for lint in layers headers sizes words checks documents; do
		test_run lint "$lint" sh "tests/lint/$lint.sh"
	done
	test_run lint purity sh tests/lint/purity.sh "$build"
	test_run lint "each lint refuses a planted offence" sh tests/lint/selftest.sh
}

run_clang() {
	build_run "all, clang" O="$work/clang" CC=clang WERROR=1 all unit-programs
	[ ! -e "$work/clang/libproto.a" ] || test_run lint "purity, clang" sh tests/lint/purity.sh "$work/clang"
}

run_sanitize() {
	build_run "all, gcc, address and undefined" O="$work/asan" CC=gcc OPT=-O1 \
		SAN=address,undefined all unit-programs
	room_tests "$work/asan" sanitize
	# Vector rows are many times slower when watched; the unit tests have watched them, and `sim` uses them.
	WG_CPU=generic sim_tests "$work/asan" sanitize 1000
	fuzz_tests "$work/asan" sanitize
}

# Where there is only one thread a thread sanitizer sees nothing: only rooms that make some.
run_thread() {
	local rooms=
	for room in base crypto model proto ipc report wg quick daemon; do
		! grep -rqE 'pthread|stdatomic|_Atomic' "src/$room" 2>/dev/null || rooms="$rooms $room"
	done
	[ -n "$rooms" ] || { record thread skip "unit tests" "no room makes threads"; return; }
	build_run "all, gcc, thread" O="$work/tsan" CC=gcc OPT=-O1 SAN=thread all unit-programs
	room_tests "$work/tsan" thread $rooms
	WGSUITE_BUILD="$work/tsan" bats_tests thread tests/netns/daemon_threads.bats
}

run_ct() {
	if [ -e tests/ct/run.sh ]; then
		test_run ct "constant time" bash tests/ct/run.sh "$work/ct"
	else
		record ct skip "constant time" "tests/ct/run.sh is not there"
	fi
}

# A lane that has nothing else to do takes the next kernel.
run_vm() {
	local kernel
	for kernel in 7.2 6.12 6.1; do
		mkdir "$work/log/kernel-$kernel" 2> /dev/null || continue
		LIMIT=2400 test_run vm "real kernel $kernel" bash tests/vm/run.sh "$kernel"
	done
}

fast_netns() {
	for file in tests/netns/*.bats; do
		case $file in
		*_slow.bats) ;;
		*) echo "$file" ;;
		esac
	done
}

# Two lanes beside each other: what computes, and what mostly waits.
lane_compute() {
	! wants lint || run_lint
	if wants unit; then
		room_tests "$build" unit
	fi
	! wants fuzz || fuzz_tests "$build" fuzz
	! wants sim || sim_tests "$build" sim 1000
	! wants build || run_clang
	! wants sanitize || run_sanitize
	! wants thread || run_thread
	! wants ct || run_ct
	! wants vm || run_vm
}

lane_wait() {
	! wants cli || bats_tests cli tests/cli/*.bats
	! wants netns || bats_tests netns $(fast_netns)
	! wants vm || run_vm
}

lane_slow() {
	# Not while everything waits: it may take a minute the first time.
	if ! sh tests/lib/get-root.sh "$build/peers" > "$work/log/root" 2>&1; then
		say "root: no Debian to boot can be had; tests that need one skip themselves"
	fi
	LIMIT=900 bats_tests netns tests/netns/*_slow.bats
}

# What this machine looks like to somebody who looks for leftovers of ours.
machine_state() {
	ip -o link show | awk '{ print "link", $2 }'
	ip route show table all
	ip -6 route show table all | sed 's/ expires [0-9]*sec//'
	ip rule
	ip -6 rule
	nft list ruleset 2>/dev/null
	ls -A /run/wireguard /etc/wireguard /run/netns 2>/dev/null
	ls -A "$TMPDIR"
}

# ---- everything ----

say "wgsuite: $suites"
if [ -n "$install" ]; then
	say "packages: what is missing is installed with apt-get"
	if ! sh contrib/packages.sh --install build try test; then
		record packages fail "install"
	fi
fi
case " $suites " in
*" netns "* | *" cli "*)
	if ! sh tests/lib/get-peers.sh "$build/peers"; then
		say "peers: Debian's packages cannot be had; tests that need them skip themselves"
	fi
	if [ -e tests/lib/get-clients.sh ] && ! sh tests/lib/get-clients.sh "$build/peers" > "$work/log/clients" 2>&1; then
		say "clients: not all can be had; tests that need them skip themselves"
	fi
	;;
esac

build_run "all, gcc" O="$build" CC=gcc WERROR=1 all unit-programs
machine_state > "$work/log/before"

if wants netns; then
	lane_slow &
	lanes="$lanes $!"
fi
lane_wait &
lanes="$lanes $!"
lane_compute &
lanes="$lanes $!"
wait

machine_state > "$work/log/after"
if diff -u "$work/log/before" "$work/log/after" > "$work/log/leftovers"; then
	record run pass "nothing is left behind"
else
	record run fail "nothing is left behind"
	cat "$work/log/leftovers"
fi

echo
awk -F'\t' '
{ n[$1, $2]++; if (!seen[$1]++) order[++suites] = $1 }
$2 == "fail" { failures[++nf] = $1 ": " $3 }
$2 == "skip" { skips[++ns] = $1 ": " $3 " (" $4 ")" }
END {
	for (i = 1; i <= suites; i++) {
		s = order[i]
		printf "%-9s %5d passed %4d failed %4d skipped\n", s, n[s, "pass"], n[s, "fail"], n[s, "skip"]
	}
	for (i = 1; i <= ns; i++)
		print "skipped: " skips[i]
	for (i = 1; i <= nf; i++)
		print "FAILED: " failures[i]
}' "$results"
say "logs: $work/log"
passed=$(grep -c $'^[^\t]*\tpass\t' "$results")
failed=$(grep -c $'^[^\t]*\tfail\t' "$results")
skipped=$(grep -c $'^[^\t]*\tskip\t' "$results")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
