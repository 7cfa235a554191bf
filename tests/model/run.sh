#!/bin/sh
# run.sh: lets spin(1) search all states of the models in this folder, and checks that it finds each mistake that a model
# names. Prints TAP. Needs spin and a C compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v spin > /dev/null || { echo "1..1"; echo "ok 1 models # SKIP spin is not installed"; exit 0; }
work=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-model.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
n=0 failed=0

# search MODEL [MACRO…]: prints the last part of what the search found. A mistake is found at once if transitions are tried in
# reverse order; a search of all states takes longer that way.
search() {
	model=$1
	shift
	rm -f pan*
	spin -a "$@" "$here/$model.pml"
	${CC:-cc} $([ $# -eq 0 ] && echo -O1 || echo -O0 -DREVERSE) -w -DSAFETY -o pan pan.c
	timeout 300 ./pan -E -m100000 -w22
}

# expect VERDICT NAME MODEL [MACRO…]; VERDICT: a pattern of the line that tells it.
expect() {
	verdict=$1 name=$2
	shift 2
	n=$((n + 1))
	out=$(search "$@" 2>&1) || true
	if echo "$out" | grep -Eq "$verdict" && ! echo "$out" | grep -q "max search depth too small\|out of memory"; then
		echo "ok $n $name"
	else
		failed=1
		echo "not ok $n $name"
		echo "$out" | sed 's/^/# /'
	fi
}

echo "1..15"
expect 'errors: 0$' "hand-over: no counter is used twice, and one process runs" takeover
expect 'assertion violated .*used' "finds: the old process keeps its sessions, the new one does not wait" takeover -DNO_EXPIRE -DNO_GO
expect 'assertion violated .*used' "finds: the old process keeps its sessions and goes on" takeover -DNO_EXPIRE -DKEEP_ON
expect 'assertion violated .*runs' "finds: the new process does not wait" takeover -DNO_GO
expect 'assertion violated .*runs' "finds: the old process goes on" takeover -DKEEP_ON
expect 'assertion violated .*runs' "finds: a thread still sends when the state is exported" takeover -DNO_PAUSE
expect 'errors: 0$' "interim process: no counter is used twice, and one process runs" takeover -DINTERIM
expect 'assertion violated .*runs' "finds: the interim process does not end" takeover -DINTERIM -DGO_ON
expect 'assertion violated .*runs' "finds: the connection is stored too late" takeover -DINTERIM -DLATE_LEND
expect 'errors: 0$' "state in the file descriptor store: no counter is used twice" fd_store
for mistake in "NO_CLAIM a state is not marked as taken" "LATE_CLAIM it is marked after packets were sent" \
	"SPLIT_CLAIM two processes see that it is not taken" "NO_PAUSE a thread still sends when it is exported" \
	"NO_EXPIRE the process that stored it still sends"; do
	expect 'assertion violated .*used' "finds: ${mistake#* }" fd_store "-D${mistake%% *}"
done
exit $failed
