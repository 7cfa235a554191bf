# The units under a real systemd, and name servers by a real systemd-resolved: a small Debian boots in
# a container for each test, with our programs installed by `make install`.
#
#   box eth0 192.0.2.2 ---- 192.0.2.1 server (a name server at either of its addresses)
#   box wg0  10.9.0.2  ==== 10.9.0.1
load ../lib/netns
load ../lib/hosts

setup() {
	needs_root
	net_begin
	host server
	boot_machine box
	wire server eth0 192.0.2.1/24 box eth0 192.0.2.2/24
	route box default via 192.0.2.1
	SERVER=$(on server wg genkey) BOX=$(on box wg genkey)
	tunnel server wg0 <<-END
	[Interface]
	Address = 10.9.0.1/24
	ListenPort = 51820
	PrivateKey = $SERVER
	[Peer]
	PublicKey = $(on box wg pubkey <<< "$BOX")
	AllowedIPs = 10.9.0.2/32
	END
	on server wg-quick up wg0
}

teardown() {
	stop_machine box
	net_end
}

# box_tunnel ALLOWED-IPS [LINE…]: its config file, the lines in [Interface].
box_tunnel() {
	local allowed=$1
	shift
	tunnel box wg0 <<-END
	[Interface]
	Address = 10.9.0.2/24
	PrivateKey = $BOX
	$(printf '%s\n' "$@")

	# Server
	[Peer]
	PublicKey = $(on server wg pubkey <<< "$SERVER")
	AllowedIPs = $allowed
	Endpoint = 192.0.2.1:51820
	END
}

name_servers() {
	local at
	for at in 192.0.2.1 10.9.0.1; do
		on_bg server python3 "$NET_LIB/name_server.py" $at
		eventually 10 grep -q ready "$BG_LOG"
	done
	on box resolvectl dns eth0 192.0.2.1
	asks host.example.net 192.0.2.1
}

# asks NAME ADDRESS: the box finds that address for the name, so the name server there was asked.
asks() {
	on box resolvectl flush-caches
	run -0 on box resolvectl query --legend=no -4 "$1"
	[[ $output == "$1: $2"* ]] || fail "expected $2, got: $output"
}

# Everything that a tunnel may leave in the box, with what systemd itself changes meanwhile left out.
box_state() {
	net_state box | grep -vE '^(timeout|systemd|systemctl|\(|agetty|login|dbus)|/run/(systemd|log|dbus|user)|^# processes'
	on box pgrep -l wireguardd || true
	on box resolvectl dns
	on box resolvectl domain
}

fails() { [ "$(on box systemctl is-failed wg-quick@wg0)" = failed ]; }

@test "enable --now, reload, restart of the target, stop: only what was asked for, and nothing is left" {
	box_tunnel 10.9.0.0/24
	before=$(box_state)
	on box systemctl enable --now wg-quick@wg0
	[ "$(on box systemctl is-enabled wg-quick@wg0)" = enabled ]
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	on box test -h /etc/systemd/system/multi-user.target.wants/wg-quick@wg0.service
	on box test -h /etc/systemd/system/wg-quick.target.wants/wg-quick@wg0.service
	pings box 10.9.0.1
	# The data plane belongs to the unit.
	daemon=$(daemons box)
	[[ $(on box cat "/proc/$daemon/cgroup") == *wg-quick@wg0.service* ]]
	[[ $(on box journalctl -o cat -u wg-quick@wg0) == *"[#] ip -4 address add 10.9.0.2/24 dev wg0"* ]]

	# A peer more; the session with the first stays, and so does the daemon.
	handshake=$(latest_handshake box wg0 "$(on server wg pubkey <<< "$SERVER")")
	more=$(on box wg genkey | on box wg pubkey)
	printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.10.0.0/16\n' "$more" | on box tee -a /etc/wireguard/wg0.conf
	on box systemctl reload wg-quick@wg0
	[[ $(on box wg show wg0 peers) == *"$more"* ]]
	[[ $(in_net box ip route show dev wg0) == *10.10.0.0/16* ]]
	[ "$(daemons box)" = "$daemon" ]
	[ "$(latest_handshake box wg0 "$(on server wg pubkey <<< "$SERVER")")" = "$handshake" ]

	# A reload that cannot be is an error that changes nothing.
	as_it_is=$(box_state)
	on box sed -i 's/^AllowedIPs = 10.10.*/AllowedIPs = nonsense/' /etc/wireguard/wg0.conf
	run ! on box systemctl reload wg-quick@wg0
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	diff <(echo "$as_it_is") <(box_state)
	on box sed -i 's/^AllowedIPs = nonsense/AllowedIPs = 10.10.0.0\/16/' /etc/wireguard/wg0.conf

	on box systemctl start wg-quick.target
	on box systemctl restart wg-quick.target
	restarted() { [ -n "$(daemons box)" ] && [ "$(daemons box)" != "$daemon" ]; }
	eventually 10 restarted
	pings box 10.9.0.1
	on box systemctl disable --now wg-quick@wg0
	[ "$(on box systemctl is-active wg-quick@wg0)" = inactive ]
	diff <(echo "$before") <(box_state)
}

