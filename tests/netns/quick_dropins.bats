# Drop-ins of tunnel files, NAME.conf.d/*.conf: up, diff, reload, save, strip, hooks, messages.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
	CONF=/etc/wireguard/wg0.conf
	quick_file wg0 "Address = 10.7.0.1/24" 10.8.0.0/16
}
teardown() { net_end; }

OTHER=KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=

# drop_in NAME: standard input becomes a drop-in of wg0.
drop_in() {
	on a sh -c "umask 077; mkdir -p $CONF.d; cat > $CONF.d/$1"
}

allowed_ips() { on a wg show wg0 allowed-ips | sort; }

@test "up, diff, reload, strip and down see the tunnel file and its drop-ins" {
	none=$(quick_state | grep -v '^/etc/wireguard/')
	drop_in 20-second.conf <<-END
	[Interface]
	Address = fd07::1/64
	MTU = 1300
	[Peer]
	PublicKey = $OTHER
	AllowedIPs = 10.10.0.0/16
	END
	drop_in 10-first.conf <<-END
	[Interface]
	MTU = 1400
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 10.9.0.0/16
	PersistentKeepalive = 25
	END
	drop_in .hidden.conf <<< "nonsense"
	drop_in 30.conf~ <<< "nonsense"
	on a wg-quick up wg0
	[ "$(allowed_ips)" = "$(printf '%s\t%s\n' "$QUICK_PEER" "10.8.0.0/16 10.9.0.0/16" "$OTHER" 10.10.0.0/16 | sort)" ]
	[ "$(on a cat /sys/class/net/wg0/mtu)" = 1300 ]
	on a ip route show dev wg0 | grep -q '^10.9.0.0/16'
	on a ip -6 address show dev wg0 | grep -q fd07::1/64
	for verb in diff reload; do
		run -0 on a wg-quick $verb wg0
		[ -z "$output" ]
	done
	run -0 on a wg-quick strip wg0
	[[ $output == *"PublicKey = $QUICK_PEER"*"AllowedIPs = 10.8.0.0/16"*"AllowedIPs = 10.9.0.0/16"*"PublicKey = $OTHER"* ]]
	[[ $output != *MTU* ]]
	on a bash -c 'wg syncconf wg0 <(wg-quick strip wg0)'
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	# A later drop-in resets, overrides and disables.
	drop_in 40.conf <<-END
	[Interface]
	Address =
	Address = 10.7.0.9/24
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs =
	AllowedIPs = 10.11.0.0/16
	[Peer]
	PublicKey = $OTHER
	Disabled = yes
	END
	on a wg-quick reload wg0
	[ "$(allowed_ips)" = "$QUICK_PEER	10.11.0.0/16" ]
	[ "$(on a ip -br address show dev wg0 | awk '{ print $3 }')" = 10.7.0.9/24 ]
	[ -z "$(on a ip route show 10.10.0.0/16)" ]
	on a wg-quick down wg0
	quick_settled_without() { quick_state | grep -v '^/etc/wireguard/'; }
	quick_settled "$none" quick_settled_without
}

@test "save writes to the tunnel file only, and nothing of a drop-in" {
	on a sed -i "s/^Address.*/&\nSaveConfig = true/" $CONF
	PSK=FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=
	drop_in a.conf <<-END
	[Interface]
	Address = fd07::1/64
	ListenPort = 5999
	[Peer]
	PublicKey = $QUICK_PEER
	PresharedKey = $PSK
	AllowedIPs = 10.9.0.0/16
	PersistentKeepalive = 25
	[Peer]
	PublicKey = $OTHER
	AllowedIPs = 10.10.0.0/16
	END
	before=$(on a cat $CONF) drop_in=$(on a cat $CONF.d/a.conf)
	on a wg-quick up wg0
	on a wg-quick save wg0
	[ "$(on a cat $CONF)" = "$before" ]
	on a wg set wg0 listen-port 6000 peer "$QUICK_PEER" allowed-ips 10.8.0.0/16,10.9.0.0/16,10.12.0.0/16 persistent-keepalive 5
	on a wg-quick down wg0
	[ "$(on a cat $CONF)" = "${before/10.8.0.0\/16/10.8.0.0/16, 10.12.0.0/16}" ]
	[ "$(on a cat $CONF.d/a.conf)" = "$drop_in" ]
}

