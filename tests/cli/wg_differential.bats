#!/usr/bin/env bats
# Our wg beside Debian's over scripted sockets: seeded cases of command lines, tunnel files, device states,
# files and terminals agree in output, errors, exit code and the bytes sent, but for the reasons listed in
# differential/rules.py, of which each is needed and checked.

bats_require_minimum_version 1.5.0
load wg

compare() { # compare PROGRAM
	[ -n "${WGSUITE_BOX-}" ] || skip "only in tests/lib/box.sh"
	PYTHONDONTWRITEBYTECODE=1 python3 "$BATS_TEST_DIRNAME/differential/run.py" "$WG" "$1" 2000
}

@test "2,000 cases against Debian's wg" {
	local theirs=${WGSUITE_PEERS:-$root/build/peers}/wg
	[ -x "$theirs" ] || theirs=/usr/bin/wg
	case $("$theirs" --version) in
	"wireguard-tools v1.0.20210914 "*) ;;
	*) skip "Debian's wg is not here" ;;
	esac
	compare "$theirs"
}

@test "2,000 cases against the newest wg" {
	local theirs=${WGSUITE_PEERS:-$root/build/peers}/wg-new
	[ -x "$theirs/wg" ] || skip "the newest wg is not here"
	case $("$theirs/ld-linux-x86-64.so.2" --library-path "$theirs" "$theirs/wg" --version) in
	"wireguard-tools v1.0.20260223 "*) ;;
	*) skip "there is a newer one than is known here" ;;
	esac
	compare "$theirs"
}
