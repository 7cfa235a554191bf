#!/usr/bin/env bats
# Our wg beside Debian's over scripted sockets: seeded cases of command lines, tunnel files and device
# states agree in output, errors, exit code and the bytes sent, but for the reasons listed in
# differential/rules.py, of which each is needed and checked.

bats_require_minimum_version 1.5.0
load wg

@test "2,000 cases against Debian's wg" {
	local theirs=${WGSUITE_PEERS:-$root/build/peers}/wg
	[ -n "${WGSUITE_BOX-}" ] || skip "only in tests/lib/box.sh"
	[ -x "$theirs" ] || theirs=/usr/bin/wg
	case $("$theirs" --version) in
	"wireguard-tools v1.0.20210914 "*) ;;
	*) skip "Debian's wg is not here" ;;
	esac
	PYTHONDONTWRITEBYTECODE=1 python3 "$BATS_TEST_DIRNAME/differential/run.py" "$WG" "$theirs" 2000
}
