# Fault injection in `wg-quick down`: each step fails once. Then down fails, and the journal has what is left, which the
# next down or up removes. Steps are netlink messages, programs and files, in a build with -DWG_FAULTS.
load ../lib/netns
load ../lib/quick

setup_file() { faults_build; }
setup() { faults_setup; }
teardown() { net_end; }

# fail_each_step_of_down FILE-LINES ALLOWED-IPS. Without them, the file is there.
fail_each_step_of_down() {
	local steps step rc state
	[ $# -eq 0 ] || quick_file wg0 "$1" "$2"
	state=$(quick_state)
	on a "$FAULTS/wg-quick" up wg0 2> /dev/null
	faults_count down 3
	quick_settled "$state"
	for step in $(seq "$steps"); do
		on a "$FAULTS/wg-quick" up wg0 2> /dev/null
		faults_run down "$step"
		# The next run removes the rest: down, or up followed by down. If down did nothing, up fails: it exists.
		if [ "$rc" -ne 0 ] && on a sh -c 'ls /run/wgsuite/wg0@* > /dev/null 2>&1'; then
			[ $((step % 2)) -eq 0 ] || on a "$FAULTS/wg-quick" up wg0 >> "$NET_DIR/output" 2>&1 || true
			on a "$FAULTS/wg-quick" down wg0 >> "$NET_DIR/output" 2>&1 || faults_report "step $step of $steps"
		fi
		quick_settled "$state" || faults_report "step $step of $steps"
	done
}

@test "full tunnel" {
	fail_each_step_of_down "Address = 10.7.0.1/24, fd07::1/64
DNS = 10.7.0.53, corp.example" "0.0.0.0/0, ::/0"
}
@test "split tunnel" { fail_each_step_of_down "Address = 10.7.0.1/24" "10.8.0.0/16, fd08::/48"; }
@test "keys of wg-quick" {
	on_day 0 2
	keys_file
	on a sh -c "umask 077; echo $QUICK_KEY > /run/keys/wg0.key"
	fail_each_step_of_down
}
@test "Netns" {
	on_day 1 2
	on a sh -c 'ip netns add x; ip netns delete x' # makes /run/netns
	fail_each_step_of_down $'Address = 10.7.0.1/24\nDNS = 10.7.0.53\nNetns = private' "0.0.0.0/0"
}
@test "IPv4 only" { fail_each_step_of_down "Address = 10.7.0.1/24" 0.0.0.0/0; }

@test "what is left is in the journal, and hooks run once" {
	quick_file wg0 "Address = 10.7.0.1/24
PostDown = echo down >> /run/hooks" 0.0.0.0/0
	state=$(quick_state)
	on a "$FAULTS/wg-quick" up wg0 2> /dev/null
	for step in $(seq 40); do # until one is found that down cannot undo
		on a env WG_QUICK_FAULT="$step" "$FAULTS/wg-quick" down wg0 > "$NET_DIR/output" 2>&1 || true
		! grep -q 'some steps could not be undone' "$NET_DIR/output" || break
		on a wg-quick down wg0 2> /dev/null || true
		on a "$FAULTS/wg-quick" up wg0 2> /dev/null
		on a rm -f /run/hooks
	done
	[ "$(on a sh -c 'grep -cE "^(rule|link|dns|firewall|sysctl|unreachable)" /run/wgsuite/wg0@*')" -ge 1 ]
	grep -q 'wg-quick: wg0: some steps could not be undone; they are recorded in the journal' "$NET_DIR/output"
	grep -q "  help: run .wg-quick down wg0' to try again" "$NET_DIR/output"
	run on a wg-quick down wg0
	[ "$status" -eq 0 ]
	[ "$(on a cat /run/hooks)" = down ]
	on a rm /run/hooks
	quick_settled "$state"
}

@test "a parameter that down cannot restore is in the journal" {
	quick_file wg0 "Address = 10.7.0.1/24" 0.0.0.0/0
	state=$(quick_state)
	on a wg-quick up wg0 2> /dev/null
	on a sh -c 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys'
	run on a wg-quick down wg0
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write /proc/sys/net/ipv4/conf/all/src_valid_mark: Read-only file system"* ]]
	[[ $output == *"some steps could not be undone; they are recorded in the journal"* ]]
	on a umount /proc/sys
	run on a wg-quick down wg0
	[ "$status" -eq 0 ]
	quick_settled "$state"
	# Where it never could be written, there is nothing to restore.
	on a sh -c 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys'
	on a wg-quick up wg0
	on a wg-quick down wg0
	on a umount /proc/sys
	quick_settled "$state"
}
