# wg-quick monitor and a list of endpoints: back to the better one, of another server with the same key, when it answers
# again. A handshake from another socket tries it, which does not disturb the session with the present one.
load ../lib/netns
load ../lib/quick

SERVER_KEY=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=

setup() {
	net_begin
	host a first second
	lan net
	plug net a eth0 192.168.5.1/24
	plug net first eth0 192.168.5.11/24
	plug net second eth0 192.168.5.12/24
	SERVER=$(on a wg pubkey <<< "$SERVER_KEY") CLIENT=$(on a wg pubkey <<< "$QUICK_KEY")
	PSK=FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=
	for server in first second; do
		tunnel "$server" wg0 <<- END
			[Interface]
			PrivateKey = $SERVER_KEY
			ListenPort = 51820
			Address = 10.7.0.1/24
			[Peer]
			PublicKey = $CLIENT
			PresharedKey = $PSK
			AllowedIPs = 10.7.0.2/32
		END
	done
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.7.0.2/24
		[Peer]
		PublicKey = $SERVER
		PresharedKey = $PSK
		AllowedIPs = 10.7.0.0/24
		Endpoint = 192.168.5.11:51820, 192.168.5.12:51820
		PersistentKeepalive = 25
	END
}
teardown() { [ -z "${LOG-}" ] || sed "s,^,LOG ," "$LOG" >&2; net_end; }

endpoint() { on a wg show wg0 endpoints | cut -f2; }
is_at() { [ "$(endpoint)" = "$1" ]; }
handshakes() { on "$1" wg show wg0 latest-handshakes | cut -f2; }

@test "back to the first endpoint of a list, without a lost packet" {
	on second wg-quick up wg0
	on a wg-quick up wg0
	on a wg set wg0 peer "$SERVER" endpoint 192.168.5.12:51820
	on_bg a wg-quick monitor
	LOG=$BG_LOG
	on_bg a ping -n -i 0.1 10.7.0.1
	ping=$BG replies=$BG_LOG
	eventually 10 grep -q 'icmp_seq' "$replies"
	on first wg-quick up wg0
	# The session must be older than a minute.
	eventually 120 is_at 192.168.5.11:51820
	answered() { [ "$(handshakes first)" -gt 0 ] && on a ping -c 1 -W 1 10.7.0.1 > /dev/null; }
	eventually 10 answered
	kill "$ping"
	grep -q "endpoint 192.168.5.11:51820" "$LOG"
	# At most what was on its way when the endpoint changed.
	lost=$(sed -n 's/.*icmp_seq=\([0-9]*\).*/\1/p' "$replies" | awk 'NR > 1 { lost += $1 - before - 1 } { before = $1 } END { print lost }')
	[ "$lost" -le 1 ]
	# The file has all settings of the peer still.
	[ -z "$(on a wg-quick diff wg0)" ]
	[ "$(on a wg show wg0 persistent-keepalive | cut -f2)" = 25 ]
}
