#!/bin/sh
# run.sh [--no-install] [SUITE…]: installs missing packages, builds the programs with gcc and clang, and runs the tests
# of the given suites (default: all) as root. Suites: lint build unit fuzz sim sanitize thread ct cross cli netns vm.
# Some tests that take long and mostly repeat others run with another sample each day; WGSUITE_DAY=N chooses the sample,
# WGSUITE_COMPLETE=yes runs all: every compiler and C library, every module with sanitizers, every optimization of the constant-time test, every kernel with every test,
# both versions of wg to compare with, every signal at each step of wg-quick, every unit test and round of random tests on emulated
# machines, and of the random simulation more seeds.
# run.sh --check: the suites that need neither root nor network: lint unit fuzz sim cli; nothing is installed.
# Tests are found by wildcard: tests/unit/MODULE/[FOLDER/]X_test.c, tests/sim/X_sim.c, tests/fuzz/MODULE_X.c,
# tests/cli/X.bats, tests/netns/X.bats. Those that change networks or /etc run in namespaces (tests/lib/box.sh).
# The last line is "N passed, N failed, N skipped"; exit status 0 if no test failed.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1

all_suites="lint build unit fuzz sim sanitize thread ct cross cli netns vm"
install=yes
check=
suites=
for word; do
	case $word in
	--no-install) install= ;;
	--check) check=yes install= suites="lint unit fuzz sim cli" ;;
	-h | --help) sed -n '2,12s/^# //p' "$0"; exit 0 ;;
	*)
		case " $all_suites " in
		*" $word "*) suites="$suites $word" ;;
		*) echo "run.sh: unknown suite: $word (expected: $all_suites)" >&2; exit 2 ;;
		esac
		;;
	esac
done
: "${suites:=$all_suites}"

if [ -z "$check" ] && [ "$(id -u)" != 0 ]; then
	echo "run.sh: must be run as root; network namespaces and TUN devices need it" >&2
	echo "  help: sudo sh tests/run.sh, or make check for the tests that do not need root" >&2
	exit 1
fi

build=${WGSUITE_BUILD:-$PWD/build}
work=$build/check
jobs=$(nproc)
start=$SECONDS
rm -rf "$work/log" "$work/vm"
mkdir -p "$work/log/claimed"
results=$work/log/results
: > "$results"
# All temporary files in one folder, so that leftovers show.
TMPDIR=$(mktemp -d /tmp/wgsuite-run.XXXXXX)
chmod 1777 "$TMPDIR" # some tests become nobody
export TMPDIR
export WGSUITE_BUILD=$build WGSUITE_PEERS=$build/peers
export CMOCKA_MESSAGE_OUTPUT=tap
export WGSUITE_DAY="${WGSUITE_DAY:-$(($(date +%s) / 86400))}" # the same for all, also after midnight
if [ "${WGSUITE_COMPLETE-}" = yes ]; then
	export COMPILERS=all CT_LEVELS="-O0 -O2 -O3 -Os" WGSUITE_VM_COMPLETE="6.1 6.12 7.2" WGSUITE_SAMPLE=1
	seeds=1000
else
	seeds=400
fi
export ASAN_OPTIONS=strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer || true)
export ASAN_SYMBOLIZER_PATH

# Each lane is a background job and the leader of its process group. No other process is signalled.
set -m
lanes=
installing=
finish() {
	trap '' INT TERM HUP
	[ -z "$installing" ] || wait "$installing" 2> /dev/null # dpkg must not be killed
	for lane in $lanes; do
		kill -KILL -- "-$lane" 2>/dev/null && wait "$lane" 2>/dev/null
	done
	rm -rf "$TMPDIR"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

. tests/lib/days.bash

log() {
	printf '[%3d s] %s\n' "$((SECONDS - start))" "$*"
}

record() { # record SUITE pass|fail|skip NAME [REASON]
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4-}" >> "$results"
}

