# wg-quick reload between random tunnel files, another sample each day; reload_pairs.py lists what must be equal.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# Of the pairs of 40 days, so that a run finds what the change under test has broken.
PAIRS=12 DAYS=40
pairs() { ON_LIMIT=3000 on a python3 "$BATS_TEST_DIRNAME/reload_pairs.py" "$@"; }

@test "after reload the host is as after up: random pairs of tunnel files" {
	day=$((${WGSUITE_DAY:-$(($(date +%s) / 86400))} % DAYS))
	if [ "${WGSUITE_COMPLETE-}" = yes ]; then
		pairs 1 $((PAIRS * DAYS))
	else
		pairs $((1 + PAIRS * day)) $PAIRS
	fi
}