@test "a start that fails: the unit has failed, says why, and nothing is left" {
	name_servers
	box_tunnel 0.0.0.0/0
	before=$(box_state)
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1" "PostUp = touch /run/post-up; exit 3" "PostDown = rm /run/post-up"
	run ! on box systemctl start wg-quick@wg0
	fails
	[[ $(on box journalctl -o cat -u wg-quick@wg0) == *"[#] touch /run/post-up; exit 3"*"status=3"* ]] ||
		on box journalctl -o cat -u wg-quick@wg0
	diff <(echo "$before") <(box_state)
	box_tunnel 0.0.0.0/0 "Adress = 10.9.0.2/24"
	run ! on box systemctl restart wg-quick@wg0
	fails
	[[ $(on box journalctl -o cat -u wg-quick@wg0) == *wg0.conf:4*Adress* ]]
	diff <(echo "$before") <(box_state)
	box_tunnel 0.0.0.0/0
	on box systemctl start wg-quick@wg0
	pings box 10.9.0.1
}

@test "systemd-resolved: the name servers of a full tunnel answer everything, until it is stopped" {
	name_servers
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1, fd00::53, corp.example"
	before=$(box_state)
	on box systemctl start wg-quick@wg0
	[ "$(on box resolvectl dns wg0 | sed 's/.*: //')" = "10.9.0.1 fd00::53" ]
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = "corp.example ~." ]
	[[ $(on box resolvectl default-route wg0) == *": yes" ]]
	asks host.example.net 10.9.0.1
	asks host.corp.example 10.9.0.1
	# A reload with other servers and domains: these and no others.
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1"
	on box systemctl reload wg-quick@wg0
	[ "$(on box resolvectl dns wg0 | sed 's/.*: //')" = 10.9.0.1 ]
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = "~." ]
	on box systemctl stop wg-quick@wg0
	asks host.example.net 192.0.2.1
	diff <(echo "$before") <(box_state)
}

@test "systemd-resolved: ~domain sends only these names through the tunnel" {
	name_servers
	box_tunnel 10.9.0.0/24 "DNS = 10.9.0.1, ~corp.example"
	before=$(box_state)
	on box systemctl start wg-quick@wg0
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = "~corp.example" ]
	[[ $(on box resolvectl default-route wg0) == *": no" ]]
	asks host.corp.example 10.9.0.1
	asks host.example.net 192.0.2.1
	on box systemctl stop wg-quick@wg0
	asks host.corp.example 192.0.2.1
	diff <(echo "$before") <(box_state)
}

@test "systemd-resolved: domains to search, no servers" {
	name_servers
	box_tunnel 10.9.0.0/24 "DNS = corp.example"
	on box systemctl start wg-quick@wg0
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = corp.example ]
	asks host.example.net 192.0.2.1
	on box systemctl stop wg-quick@wg0
}

@test "systemd-resolved: without libsystemd resolvectl does the same" {
	name_servers
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1, corp.example"
	before=$(box_state)
	on box sh -c 'mkdir /var/away; mv /usr/lib/*/libsystemd.so.0* /var/away'
	on box wg-quick up wg0
	[ "$(on box resolvectl dns wg0 | sed 's/.*: //')" = 10.9.0.1 ]
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = "corp.example ~." ]
	asks host.example.net 10.9.0.1
	on box wg-quick down wg0
	on box sh -c 'mv /var/away/* /usr/lib/*-linux-gnu/'
	asks host.example.net 192.0.2.1
	diff <(echo "$before") <(box_state)
}

@test "systemd-resolved stopped and masked: the file is written instead, and comes back" {
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1"
	on box systemctl mask --now systemd-resolved
	before=$(on box cat /etc/resolv.conf)
	on box wg-quick up wg0
	[ "$(on box grep ^nameserver /etc/resolv.conf)" = "nameserver 10.9.0.1" ]
	on box wg-quick down wg0
	[ "$(on box cat /etc/resolv.conf)" = "$before" ]
	on box test -h /etc/resolv.conf
	# Insisting on it is an error, which undoes everything.
	printf '[dns]\nbackend = resolved\n' | on box tee /etc/wireguard/wgsuite.ini > /dev/null
	run ! on box wg-quick up wg0
	[[ $output == *"systemd-resolved: SetLinkDNS: Unit "* ]]
	run ! in_net box ip link show dev wg0
	[ "$(in_net box ip rule | wc -l)" = 3 ]
	[ -z "$(in_net box nft list ruleset)" ]
	[ -z "$(daemons box)" ]
}

# hardened LINE…: the drop-in that Algo puts on the unit, and these lines.
hardened() {
	on box install -D /dev/stdin /etc/systemd/system/wg-quick@wg0.service.d/hardened.conf <<-END
	[Service]
	NoNewPrivileges=yes
	ProtectSystem=strict
	ProtectHome=yes
	PrivateTmp=yes
	ProtectKernelTunables=yes
	RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK
	SystemCallFilter=@system-service @network-io
	SystemCallFilter=~@debug @mount @swap @reboot @raw-io
	$(printf '%s\n' "$@")
	END
	on box systemctl daemon-reload
}

@test "hardened unit: no socket for the userspace daemon, so it says so and leaves nothing; with one it works" {
	box_tunnel 10.9.0.0/24
	before=$(box_state)
	hardened
	run ! on box systemctl start wg-quick@wg0
	fails
	[[ $(on box journalctl -o cat -u wg-quick@wg0) == *"Address family not supported"* ]]
	diff <(echo "$before") <(box_state)
	# What a userspace data plane needs: its socket and a place for it. It goes without its own sandbox.
	hardened RestrictAddressFamilies=AF_UNIX RuntimeDirectory=wireguard
	on box systemctl start wg-quick@wg0 || { on box journalctl -o cat -u wg-quick@wg0; false; }
	[[ $(in_net box ip route get 10.9.0.1) == *"dev wg0"* ]]
	pings box 10.9.0.1
	on box systemctl stop wg-quick@wg0
	diff <(echo "$before") <(box_state)
}
