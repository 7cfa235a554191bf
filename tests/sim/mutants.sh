#!/bin/sh
# mutants.sh [-n] [-b BUILD] [NAME…]: mutation testing of src/proto. Applies the mutants of mutants.tsv one at a time to
# a copy of the tree in /tmp, and checks that a unit test or a simulation fails for each. NAME: only these mutants.
# -b: start from the object files of a finished build folder (-b /tmp/b-sim saves compiling everything). -n: build and
# run nothing, only check that each mutant still changes its file. Exit 1 if one survives or does not apply.
set -eu
cd "$(dirname "$0")/../.."

from= dry=
while getopts nb: option; do
	case $option in
	n) dry=yes ;;
	b) from=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
only=" $* "
tree=$(mktemp -d /tmp/wgsuite-mutants.XXXXXX)
trap 'rm -rf "$tree"' EXIT
cp -a src tests Makefile "$tree"
cp -a src/proto "$tree/original"
[ -z "$from" ] || cp -a "$from" "$tree/build"
cd "$tree"
strip -g build/lib*.a 2> /dev/null || true # linking is most of the work
all=$(ls tests/sim/*_sim.c tests/unit/proto/*_test.c | sed 's/\.c$//; /swarm_sim/d')

# The programs most likely to detect a change of this file, then all others, then the swarm.
in_order() {
	case $1 in
	tunnel_data.c | packet.c | replay.*) first="data timers roam" ;;
	cookie.c | limit.c | tunnel_admit.c) first="cookie" ;;
	session.c) first="limits timers" ;;
	noise.c | message.c) first="handshake config" ;;
	tunnel_config.c | peer.c) first="config timers" ;;
	tunnel_handshake.c | tunnel_initiate.c | tunnel_session.c) first="handshake cookie roam" ;;
	*) first="timers handshake" ;;
	esac
	first=$(printf 'tests/sim/%s_sim\n' $first)
	printf '%s\n' "$first"
	printf '%s\n' "$all" | grep -vxF "$first"
	echo tests/sim/swarm_sim
}

# Prints which program failed with the mutated FILE; false when all passed.
detected() {
	for program in $(in_order "$1"); do
		make -s O=build CFLAGS=-g0 "build/$program" > log 2>&1 || { cat log >&2; exit 1; }
		if ! timeout 120 "build/$program" > log 2>&1; then
			echo "$(basename "$program"): $(grep -m1 -aE '^seed|^\[ *ERROR|Error|Assertion' log | cut -c1-110)"
			return 0
		fi
	done
	return 1
}

export SWARM_SEEDS=80
if [ -z "$dry" ] && why=$(detected none); then
	echo "the tests fail without any mutant: $why"
	exit 1
fi

killed=0 survived=0 applied=0
while IFS="	" read -r name file script; do
	case $name in
	'' | '#'*) continue ;;
	esac
	case $only in
	"  " | *" $name "*) ;;
	*) continue ;;
	esac
	sed -i -E "$script" "src/proto/$file"
	if cmp -s "src/proto/$file" "original/$file"; then
		echo "DOES NOT APPLY  $name"
		survived=$((survived + 1))
		continue
	fi
	if [ -n "$dry" ]; then
		cp "original/$file" "src/proto/$file"
		applied=$((applied + 1))
		continue
	fi
	case $file in
	*.h) touch src/proto/*.c tests/sim/limits_sim.c tests/unit/proto/*.c ;;
	esac
	if ! make -s O=build CFLAGS=-g0 build/libproto.a > log 2>&1; then
		echo "DOES NOT BUILD  $name: $(grep -m1 error log)"
		survived=$((survived + 1))
	elif why=$(detected "$file"); then
		echo "killed          $name: $why"
		killed=$((killed + 1))
	else
		echo "SURVIVED        $name"
		survived=$((survived + 1))
	fi
	cp "original/$file" "src/proto/$file"
	case $file in
	*.h) touch src/proto/*.c tests/sim/limits_sim.c tests/unit/proto/*.c ;;
	esac
done < tests/sim/mutants.tsv
if [ -n "$dry" ]; then
	echo "# $applied apply, $survived do not"
else
	echo "# $killed killed, $survived survived"
fi
[ $survived = 0 ]
