# Tests that take long and mostly repeat others, on one of several days. `load ../lib/netns` includes it.

# today I N: this is that one of N days (WGSUITE_DAY), or all are to run (WGSUITE_COMPLETE=yes).
today() {
	[ "${WGSUITE_COMPLETE-}" = yes ] || [ $((${WGSUITE_DAY:-$(($(date +%s) / 86400))} % $2)) -eq "$1" ]
}

# on_day I N: skips the test on the other days. tests/run.sh knows the reason, and does not count it as skipped.
on_day() { today "$1" "$2" || skip "on another day"; }