@test "errors and hooks name the file, line and column" {
	drop_in a.conf <<-'END'

	[Interface]
	PostUp = touch /run/up-%i; test ! -e /run/fail
	PostDown = rm -f /run/up-%i
	END
	on a wg-quick up wg0
	on a test -e /run/up-wg0
	on a wg-quick down wg0
	on a test ! -e /run/up-wg0
	on a touch /run/fail
	run -1 on a wg-quick up wg0
	[[ $output == *"wg-quick: wg0: PostUp on line 3 of $CONF.d/a.conf failed with status 1: "* ]]
	on a rm /run/fail
	printf 'MTU = 1300\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.0/33\n' "$QUICK_PEER" | drop_in b.conf
	for verb in up check; do
		run -1 on a wg-quick $verb wg0
		[[ $output == *"$CONF.d/b.conf:1:1: error: Line unrecognized: \`MTU=1300'"* ]]
		[[ $output == *"$CONF.d/b.conf:4:14: error: AllowedIP is not in the correct format: \`10.0.0.0/33'"* ]]
	done
	on a rm $CONF.d/b.conf
	drop_in c.conf <<< "[Interface]
PrivateKeyFile = none.key"
	run -1 on a wg-quick up wg0
	[[ $output == *"$CONF.d/c.conf:2:18: error: PrivateKeyFile: cannot read /etc/wireguard/none.key: No such file or directory"* ]]
	on a rm $CONF.d/c.conf
	on a mkfifo $CONF.d/d.conf
	run -1 on a wg-quick up wg0
	[[ $output == *"$CONF.d/d.conf: error: it is not a regular file"* ]]
	on a rm $CONF.d/d.conf
}

@test "permissions are those of the tunnel file" {
	drop_in a.conf <<< "[Interface]
PostUp = true"
	on a chown 77 $CONF.d/a.conf
	on a sh -c 'printf "[hooks]\nowner = root\n" > /etc/wireguard/wgsuite.ini'
	run -1 on a wg-quick up wg0
	[[ $output == *"hooks are not run: user 77 owns $CONF.d/a.conf"* ]]
	on a sh -c "chown 0 $CONF.d/a.conf; chmod 777 $CONF.d"
	run -1 on a wg-quick up wg0
	[[ $output == *"hooks are not run: "*"$CONF.d"* ]]
	on a sh -c "chmod 755 $CONF.d; chmod 644 $CONF.d/a.conf; chmod 755 /etc/wireguard"
	run -0 on a wg-quick up wg0
	[[ $output == *"Warning: \`$CONF.d/a.conf' is world accessible"* ]]
	on a wg-quick down wg0
	on a rm /etc/wireguard/wgsuite.ini
}

@test "next to the file: of a link in /etc/wireguard there, of other files where they are" {
	on a sh -c "mkdir -p /srv/x /srv/x/wg0.conf.d; mv $CONF /srv/x/real; ln -s /srv/x/real $CONF; echo nonsense > /srv/x/wg0.conf.d/a.conf"
	drop_in a.conf <<< "[Interface]
MTU = 1300"
	on a wg-quick up wg0
	[ "$(on a cat /sys/class/net/wg0/mtu)" = 1300 ]
	run -0 on a wg-quick status wg0
	[[ $output == *"differences: none"* ]]
	on a wg-quick down wg0
	on a sh -c "mv /srv/x/real /srv/x/wg0.conf; rm $CONF; printf '[Interface]\nMTU = 1350\n' > /srv/x/wg0.conf.d/a.conf; chmod 600 /srv/x/wg0.conf /srv/x/wg0.conf.d/*"
	on a wg-quick up /srv/x/wg0.conf
	[ "$(on a cat /sys/class/net/wg0/mtu)" = 1350 ]
	on a wg-quick down /srv/x/wg0.conf
	on a rm -r /srv/x
}