selected() { # selected SUITE
	case " $suites " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# claim NAME: succeeds for the first lane that asks for this piece of work.
claim() {
	mkdir "$work/log/claimed/${1//\//_}" 2> /dev/null
}

# duration SECONDS TIME_FILE NAME: notes seconds, and milliseconds of CPU time (user and system, as the shell measured them).
TIMEFORMAT='%3U %3S'
duration() {
	local user system
	read -r user system < "$2"
	printf '%5d s %7d ms %s\n' "$1" $((10#${user//[.,]/} + 10#${system//[.,]/})) "$3" >> "$work/log/durations"
}

# Reads TAP; prints "SUITE pass|fail|skip NAME REASON" lines. Tests of the plan that did not report count as a failure. Tests
# that run on another day (WGSUITE_DAY) are not skipped but of the kind "other day".
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
			print suite, why ~ /^on another day/ ? "other day" : "skip", name ": " text, why
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

# test_run SUITE NAME COMMAND…: runs the command, counts its TAP (or its exit code), shows the output of failures. It starts as
# few programs as it can, because it is called hundreds of times. The time limit only ends what hangs: there are machines on which a
# system call takes a microsecond and a new process six milliseconds, so that a file of tests takes ten times as long.
test_run() {
	local suite=$1 name=$2 log began=$SECONDS code line lines passed failed skipped
	shift 2
	log=$work/log/$suite-${name//[^A-Za-z0-9_.-]/_}.log
	run_once "$@"
	# These tests depend on when the processor is free: on a busy machine, a second run decides, and the first is reported. What a
	# sanitizer reports is a fault, however rarely, and what took too long would do so again.
	if [ "$failed" != 0 ] && [ "$code" != 124 ] && [[ $suite =~ ^(netns|cli|unit|thread)$ ]] && ! grep -qs Sanitizer "$log" "$log.err"; then
		log "$suite: $name: $failed failed, running it again"
		cat "$log" "$log.err" > "$log.first"
		grep -vE '^ok |^1\.\.' "$log.first" | tail -n 20
		run_once "$@"
		[ "$failed" != 0 ] || record "$suite" skip "$name: first run" "failed, and passed when run again: see $log.first"
	fi
	for line in "${lines[@]}"; do
		printf '%s\n' "$line" # a write for each, between which other lanes may write theirs
	done >> "$results"
	duration "$((SECONDS - began))" "$log.time" "$suite: $name"
	name="$suite: $name: $passed passed"
	[ "$failed" = 0 ] || name="$name, $failed FAILED"
	[ "$skipped" = 0 ] || name="$name, $skipped skipped"
	if [ "$failed" = 0 ]; then
		log "$name ($((SECONDS - began)) s)"
		return
	fi
	{
		log "$name ($((SECONDS - began)) s)"
		echo "---- $log"
		grep -vE '^ok |^1\.\.' "$log" | tail -n 60
		tail -n 60 "$log.err"
		echo "----"
	} > "$log.shown"
	cat "$log.shown"
}

# run_once COMMAND…: for test_run, whose variables it sets.
run_once() {
	local line
	code=0 passed=0 failed=0 skipped=0
	{ time timeout --foreground -k 10 "${LIMIT:-1800}" "$@" > "$log" 2> "$log.err" < /dev/null; } 2> "$log.time" || code=$?
	[ "$code" != 124 ] || echo "time limit of ${LIMIT:-1800} s" >> "$log.err"
	mapfile -t lines < <(read_tap "$suite" "$name" "$code" < "$log")
	for line in "${lines[@]}"; do
		case $line in
		"$suite"$'\tpass\t'*) passed=$((passed + 1)) ;;
		"$suite"$'\tfail\t'*) failed=$((failed + 1)) ;;
		"$suite"$'\tskip\t'*) skipped=$((skipped + 1)) ;;
		esac
	done
}

# build_run NAME MAKE_ARGUMENT…: one build, counted as a test of the suite "build". Debug information is lines only:
# finding the variables of code with sanitizers takes the compiler longer than all the rest.
build_run() {
	local name=$1 began=$SECONDS log
	shift
	log=$work/log/build-${name//[^A-Za-z0-9_.-]/_}.log
	if { time make -k -j"$jobs" --no-print-directory CFLAGS=-g1 "$@" > "$log" 2>&1 < /dev/null; } 2> "$log.time"; then
		record build pass "$name"
		log "build: $name: done ($((SECONDS - began)) s)"
	else
		record build fail "$name"
		log "build: $name: FAILED ($((SECONDS - began)) s)"
		echo "---- $log"
		grep -vE '^  (CC|AR|LD) ' "$log" | tail -n 60
		echo "----"
	fi
	duration "$((SECONDS - began))" "$log.time" "build: $name"
}

unit_programs() { # unit_programs MODULE…: without build folder
	local module
	for module; do
		find "tests/unit/$module" -name '*_test.c' | sort | sed 's/\.c$//'
	done
}

unit_tests() { # unit_tests BUILD SUITE PROGRAM…
	local out=$1 suite=$2 program name
	shift 2
	for program; do
		name=${program#tests/unit/}
		case " $library_modules " in
		*" ${name%%/*} "*) test_run "$suite" "$name" "$out/$program" ;; # they change nothing outside
		*) test_run "$suite" "$name" sh tests/lib/box.sh "$out/$program" ;;
		esac
	done
}

sims() { # without build folder
	ls tests/sim/*_sim.c | sed 's/\.c$//'
}

sim_tests() { # sim_tests BUILD SUITE SEEDS AFTER: other seeds each day
	local program after=$((WGSUITE_DAY * 2000 + $4))
	for program in $(sims); do
		WGSUITE_SEEDS=$3 WGSUITE_SEEDS_AFTER=$after test_run "$2" "${program#tests/}" "$1/$program"
	done
}

fuzz_targets() { # fuzz_targets MODULE…: without build folder
	local module
	for module; do
		ls tests/fuzz/"$module"_*.c 2> /dev/null | sed 's/\.c$//'
	done
}

fuzz_tests() { # fuzz_tests BUILD SUITE TARGET…
	local out=$1 suite=$2 target
	shift 2
	for target; do
		test_run "$suite" "corpus of ${target#tests/fuzz/}" "$out/${target}_replay" "tests/fuzz/corpus/${target#tests/fuzz/}"
	done
}

tests_of() { # tests_of MODULE…: all of the above but the simulator
	unit_programs "$@"
	printf '%s_replay\n' $(fuzz_targets "$@")
}

bats_test() { # bats_test SUITE FILE [BATS_OPTION…]
	local suite=$1 file=$2
	shift 2
	local name=${file##*/}
	test_run "$suite" "${name%.bats}" sh tests/lib/box.sh bats --tap "$@" "$file"
}

