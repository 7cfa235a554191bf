# Runs the cases of tests/netns/adversary in bats: adversary_start fast|slow starts all cases of that kind in parallel,
# verdict CASE waits for one of them, prints its output and fails if it failed. With ADVERSARY_SLOW=1 the slow cases
# include those that take ten minutes.

PYTHON=/usr/bin/python3
ADVERSARY=$BATS_TEST_DIRNAME/adversary

adversary_start() {
	export PYTHONDONTWRITEBYTECODE=1
	ADVERSARY_OUT=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-adversary.XXXXXX") ADVERSARY_MISSING= ADVERSARY_PID=
	export ADVERSARY_OUT ADVERSARY_MISSING ADVERSARY_PID
	if ! "$PYTHON" -c 'import cryptography.hazmat.primitives.ciphers.aead' 2>/dev/null; then
		ADVERSARY_MISSING="python3-cryptography is not installed"
		return
	fi
	"$PYTHON" "$ADVERSARY/run.py" --list | tee "$ADVERSARY_OUT/all" |
		awk -v kind="$1" -v more="${ADVERSARY_SLOW-}" '$2 == kind || kind == "slow" && $2 == "slowest" && more == 1 {
			print $1 }' > "$ADVERSARY_OUT/names"
	# The cases end with the runner, and the daemons with their case.
	"$PYTHON" "$ADVERSARY/run.py" --out "$ADVERSARY_OUT" $(cat "$ADVERSARY_OUT/names") \
		> "$ADVERSARY_OUT/run" 2>&1 < /dev/null 3>&- 4>&- &
	ADVERSARY_PID=$!
	disown "$ADVERSARY_PID"
}

adversary_stop() {
	[ -z "$ADVERSARY_PID" ] || kill "$ADVERSARY_PID" 2>/dev/null || true
	rm -rf "$ADVERSARY_OUT"
}

adversary_require() {
	[ -z "$ADVERSARY_MISSING" ] || skip "$ADVERSARY_MISSING"
}

verdict() {
	grep -qx "$1" "$ADVERSARY_OUT/names" || skip "takes ten minutes; ADVERSARY_SLOW=1 runs it"
	while [ ! -e "$ADVERSARY_OUT/$1.code" ]; do
		if ! kill -0 "$ADVERSARY_PID" 2>/dev/null && [ ! -e "$ADVERSARY_OUT/$1.code" ]; then
			echo "the runner ended before case $1:"
			cat "$ADVERSARY_OUT/run" "$ADVERSARY_OUT/$1"
			return 1
		fi
		sleep 0.05
	done
	cat "$ADVERSARY_OUT/$1"
	[ "$(cat "$ADVERSARY_OUT/$1.code")" = 0 ]
}

# every_case_is_listed KIND…: the .bats file has a test for each case of these kinds.
every_case_is_listed() {
	diff <(awk -v kinds=" $* " 'index(kinds, " " $2 " ") { print $1 }' "$ADVERSARY_OUT/all" | sort) <(sed -n 's/.* verdict \([a-z0-9]*\); }$/\1/p' "$BATS_TEST_FILENAME" | sort)
}
