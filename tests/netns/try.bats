#!/usr/bin/env bats
# What a newcomer runs first: contrib/try.sh shows a handshake, fails loudly, and leaves nothing behind.
# It builds into build/ by itself.
bats_require_minimum_version 1.5.0

setup() {
	[ -n "${WGSUITE_BOX-}" ] || { echo "run this inside tests/lib/box.sh" >&2; return 1; }
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-try.XXXXXX")
	before=$(traces)
}

teardown() {
	rm -rf "$scratch"
}

traces() {
	ip -o link show | cut -d: -f2
	ls -A /run /run/netns /run/wireguard /etc/wireguard 2>/dev/null || true
	pgrep -x wireguardd || true
	find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'wgsuite-mounts.*'
}

@test "try.sh: keys, tunnel files, up, pings through, a handshake, down, nothing left" {
	run -0 sh "$root/contrib/try.sh"
	echo "$output"
	[[ $output == *"3 packets transmitted, 3 received, 0% packet loss"* ]]
	[[ $output == *"  latest handshake: "* ]]
	# No private key is shown.
	! grep -qE 'PrivateKey = [A-Za-z0-9+/]{43}=' <<< "$output"
	[ "$(traces)" = "$before" ]
}

@test "try.sh from another folder, when something fails: loud, and nothing left" {
	# A ping that never gets an answer.
	printf '#!/bin/sh\nexit 1\n' > "$scratch/ping"
	chmod +x "$scratch/ping"
	cd "$root/contrib"
	run ! env PATH="$scratch:$PATH" sh try.sh
	echo "$output"
	[[ $output == *"try.sh: FAILED"* ]]
	[[ $output != *"It works"* ]]
	[ "$(traces)" = "$before" ]
}

@test "try.sh interrupted in the middle leaves nothing" {
	# A ping that says that it was reached and then waits for ever.
	mkfifo "$scratch/reached"
	printf '#!/bin/sh\necho > %s/reached\nexec sleep infinity\n' "$scratch" > "$scratch/ping"
	chmod +x "$scratch/ping"
	# A shell's background jobs ignore the interrupt key: this one is to hear it.
	PATH="$scratch:$PATH" env --default-signal=INT,QUIT setsid sh "$root/contrib/try.sh" \
		> "$scratch/out" 2>&1 3>&- < /dev/null &
	main=$!
	timeout 100 cat "$scratch/reached" > /dev/null
	# As Ctrl-C does: the whole foreground group.
	kill -INT -- "-$main"
	code=0
	wait "$main" || code=$?
	cat "$scratch/out"
	[ "$code" != 0 ]
	gone() { [ "$(traces)" = "$before" ]; }
	for _ in $(seq 100); do
		! gone || break
		sleep 0.1
	done
	gone
}
