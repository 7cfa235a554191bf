# The lock of iptables-legacy, which another program holds for a moment, or all the time that wg-quick waits.
load ../lib/netns
load ../lib/quick
load ../lib/firewall

setup() {
	net_begin
	firewall_host
}
teardown() { net_end; }

@test "a lock of iptables that is released in time" {
	use iptables-legacy
	before=$(state)
	on_bg a flock /run/xtables.lock sh -c 'echo locked; sleep 2'
	eventually 5 grep -q locked "$BG_LOG"
	quick up wg0
	[ "$(rules)" = "3 3" ]
	on_bg a flock /run/xtables.lock sh -c 'echo locked; sleep 2'
	eventually 5 grep -q locked "$BG_LOG"
	quick down wg0
	quick_settled "$before" state
}

@test "a lock of iptables that is not released: up fails, down says what is left" {
	use iptables-legacy
	on a touch /run/xtables.lock
	before=$(state)
	hold() {
		on_bg a flock /run/xtables.lock sh -c 'echo locked; read -r end < /etc/fifo'
		eventually 5 grep -q locked "$BG_LOG"
	}
	on a mkfifo /etc/fifo
	hold
	run -4 quick up wg0
	[[ $output == *"wg-quick: wg0: cannot set the firewall rules: ip6tables-restore: "*"xtables.lock"* ]]
	[[ $output == *"  help: set [firewall] backend = none in "* ]]
	same() { [ "$(state)" = "$before" ]; }
	eventually 5 same
	on a sh -c 'echo end > /etc/fifo'
	quick up wg0
	hold
	run -4 quick down wg0
	[[ $output == *"wg-quick: wg0: cannot remove the firewall rules: ip"*"xtables.lock"* ]]
	run ! in_net a ip link show wg0
	[ "$(rules)" = "3 3" ]
	on a sh -c 'echo end > /etc/fifo'
	quick down wg0
	quick_settled "$before" state
}
