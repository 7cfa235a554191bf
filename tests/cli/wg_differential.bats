#!/usr/bin/env bats
# Differential test of wg with the wg of wireguard-tools over scripted sockets: for seeded random command lines, tunnel
# files, device states and terminals, both have the same output, errors, exit status and requests, except for the
# differences in differential/rules.py. Every rule must be needed.

bats_require_minimum_version 1.5.0
load wg

compare() { # compare PROGRAM
	[ -n "${WGSUITE_BOX-}" ] || skip "only in tests/lib/box.sh"
	PYTHONDONTWRITEBYTECODE=1 python3 "$BATS_TEST_DIRNAME/differential/run.py" "$WG" "$1" 2000
}

debians() {
	local theirs=${WGSUITE_PEERS:-$root/build/peers}/wg
	[ -x "$theirs" ] || theirs=/usr/bin/wg
	case $("$theirs" --version) in
	"wireguard-tools v1.0.20210914 "*) ;;
	*) skip "Debian's wg is not available" ;;
	esac
	compare "$theirs"
}

newest() {
	local theirs=${WGSUITE_PEERS:-$root/build/peers}/wg-new
	[ -x "$theirs/wg" ] || skip "the newest wg is not available"
	case $("$theirs/ld-linux-x86-64.so.2" --library-path "$theirs" "$theirs/wg" --version) in
	"wireguard-tools v1.0.20260223 "*) ;;
	*) skip "a newer version than this test knows" ;;
	esac
	compare "$theirs"
}

@test "2,000 cases against Debian's wg or the newest wg of wireguard-tools: another one each day" {
	local others=(debians newest) day=${WGSUITE_DAY:-$(($(date +%s) / 86400))}
	[ "${WGSUITE_COMPLETE-}" = yes ] || others=("${others[day % 2]}")
	for other in "${others[@]}"; do
		echo "# $other" >&3
		"$other"
	done
}
