# The monitor on host a. `load ../lib/netns` and `load ../lib/quick` first.

# monitor_start: starts it, and waits until no event can be lost. Its output is in $LOG.
monitor_start() {
	on_bg a ${MONITOR_WRAPPER-} wg-quick monitor
	LOG=$BG_LOG
	eventually 5 monitor_waits
}
# Its last step before it reads the journals is to give up privileges.
monitor_waits() { on a grep -q "^Seccomp:[[:space:]]*2" "/proc/$(monitor_pid)/status"; }
monitor_pid() { on a pgrep -o -fx "wg-quick monitor"; }
monitor_stop() {
	local pid
	pid=$(monitor_pid)
	on a kill "$pid"
	eventually 5 not on a kill -0 "$pid" # its lock is released after its command line is gone
	eventually 5 not on a pgrep -fx "wg-quick monitor"
}

says() { grep -qF -- "$1" "$LOG"; }

# state: what tunnels have on the host.
state() { quick_state | sed '/^# files/,$d; s/^#wg-quick: .*/#wg-quick:/; s/counter packets.*bytes [0-9]*/counter/' | grep -v /wgsuite/ | sort; }
is_restored() { [ "$(state)" = "$1" ]; }
# restores COMMAND…: breaks tunnels; the monitor restores all of them.
restores() {
	local before
	before=$(state)
	on a "$@"
	eventually 5 is_restored "$before" || { diff <(echo "$before") <(state); cat "$LOG"; return 1; } >&2
}

# wakeups: how often it has woken up. monitor_sleeps: waits until it has nothing more to do, nor has a child but its helper.
wakeups() { on a sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$(monitor_pid)/status"; }
monitor_sleeps() {
	local now=-1 before end=$((SECONDS + 60))
	while before=$now; [ "$SECONDS" -lt "$end" ]; do
		now=$(wakeups)
		[ "$now" != "$before" ] || ! monitor_is_alone || return 0
		sleep 1.2 # longer than it waits before it looks again
	done
	fail "the monitor does not sleep"
}
monitor_is_alone() { on a sh -c 'grep -q "^State:.S" "/proc/$(pgrep -o -fx "wg-quick monitor")/status" && [ "$(pgrep -cfx "wg-quick monitor")" = 2 ]'; }
