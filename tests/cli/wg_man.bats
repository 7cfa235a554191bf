#!/usr/bin/env bats
# man/wg.8: valid markup, working examples, and a description of every subcommand, field and setting.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; }
teardown() { wg_teardown; }

page=$BATS_TEST_DIRNAME/../../man/wg.8

@test "mandoc reports no errors" {
	command -v mandoc || skip "no mandoc"
	# Manuals of this suite that are not installed are not errors.
	mandoc -T lint "$page" | grep -vE 'referenced manual not found|unknown manual' > lint || true
	diff /dev/null lint
}

# The commands of the EXAMPLES section.
examples() {
	awk '/^\.Sh/ { in_examples = /EXAMPLES/ } /^\.Bd/ { show = in_examples; next }
		/^\.Ed/ { show = 0; next } show { print }' "$page"
}

@test "all examples work" {
	fake_device wg0
	mkdir bin
	ln -s "$WG" bin/wg
	examples > examples
	[ "$(wc -l < examples)" = 9 ]
	printf 'public_key=%s\nlast_handshake_time_sec=1\nlast_handshake_time_nsec=1\nerrno=0\n\n' "$HEX_A" \
		> get.wg0
	PATH=$PWD/bin:$PATH run -0 --separate-stderr bash -euo pipefail examples
	[ "$output" = "$KEY_A" ]
	[ -z "$stderr" ]
	[ "$(wc -c < public.key)" = 45 ]
	[ "$(stat -c %a private.key)" = 600 ]
	grep -qx 'listen_port=51820' log.wg0
	grep -qx 'update_only=true' log.wg0
	grep -qx 'allowed_ip=10.0.1.0/24' log.wg0
	rm -rf /run/wgsuite
}

@test "every subcommand, field and setting is described" {
	local word
	words="$("$WG" --help | sed -n 's/^  \([a-z]*\): .*/\1/p')
	$("$WG" show --help 2>&1 | sed 's/.*\[//; s/\]//' | tr -d '|')
	listen-port fwmark private-key peer remove update-only preshared-key endpoint persistent-keepalive
	allowed-ips names json prometheus openmetrics --allow-empty WG_COLOR_MODE WG_HIDE_KEYS WG_SHOW_NAMES WG_ENDPOINT_RESOLUTION_RETRIES"
	for word in $words; do
		sed 's/\\-/-/g; s/^\.It Fl -/--/; s/Fl -/--/' "$page" | grep -qF -- "$word" || {
			echo "not described: $word"
			return 1
		}
	done
}
