# Firewall rules of a full tunnel: the tool that sets them, and failures of that tool.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

@test "a kernel without netfilter netlink is a warning" {
	"${CC:-cc}" -O1 -o "$NET_DIR/without_netfilter" "$BATS_TEST_DIRNAME/../lib/without_netfilter.c" -lseccomp
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "0.0.0.0/0, ::/0"
	before=$(quick_state)
	run -0 on a "$NET_DIR/without_netfilter" wg-quick up wg0
	[[ $output == *"wg-quick: wg0: warning: "*"hosts on the local network can send packets to the tunnel's addresses"* ]]
	[[ $(on a ip route get 8.8.8.8) == *"dev wg0"* ]]
	run -0 on a "$NET_DIR/without_netfilter" wg-quick down wg0
	quick_settled "$before"
}
