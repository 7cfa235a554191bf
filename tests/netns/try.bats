#!/usr/bin/env bats
# contrib/try.sh shows a handshake, reports failures, and leaves nothing behind. It builds into build/.
bats_require_minimum_version 1.5.0

setup() {
	[ -n "${WGSUITE_BOX-}" ] || { echo "must run in tests/lib/box.sh" >&2; return 1; }
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-try.XXXXXX")
	# Its own folder for temporary files: other tests use the shared one at the same time.
	export TMPDIR=$scratch/tmp
	mkdir "$TMPDIR"
	before=$(machine_state)
}

teardown() {
	rm -rf "$scratch"
}

# machine_state: everything that try.sh could leave behind.
machine_state() {
	ip -o link show | cut -d: -f2
	ls -A /run /run/netns /run/wireguard /etc/wireguard 2>/dev/null || true
	pgrep -x wireguardd || true
	ls -A "$TMPDIR"
}

@test "try.sh completes a handshake and pings, shows no private key, and leaves nothing behind" {
	run -0 sh "$root/contrib/try.sh"
	echo "$output"
	[[ $output == *"3 packets transmitted, 3 received, 0% packet loss"* ]]
	[[ $output == *"  latest handshake: "* ]]
	# No private key is shown.
	! grep -qE 'PrivateKey = [A-Za-z0-9+/]{43}=' <<< "$output"
	[ "$(machine_state)" = "$before" ]
}

@test "try.sh in another folder reports a failed ping and leaves nothing behind" {
	# A ping that fails.
	printf '#!/bin/sh\nexit 1\n' > "$scratch/ping"
	chmod +x "$scratch/ping"
	cd "$root/contrib"
	run ! env PATH="$scratch:$PATH" sh try.sh
	echo "$output"
	[[ $output == *"try.sh: FAILED"* ]]
	[[ $output != *"It works"* ]]
	[ "$(machine_state)" = "$before" ]
}

@test "try.sh leaves nothing behind when interrupted" {
	# A ping that reports that it runs and then waits forever.
	mkfifo "$scratch/reached"
	printf '#!/bin/sh\necho > %s/reached\nexec sleep infinity\n' "$scratch" > "$scratch/ping"
	chmod +x "$scratch/ping"
	# Background jobs of a shell ignore SIGINT; this one must not.
	PATH="$scratch:$PATH" env --default-signal=INT,QUIT setsid sh "$root/contrib/try.sh" \
		> "$scratch/out" 2>&1 3>&- < /dev/null &
	main=$!
	timeout 100 cat "$scratch/reached" > /dev/null
	# As Ctrl-C does: to the whole process group.
	kill -INT -- "-$main"
	code=0
	wait "$main" || code=$?
	cat "$scratch/out"
	[ "$code" != 0 ]
	restored() { [ "$(machine_state)" = "$before" ]; }
	for _ in $(seq 600); do
		! restored || break
		sleep 0.1
	done
	restored
}
