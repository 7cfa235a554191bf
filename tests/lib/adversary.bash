# The cases of tests/netns/adversary for bats: adversary_begin fast|slow plays all of that kind beside each other,
# verdict CASE waits for one and shows what it said when it failed. With ADVERSARY_SLOW=1 the slow ones include
# those that take ten minutes.

PYTHON=/usr/bin/python3
ADVERSARY=$BATS_TEST_DIRNAME/adversary

adversary_begin() {
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
	# Ended with what it started: cases die with it, and every daemon with its case.
	"$PYTHON" "$ADVERSARY/run.py" --out "$ADVERSARY_OUT" $(cat "$ADVERSARY_OUT/names") \
		> "$ADVERSARY_OUT/run" 2>&1 < /dev/null 3>&- 4>&- &
	ADVERSARY_PID=$!
	disown "$ADVERSARY_PID"
}

adversary_end() {
	[ -z "$ADVERSARY_PID" ] || kill "$ADVERSARY_PID" 2>/dev/null || true
	rm -rf "$ADVERSARY_OUT"
}

adversary_ready() {
	[ -z "$ADVERSARY_MISSING" ] || skip "$ADVERSARY_MISSING"
}

verdict() {
	grep -qx "$1" "$ADVERSARY_OUT/names" || skip "it takes ten minutes; ADVERSARY_SLOW=1 runs it"
	while [ ! -e "$ADVERSARY_OUT/$1.code" ]; do
		if ! kill -0 "$ADVERSARY_PID" 2>/dev/null && [ ! -e "$ADVERSARY_OUT/$1.code" ]; then
			echo "the runner ended before $1 did:"
			cat "$ADVERSARY_OUT/run" "$ADVERSARY_OUT/$1"
			return 1
		fi
		sleep 0.05
	done
	cat "$ADVERSARY_OUT/$1"
	[ "$(cat "$ADVERSARY_OUT/$1.code")" = 0 ]
}

# Each case has its line in the .bats file, so that its verdict is counted.
all_are_asked_for() { # all_are_asked_for KIND…
	diff <(awk -v kinds=" $* " 'index(kinds, " " $2 " ") { print $1 }' "$ADVERSARY_OUT/all" | sort) <(sed -n 's/.* verdict \([a-z0-9]*\); }$/\1/p' "$BATS_TEST_FILENAME" | sort)
}
