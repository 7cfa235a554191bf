#!/bin/sh
# mutants.sh [-b BUILD] [NAME…]: breaks src/proto in small ways, one at a time, on a copy in /tmp, and
# shows that a unit test or a simulation notices each. BUILD: a finished build folder to start from (-b
# /tmp/b-sim saves compiling everything); NAMES: those mutants only. Exit 1 when one survives or does
# not apply any more.
set -eu
cd "$(dirname "$0")/../.."

from=
if [ "${1-}" = -b ]; then
	from=$2
	shift 2
fi
only=" $* "
tree=$(mktemp -d /tmp/wgsuite-mutants.XXXXXX)
trap 'rm -rf "$tree"' EXIT
cp -a src tests Makefile "$tree"
cp -a src/proto "$tree/original"
[ -z "$from" ] || cp -a "$from" "$tree/build"
cd "$tree"
sims=$(ls tests/sim/*_sim.c | sed 's/\.c$//')
units=$(ls tests/unit/proto/*_test.c | sed 's/\.c$//')
swarm_seeds=80

build() { # every test, or as many as compile
	for program in $units $sims; do
		echo "build/$program"
	done | xargs make -k -s O=build > log 2>&1
}

# Says what noticed; false when nothing did.
noticed() {
	for program in $units $sims; do
		case $program in
		*/swarm_sim) continue ;;
		esac
		if ! timeout 120 "build/$program" > log 2>&1; then
			echo "$program: $(grep -m1 -E '^(not ok|\[  FAILED)|not true|Error' log | cut -c1-90)"
			return 0
		fi
	done
	if ! timeout 300 build/tests/sim/swarm_sim $swarm_seeds > log 2>&1; then
		echo "swarm: $(grep -m1 '^seed' log | cut -c1-90)"
		return 0
	fi
	return 1
}

build || { cat log; exit 1; }
if why=$(noticed); then
	echo "the tests fail without any mutant: $why"
	exit 1
fi

killed=0 survived=0
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
	case $file in
	*.h) touch src/proto/*.c tests/sim/limits_sim.c tests/unit/proto/*.c ;;
	esac
	if ! build; then
		echo "DOES NOT BUILD  $name: $(grep -m1 error log)"
		survived=$((survived + 1))
	elif why=$(noticed); then
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
echo "# $killed killed, $survived survived"
[ $survived = 0 ]
