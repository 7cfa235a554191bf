# Keys of the tunnel file that only this wg-quick has: disabled peers.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	CONF=/etc/wireguard/wg0.conf
}
teardown() { net_end; }

OTHER=KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=

# add_peer LINE: another peer with another network.
add_peer() {
	printf '\n# Name = laptop\n[Peer]\n%s\nPublicKey = %s\nAllowedIPs = 10.9.0.0/16\n' "$1" "$OTHER" | on a tee -a $CONF > /dev/null
}

peers() { on a wg show wg0 peers | sort; }

@test "a disabled peer: up, reload, save, strip" {
	quick_file wg0 "SaveConfig = true" 10.8.0.0/16
	add_peer "Disabled = yes # on leave"
	before=$(on a cat $CONF)
	run -0 on a wg-quick up wg0
	[[ $output != *10.9.0.0* ]]
	[ "$(peers)" = "$QUICK_PEER" ]
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	on a sed -i s/=.yes/=no/ $CONF
	run -0 on a wg-quick reload wg0
	[[ $output == *"wg set wg0 peer $OTHER allowed-ips"*"ip -4 route add 10.9.0.0/16 dev wg0"* ]]
	on a sed -i 's/=no/= yes/' $CONF
	run -0 on a wg-quick diff wg0
	[[ $output == *"wg set wg0 peer $OTHER remove"*"ip -4 route delete 10.9.0.0/16 dev wg0"* ]]
	on a wg-quick save wg0 # while the device still has it
	[ "$(on a cat $CONF)" = "$before" ]
	on a wg-quick reload wg0
	[ "$(peers)" = "$QUICK_PEER" ]
	[ -z "$(on a ip route show 10.9.0.0/16)" ]
	run -0 on a wg-quick strip wg0
	[[ $output == *"$QUICK_PEER"* && $output != *"$OTHER"* && $output != *Disabled* ]]
	run -0 on a wg-quick qr -o /run/wg0.svg wg0
	[[ $output == *"left out, because apps do not import them: SaveConfig, disabled peers"* ]]
	on a wg-quick down wg0
	[ "$(on a cat $CONF)" = "$before" ]
}

@test "a file that has disabled peers only; nonsense" {
	quick_file wg0 "Address = 10.7.0.1/24" 0.0.0.0/0
	on a sh -c "echo Disabled = true >> $CONF"
	none=$(quick_state)
	on a wg-quick up wg0
	[ -z "$(peers)" ]
	[ -z "$(on a ip rule show table 51820)" ]
	on a wg-quick down wg0
	quick_settled "$none"
	on a sed -i s/true/maybe/ $CONF
	run -1 on a wg-quick up wg0
	[[ $output == *"wg0.conf:8:12: error: Disabled: expected yes or no, found \`maybe'"* ]]
}