# ---- pieces of work that compute: job_NAME, each selected by its suite ----

library_modules="base crypto model check proto lib"
program_modules="ipc report wg quick daemon"
modules="$library_modules $program_modules"

job_lint() {
	test_run lint lints sh tests/lint/all.sh "$build"
	[ -n "$check" ] || test_run lint "tests of the lints" sh tests/lint/selftest.sh
}

job_unit() { unit_tests "$build" unit $(unit_programs $modules); }
job_fuzz() { fuzz_tests "$build" fuzz $(fuzz_targets $modules); }
job_sim() {
	sim_tests "$build" sim "$([ -n "$check" ] && echo 200 || echo "$seeds")" 0
	test_run sim models sh tests/model/run.sh
}

# What clang warns of does not depend on the optimization, but what its code calls does. None of it is run, and none has
# debug information.
job_build() {
	local pure
	pure=$(cd src && ls quick/config/*.c quick/plan/*.c quick/diagnosis/*.c quick/monitor/*.c | sed "s|^|$work/clang/src/|; s|c\$|o|")
	build_run "pure modules, clang" O="$work/clang" CC=clang CFLAGS=-g0 WERROR=1 "$work"/clang/lib{base,crypto,model,check,proto}.a $pure
	test_run lint "purity, clang" sh tests/lint/purity.sh "$work/clang"
	build_run "programs and half of the tests, clang" O="$work/clang" CC=clang CFLAGS=-g0 OPT=-O0 WERROR=1 LIBRARY_CRYPTO="$build/library/crypto.a" \
		all $(printf "$work/clang/%s " $(! today 0 2 || tests_of $program_modules) $(! today 1 2 || { tests_of $library_modules; sims; }))
}
# Other compilers, C libraries and kernel headers. get_releases has begun to fetch them.
job_build-releases() {
	get_releases
	LIMIT=2700 bats_test build tests/build/builds.bats
}
job_build-compilers() {
	get_releases
	bats_test build tests/build/compilers.bats
}

# Cryptographic code is many times slower with sanitizers. On one day it is tested, with the modules that it is in the library
# with, and the simulator; on the next the other modules, linked with that of the main build. What most of the time is spent in is
# optimized: cryptography, base, the library and the simulator. The rest is sooner compiled than run.
job_sanitize() {
	! today 0 2 || sanitize_library
	! today 1 2 || sanitize_programs
}
sanitized="O=$work/asan CC=gcc SAN=address,undefined LIBRARY_CRYPTO=$build/library/crypto.a"
sanitize_library() {
	local modules=${library_modules/crypto/} simulator
	rm -f "$work/asan/libcrypto.a"
	simulator="$work/asan/libwgproto.a $(ls tests/sim/*.c | sed "s|^|$work/asan/|; s|c\$|o|")"
	build_run "tests of crypto, gcc, address and undefined" $sanitized OPT=-O1 $(printf "$work/asan/%s " $(tests_of crypto)) $simulator
	unit_tests "$work/asan" sanitize $(unit_programs crypto)
	fuzz_tests "$work/asan" sanitize $(fuzz_targets crypto)
	cp "$build/libcrypto.a" "$work/asan/libcrypto.a"
	build_run "tests of the library, gcc, address and undefined" $sanitized OPT=-O0 $(printf "$work/asan/%s " $(tests_of $modules) $(sims))
	unit_tests "$work/asan" sanitize $(unit_programs $modules)
	sim_tests "$work/asan" sanitize "$((seeds / 2))" 1000
	fuzz_tests "$work/asan" sanitize $(fuzz_targets $modules)
}
sanitize_programs() {
	mkdir -p "$work/asan"
	cp "$build/libcrypto.a" "$work/asan/libcrypto.a"
	build_run "tests of the programs, gcc, address and undefined" -o "$work/asan/libcrypto.a" $sanitized OPT=-O0 $(printf "$work/asan/%s " $(tests_of $program_modules))
	unit_tests "$work/asan" sanitize $(unit_programs $program_modules)
	fuzz_tests "$work/asan" sanitize $(fuzz_targets $program_modules)
}

# In modules with threads or atomics, the tests that name threads or what starts some: a thread sanitizer has nothing to find
# in the others.
job_thread() {
	local threaded programs
	threaded=$(for module in $modules; do
		! grep -rqE 'pthread|stdatomic|_Atomic' "src/$module" || echo "$module"
	done)
	programs=$(grep -lE 'thread|worker|resolve|uapi_script' $(unit_programs $threaded | sed 's/$/.c/') | sed 's/\.c$//')
	build_run "programs and tests, gcc, thread" O="$work/tsan" CC=gcc OPT=-O1 SAN=thread LIBRARY_CRYPTO="$build/library/crypto.a" "$work/tsan/wg" "$work/tsan/wireguardd" \
		$(printf "$work/tsan/%s " $programs)
	unit_tests "$work/tsan" thread $programs
	WGSUITE_BUILD="$work/tsan" bats_test thread tests/netns/daemon_threads.bats --filter-tags '!uninstrumented'
}

job_ct() { test_run ct "constant time" bash tests/ct/run.sh "$work/ct"; }
job_cross-aarch64() { test_cross aarch64; }
job_cross-s390x() { test_cross s390x; }
job_cross-armhf() { test_cross armhf; }
test_cross() { test_run cross "$1" bash tests/cross/run.sh "$1" "$work/$1"; }
job_vm-6.12() { test_vm 6.12; }
job_vm-7.2() { test_vm 7.2; }
job_vm-6.1() { test_vm 6.1; }
# Each day another kernel runs every test (tests/vm/run.sh).
test_vm() {
	local kernels=(6.1 6.12 7.2)
	[ "${WGSUITE_COMPLETE-}" = yes ] || [ "$1" = "${kernels[WGSUITE_DAY % 3]}" ] || return
	WGSUITE_VM_TREE="$work/vm" LIMIT=3900 test_run vm "kernel $1" bash tests/vm/run.sh "$1"
}

# ---- lanes ----

# Lanes that compute give way to those of the network tests, whose time limits must not depend on the load. The first
# begins with the kernels, the second with what fails soonest; either continues with what the others have left, and the
# network tests' first lane with them. What takes long is done before what is short, so that all end at about the same time.
# The last one compiles with all processors.
rest="build-releases sanitize ct cross-armhf cross-s390x thread build vm-6.1 vm-7.2 vm-6.12 cross-aarch64
	sim lint unit fuzz build-compilers"
lane_compute() { # lane_compute JOB…
	local job
	renice -n 10 -p "$BASHPID" > /dev/null
	for job; do
		selected "${job%-*}" && claim "$job" && "job_$job"
	done
}

# Network tests and those of the command line, the long ones first: most of the time they wait.
long="quick_syscalls_slow quick_reload_faults_slow quick_faults_slow adversary_slow interop_rekey_slow wg_differential daemon_path quick_updown
	quick_laptop_slow systemd_slow packages_slow fleet_slow other_programs adversary lifecycle_badinput interop"
bats_files() {
	local name
	for name in $long; do
		ls "tests/netns/$name.bats" "tests/cli/$name.bats" 2> /dev/null
	done
	ls tests/netns/*.bats tests/cli/*.bats
}
lane_wait() {
	local file suite
	for file in $(bats_files); do
		suite=${file#tests/}
		suite=${suite%%/*}
		selected "$suite" && claim "$file" || continue
		case $check-$(basename "$file") in
		yes-wg_differential.bats | yes-wg_clients.bats) continue ;; # they compare with programs from the network
		-systemd_slow.bats | -other_programs.bats | -fleet_slow.bats)
			sh tests/lib/get-root.sh "$build/peers" >> "$work/log/root" 2>&1 ||
				log "root: cannot make a Debian to boot; tests that need one will be skipped"
			;;
		-packages_slow.bats)
			get_root_of_packages > "$work/log/root-packages" 2>&1 ||
				log "root: cannot make the Debian of today for packages; their tests will be skipped"
			;;
		esac
		case $file in
		*_slow.bats) LIMIT=2700 bats_test "$suite" "$file" ;;
		*) bats_test "$suite" "$file" ;;
		esac
	done
}

# What this machine shows of networks and files that the tests may leave behind.
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

# The Debian that tests of packages boot (tests/lib/package_builds.bash): 13 has its compiler in get_releases.
get_root_of_packages() {
	if [ "${WGSUITE_COMPLETE-}" = yes ] || [ $((WGSUITE_DAY % 3)) = 2 ]; then
		get_releases
		sh tests/lib/get-root.sh "$build/peers" trixie || return
	fi
	sh tests/lib/get-root.sh "$build/peers"
}

install_packages() { # install_packages GROUP…
	sh contrib/packages.sh --install "$@" || record packages fail "install $*"
}
installed=$work/log/packages-installed # exists when all are
wait_for_packages() {
	until [ -e "$installed" ] || ! kill -0 "$installing" 2> /dev/null; do
		sleep 0.2
	done
}

# What is downloaded, in the background. get_releases waits for one that is running.
get_releases() {
	[ "$(uname -m)" = x86_64 ] || return 0
	nice sh tests/lib/get-releases.sh "$build/peers" >> "$work/log/releases" 2>&1 ||
		log "releases: cannot make some releases of Debian; tests that need them will be skipped"
}
get_peers() {
	sh tests/lib/get-peers.sh "$build/peers" > "$work/log/peers" 2>&1 || echo "cannot fetch all programs" >> "$work/log/peers"
}

# ---- everything ----

log "wgsuite: $suites (day $WGSUITE_DAY)"
if [ -n "$install" ]; then
	log "packages: installing those that are missing"
	install_packages build unit
fi
peers=
if [ -z "$check" ] && { selected netns || selected cli || selected build; }; then
	get_peers &
	peers=$! lanes=$!
fi
# While dpkg unpacks the rest, which takes one processor two minutes on a fresh machine, the other one compiles.
{
	[ -z "$install" ] || install_packages try test
	: > "$installed"
} &
installing=$!
if [ -z "$check" ] && selected build; then
	{ wait_for_packages && get_releases; } &
	lanes="$lanes $!"
fi
programs="all lib unit-programs"
[ -n "$check" ] || programs="$programs faults"
build_run "all, gcc" O="$build" CC="${CC:-gcc}" UNIT_OPT="-O0 -U_FORTIFY_SOURCE" WERROR=1 $programs
wait_for_packages
if [ -n "$peers" ]; then
	wait "$peers"
	# apt may not have had lists of packages before those above were installed.
	! grep -q '^cannot' "$work/log/peers" || get_peers
	! grep '^cannot' "$work/log/peers" || log "peers: tests that need these will be skipped"
fi
machine_state > "$work/log/before"

lane_compute vm-6.12 vm-7.2 vm-6.1 $rest &
lanes="$lanes $!"
lane_compute lint unit fuzz sim build thread $rest &
lanes="$lanes $!"
{ lane_wait; lane_compute $rest; } &
lanes="$lanes $!"
for lane in 2 3; do
	lane_wait &
	lanes="$lanes $!"
done
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
log "logs: $work/log"
others=$(grep -c $'^[^\t]*\tother day\t' "$results")
[ "$others" = 0 ] || echo "$others tests run on other days, and with WGSUITE_COMPLETE=yes"
passed=$(grep -c $'^[^\t]*\tpass\t' "$results")
failed=$(grep -c $'^[^\t]*\tfail\t' "$results")
skipped=$(grep -c $'^[^\t]*\tskip\t' "$results")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
