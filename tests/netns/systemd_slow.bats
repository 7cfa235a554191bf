# The systemd units and DNS with systemd-resolved, in a Debian container that is booted for each test, with the programs
# installed by `make install`.
#
#   box eth0 192.0.2.2 ---- 192.0.2.1 server (a name server on both addresses)
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

# box_tunnel ALLOWED-IPS [LINE…]: writes the tunnel file of box, with these lines in [Interface].
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

start_name_servers() {
	local at
	for at in 192.0.2.1 10.9.0.1; do
		on_bg server python3 "$NET_LIB/name_server.py" $at
		eventually 10 grep -q ready "$BG_LOG"
	done
	on box resolvectl dns eth0 192.0.2.1
	expect_resolves host.example.net 192.0.2.1
}

# expect_resolves NAME ADDRESS: box resolves the name to this address, which is that of the name server used.
expect_resolves() {
	resolves() { # systemd-resolved may not have noticed yet that a link is gone
		on box resolvectl flush-caches
		run -0 on box resolvectl query --legend=no -4 "$1"
		[[ $output == "$1: $2"* ]] || fail "expected $2, got: $output"
	}
	eventually 10 resolves "$@"
}

# box_state: all state that a tunnel could leave behind in box, without what systemd changes itself.
box_state() {
	net_state box | grep -vE '^(timeout|systemd|systemctl|\(|agetty|login|dbus)|/run/(systemd|log|dbus|user)|^# processes'
	on box pgrep -l wireguardd || true
	on box resolvectl dns
	on box resolvectl domain
}

# is_as BEFORE [COMMAND]: box_state prints what it did before: what ends may end a moment later.
is_as() {
	same_as() { diff <(echo "$1") <("${2-box_state}"); }
	eventually 10 same_as "$@"
}
# logged TEXT…: the journal of the unit has these texts, which it gets a moment later.
logged() {
	local text
	for text; do eventually 10 journal_has "$text"; done
}
journal_has() { on box journalctl -o cat -u wg-quick@wg0 | grep -F -- "$1"; }

has_failed() { [ "$(on box systemctl is-failed wg-quick@wg0)" = failed ]; }

@test "an encrypted credential is the private key, for systemctl and for wg-quick reload" {
	on box sh -c 'command -v systemd-creds' > /dev/null || skip "systemd older than 250"
	box_tunnel 10.9.0.0/24
	on box sed -i 's/^PrivateKey = .*/PrivateKey = @wg-wg0/' /etc/wireguard/wg0.conf
	on box mkdir -p /etc/credstore.encrypted /etc/systemd/system/wg-quick@wg0.service.d
	on box systemd-creds encrypt --with-key=host --name=wg-wg0 - /etc/credstore.encrypted/wg-wg0 <<< "$BOX"
	run ! on box grep -F "$BOX" /etc/credstore.encrypted/wg-wg0
	# As the unit has it in a comment.
	on box sh -c 'f=$(systemctl show -P FragmentPath wg-quick@wg0); { echo "[Service]"; sed -n "s/^#\(LoadCredentialEncrypted=\)/\1/p" "$f"; } \
		> /etc/systemd/system/wg-quick@wg0.service.d/credential.conf; systemctl daemon-reload'
	on box systemctl start wg-quick@wg0
	[ "$(on box wg show wg0 private-key)" = "$BOX" ]
	pings box 10.9.0.1
	on box sed -i 's/^AllowedIPs = .*/AllowedIPs = 10.9.0.0\/24, 10.10.0.0\/16/' /etc/wireguard/wg0.conf
	on box systemctl reload wg-quick@wg0
	on box sed -i 's/10.10.0.0/10.11.0.0/' /etc/wireguard/wg0.conf
	on box wg-quick reload wg0 # not started by systemd
	[ "$(on box wg show wg0 private-key)" = "$BOX" ]
	[[ $(on box wg show wg0 allowed-ips) == *10.11.0.0/16* ]]
	run ! on box sh -c 'journalctl -o cat | grep -F "$1"' - "$BOX"
	on box systemctl stop wg-quick@wg0
	# A credential that another machine encrypted, or that was changed, is refused.
	on box sh -c 'printf AAAA | dd of=/etc/credstore.encrypted/wg-wg0 conv=notrunc bs=1 seek=120 status=none'
	run ! on box systemctl start wg-quick@wg0
	run ! in_net box ip link show wg0
}

@test "enable --now, reload, restart of the target and disable --now of the unit" {
	box_tunnel 10.9.0.0/24
	before=$(box_state)
	on box systemctl enable --now wg-quick@wg0
	[ "$(on box systemctl is-enabled wg-quick@wg0)" = enabled ]
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	on box test -h /etc/systemd/system/multi-user.target.wants/wg-quick@wg0.service
	on box test -h /etc/systemd/system/wg-quick.target.wants/wg-quick@wg0.service
	pings box 10.9.0.1
	# The daemon is in the control group of the unit.
	daemon=$(daemons box)
	[[ $(on box cat "/proc/$daemon/cgroup") == *wg-quick@wg0.service* ]]
	logged "[#] ip -4 address add 10.9.0.2/24 dev wg0"

	# Reload with an additional peer; the session with the first and the daemon stay.
	handshake=$(latest_handshake box wg0 "$(on server wg pubkey <<< "$SERVER")")
	added=$(on box wg genkey | on box wg pubkey)
	printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.10.0.0/16\n' "$added" | on box tee -a /etc/wireguard/wg0.conf
	on box systemctl reload wg-quick@wg0
	[[ $(on box wg show wg0 peers) == *"$added"* ]]
	[[ $(in_net box ip route show dev wg0) == *10.10.0.0/16* ]]
	[ "$(daemons box)" = "$daemon" ]
	[ "$(latest_handshake box wg0 "$(on server wg pubkey <<< "$SERVER")")" = "$handshake" ]

	# A reload with an invalid file is an error and changes nothing.
	current=$(box_state)
	on box sed -i 's/^AllowedIPs = 10.10.*/AllowedIPs = nonsense/' /etc/wireguard/wg0.conf
	run ! on box systemctl reload wg-quick@wg0
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	is_as "$current"
	on box sed -i 's/^AllowedIPs = nonsense/AllowedIPs = 10.10.0.0\/16/' /etc/wireguard/wg0.conf

	on box systemctl start wg-quick.target
	on box systemctl restart wg-quick.target
	restarted() { [ -n "$(daemons box)" ] && [ "$(daemons box)" != "$daemon" ]; }
	eventually 10 restarted
	pings box 10.9.0.1
	on box systemctl disable --now wg-quick@wg0
	[ "$(on box systemctl is-active wg-quick@wg0)" = inactive ]
	is_as "$before"
}

@test "a failed start: the unit has failed, the journal has the reason, and nothing is left behind" {
	start_name_servers
	box_tunnel 0.0.0.0/0
	before=$(box_state)
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1" "PostUp = touch /run/post-up; exit 3" "PostDown = rm /run/post-up"
	run ! on box systemctl start wg-quick@wg0
	has_failed
	logged "[#] touch /run/post-up; exit 3" "status=3"
	is_as "$before"
	box_tunnel 0.0.0.0/0 "Adress = 10.9.0.2/24"
	run ! on box systemctl restart wg-quick@wg0
	has_failed
	logged wg0.conf:4 Adress
	is_as "$before"
	box_tunnel 0.0.0.0/0
	on box systemctl start wg-quick@wg0
	pings box 10.9.0.1
}

@test "systemd-resolved uses the name servers of a full tunnel for all names until it is stopped" {
	start_name_servers
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1, fd00::53, corp.example"
	before=$(box_state)
	on box systemctl start wg-quick@wg0
	[ "$(on box resolvectl dns wg0 | sed 's/.*: //')" = "10.9.0.1 fd00::53" ]
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = "corp.example ~." ]
	[[ $(on box resolvectl default-route wg0) == *": yes" ]]
	expect_resolves host.example.net 10.9.0.1
	expect_resolves host.corp.example 10.9.0.1
	# Reload with other servers and domains replaces them.
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1"
	on box systemctl reload wg-quick@wg0
	[ "$(on box resolvectl dns wg0 | sed 's/.*: //')" = 10.9.0.1 ]
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = "~." ]
	on box systemctl stop wg-quick@wg0
	expect_resolves host.example.net 192.0.2.1
	is_as "$before"
}

@test "systemd-resolved uses the tunnel's server only for names in ~domain" {
	start_name_servers
	box_tunnel 10.9.0.0/24 "DNS = 10.9.0.1, ~corp.example"
	before=$(box_state)
	on box systemctl start wg-quick@wg0
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = "~corp.example" ]
	[[ $(on box resolvectl default-route wg0) == *": no" ]]
	expect_resolves host.corp.example 10.9.0.1
	expect_resolves host.example.net 192.0.2.1
	on box systemctl stop wg-quick@wg0
	expect_resolves host.corp.example 192.0.2.1
	is_as "$before"
}

@test "systemd-resolved gets search domains without servers" {
	start_name_servers
	box_tunnel 10.9.0.0/24 "DNS = corp.example"
	on box systemctl start wg-quick@wg0
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = corp.example ]
	expect_resolves host.example.net 192.0.2.1
	on box systemctl stop wg-quick@wg0
}

@test "systemd-resolved is configured with resolvectl if libsystemd is missing" {
	start_name_servers
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1, corp.example"
	before=$(box_state)
	on box sh -c 'mkdir /var/moved; mv /usr/lib/*/libsystemd.so.0* /var/moved'
	on box wg-quick up wg0
	[ "$(on box resolvectl dns wg0 | sed 's/.*: //')" = 10.9.0.1 ]
	[ "$(on box resolvectl domain wg0 | sed 's/.*: //')" = "corp.example ~." ]
	expect_resolves host.example.net 10.9.0.1
	on box wg-quick down wg0
	on box sh -c 'mv /var/moved/* /usr/lib/*-linux-gnu/'
	expect_resolves host.example.net 192.0.2.1
	is_as "$before"
}

@test "resolv.conf is written if systemd-resolved is masked, and down restores it" {
	box_tunnel 0.0.0.0/0 "DNS = 10.9.0.1"
	on box systemctl mask --now systemd-resolved
	before=$(on box cat /etc/resolv.conf)
	on box wg-quick up wg0
	[ "$(on box grep ^nameserver /etc/resolv.conf)" = "nameserver 10.9.0.1" ]
	on box wg-quick down wg0
	[ "$(on box cat /etc/resolv.conf)" = "$before" ]
	on box test -h /etc/resolv.conf
	# With backend = resolved it is an error, and up is rolled back.
	printf '[dns]\nbackend = resolved\n' | on box tee /etc/wireguard/wgsuite.ini > /dev/null
	run ! on box wg-quick up wg0
	[[ $output == *"systemd-resolved: SetLinkDNS: Unit "* ]]
	run ! in_net box ip link show dev wg0
	[ "$(in_net box ip rule | wc -l)" = 3 ]
	[ -z "$(in_net box nft list ruleset)" ]
	eventually 10 no_daemons box
}

# harden_unit LINE…: installs the drop-in that Algo uses for the unit, with these additional lines.
harden_unit() {
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

@test "systemd accepts every line of the units" {
	on box sh -c 'for u in wg-quick wg-quick-health wireguardd; do cp /lib/systemd/system/$u@.service /run/$u@wg0.service; done' # older ones verify no templates
	for unit in /run/wg-quick@wg0.service /run/wg-quick-health@wg0.service /run/wireguardd@wg0.service /lib/systemd/system/wg-quick.target \
		/lib/systemd/system/wg-quick-monitor.service /lib/systemd/system/wg-quick-resolv-conf.service /lib/systemd/system/wg-prometheus.service \
		/lib/systemd/system/wg-prometheus.timer; do
		run -0 on box systemd-analyze verify --man=no "$unit"
		[ -z "$output" ] || fail "$unit: $output"
	done
	[[ $(on box systemd-analyze security wg-quick@wg0) == *"Overall exposure level"* ]]
	[[ $(on box systemctl show -p LockPersonality,RestrictRealtime,ProtectHostname wg-quick@wg0 | sort | xargs) == \
		"LockPersonality=yes ProtectHostname=yes RestrictRealtime=yes" ]]
}

@test "a hardened unit without AF_UNIX is an error and leaves nothing behind; with AF_UNIX it works" {
	# [hardened-wg-quick] of contrib/doc/other-software.md
	box_tunnel 10.9.0.0/24
	before=$(box_state)
	harden_unit
	run ! on box systemctl start wg-quick@wg0
	has_failed
	logged "Address family not supported"
	is_as "$before"
	# wireguardd needs its socket and a folder for it. It then runs without its own sandbox.
	harden_unit RestrictAddressFamilies=AF_UNIX RuntimeDirectory=wireguard
	on box systemctl start wg-quick@wg0 || { on box journalctl -o cat -u wg-quick@wg0; false; }
	[[ $(in_net box ip route get 10.9.0.1) == *"dev wg0"* ]]
	pings box 10.9.0.1
	on box systemctl stop wg-quick@wg0
	is_as "$before"
}

@test "wg-quick-resolv-conf.service restores resolv.conf at boot" {
	box_tunnel 10.9.0.0/24 "DNS = 10.9.0.1"
	on box sh -c 'rm /etc/resolv.conf; echo "nameserver 192.0.2.1" > /etc/resolv.conf'
	on box wg-quick up wg0
	[ "$(on box grep ^nameserver /etc/resolv.conf)" = "nameserver 10.9.0.1" ]
	# A tunnel is up: it does nothing.
	on box systemctl start wg-quick-resolv-conf
	[ "$(on box grep ^nameserver /etc/resolv.conf)" = "nameserver 10.9.0.1" ]
	in_net box ip link delete wg0
	on box rm -r /run/wgsuite
	on box systemctl start wg-quick-resolv-conf
	[ "$(on box cat /etc/resolv.conf)" = "nameserver 192.0.2.1" ]
	on box test ! -e /etc/resolv.conf.wg-quick
	[[ $(on box systemctl list-dependencies --plain sysinit.target) == *wg-quick-resolv-conf.service* ]]
	# What another program has written since stays.
	on box wg-quick up wg0
	in_net box ip link delete wg0
	on box sh -c 'rm -r /run/wgsuite; echo "nameserver 192.0.2.53" > /etc/resolv.conf'
	on box systemctl start wg-quick-resolv-conf
	[ "$(on box cat /etc/resolv.conf)" = "nameserver 192.0.2.53" ]
	on box test ! -e /etc/resolv.conf.wg-quick
}

# daemon_begins HOW: how the wireguardd that runs got the tunnel: from an interim process, or what from the file descriptor store.
daemon_begins() {
	local -A texts=([interim]="took over the tunnel in " [sessions]="took over the tunnel from the file descriptor store"
		[configuration]="restored the configuration from the file descriptor store")
	on box journalctl -o cat "_PID=$(daemons box)" | grep -F " ${texts[$1]}"
}
another_daemon() { [ -n "$(daemons box)" ] && [ "$(daemons box)" != "$daemon" ]; }

@test "wireguardd@.service: wg-quick uses it, a restart needs no handshake and loses nothing, kill -9 a handshake, stop removes all" {
	printf '[backend]\nimplementation = userspace\nprogram = wireguardd@.service\n' | on box tee /etc/wireguard/wgsuite.ini > /dev/null
	on box install -D /dev/stdin /etc/systemd/system/wireguardd@.service.d/log.conf <<< $'[Service]\nEnvironment=LOG_LEVEL=verbose'
	on box systemctl daemon-reload
	box_tunnel 10.9.0.0/24
	before=$(box_state)
	on box systemctl start wg-quick@wg0
	logged "[#] systemctl start wireguardd@wg0.service"
	pings box 10.9.0.1
	up_state() { box_state | grep -v ' wireguardd$'; } # without its PID
	up=$(up_state)
	key=$(on server wg pubkey <<< "$SERVER")
	handshake=$(latest_handshake box wg0 "$key")
	on_bg server ping -n -i 0.01 10.9.0.2
	log=$BG_LOG
	for how in interim interim sessions; do
		[ $how = interim ] || on box chmod -x /usr/bin/systemd-run
		daemon=$(daemons box)
		on box systemctl restart wireguardd@wg0
		eventually 10 another_daemon # the interim process may still be about to end
		eventually 10 daemon_begins $how
	done
	[ -z "$(on box systemctl list-units --all --no-legend 'wireguardd-interim*')" ]
	pings_end server "$log"
	[ "$(latest_handshake box wg0 "$key")" = "$handshake" ]
	is_as "$up" up_state
	daemon=$(daemons box)
	on box systemctl kill -s KILL wireguardd@wg0
	within 12 on server ping -n -c 1 -W 1 10.9.0.2 # it does not wait until the server notices
	another_daemon
	eventually 10 daemon_begins configuration
	is_as "$up" up_state
	# A reload of wg-quick and its own restart are independent of the daemon's.
	on box systemctl reload wg-quick@wg0
	on box systemctl stop wg-quick@wg0
	is_as "$before"
	[ "$(on box systemctl is-active wireguardd@wg0)" = inactive ]
	# Without wg-quick.
	on box systemctl start wireguardd@wg0
	on box wg set wg0 listen-port 5000
	on box systemctl restart wireguardd@wg0
	[ "$(on box wg show wg0 listen-port)" = 5000 ]
	on box systemctl stop wireguardd@wg0
	is_as "$before"
	on box systemctl start wireguardd@wg0
	[ "$(on box wg show wg0 listen-port)" = 0 ]
	# Another process may take over; then the service has ended, and leaves the socket alone.
	on box wireguardd --takeover wg0
	inactive() { [ "$(on box systemctl is-active wireguardd@wg0)" = inactive ]; }
	eventually 5 inactive
	on box wg show wg0
	on box ip link del wg0
	# What cannot start is not tried again.
	on box ip link add wg0 type veth peer name other
	run ! on box systemctl start wireguardd@wg0
	[[ $(on box systemctl show -p NRestarts wireguardd@wg0) == NRestarts=0 ]]
	on box ip link del wg0
}

@test "the monitor leaves a daemon of wireguardd@.service to systemd, and its own daemons outlive it" {
	printf '[backend]\nimplementation = userspace\nprogram = wireguardd@.service\n' | on box tee /etc/wireguard/wgsuite.ini > /dev/null
	box_tunnel 10.9.0.0/24
	on box systemctl start wg-quick@wg0 wg-quick-monitor
	pings box 10.9.0.1
	daemon=$(daemons box)
	on box systemctl kill -s KILL wireguardd@wg0
	eventually 5 another_daemon
	eventually 5 on box ping -n -c 1 -W 1 10.9.0.1
	[[ $(on box systemctl show -p NRestarts wireguardd@wg0) == NRestarts=1 ]]
	not grep -q "started again" <(on box journalctl -o cat -u wg-quick-monitor)
	on box systemctl stop wg-quick@wg0
	[ "$(on box systemctl is-active wireguardd@wg0)" = inactive ]
	# A daemon that wg-quick starts itself.
	printf '[backend]\nimplementation = userspace\n' | on box tee /etc/wireguard/wgsuite.ini > /dev/null
	on box systemctl restart wg-quick-monitor
	on box systemctl start wg-quick@wg0
	pings box 10.9.0.1
	daemon=$(daemons box)
	on box kill -9 $daemon
	eventually 5 another_daemon
	eventually 5 on box ping -n -c 1 -W 1 10.9.0.1
	said() { on box journalctl -o cat | grep -q "the daemon exited: it was started again"; }
	eventually 5 said
	daemon=$(daemons box)
	on box systemctl restart wg-quick-monitor
	on box systemctl stop wg-quick-monitor
	[ "$(daemons box)" = "$daemon" ]
	pings box 10.9.0.1
	on box systemctl stop wg-quick@wg0
}

# shows_failure TEXT: systemd lists the tunnel as failed, and the status of its unit has the reason.
shows_failure() {
	[[ $(on box systemctl --failed --plain --no-legend) == "wg-quick-health@wg0.service loaded failed failed Health of WireGuard tunnel wg0"* ]] &&
		on box systemctl status wg-quick@wg0 | grep -qF "$1"
}
shows_none() {
	local failed
	failed=$(on box systemctl --failed --plain --no-legend)
	echo "$failed"
	[ -z "$failed" ]
}

@test "a tunnel that the monitor cannot keep is a failed unit for so long, and the tunnel stays up" {
	on box sh -c 'systemctl reset-failed; printf "[backend]\nimplementation = userspace\n" > /etc/wireguard/wgsuite.ini'
	box_tunnel 0.0.0.0/0
	on box systemctl start wg-quick@wg0 wg-quick-monitor
	pings box 10.9.0.1
	eventually 10 shows_none
	# Its interface cannot be restored.
	on box cp /etc/wireguard/wg0.conf /run/good
	on box sh -c 'echo Nonsense >> /etc/wireguard/wg0.conf'
	on box sh -c 'kill -9 $(pgrep -x wireguardd)'
	eventually 10 shows_failure "wg0: the interface cannot be restored"
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	[[ $(on box systemctl status wg-quick-health@wg0) == *"the interface is gone"* ]] || fail "$(on box systemctl status wg-quick-health@wg0)"
	on box cp /run/good /etc/wireguard/wg0.conf
	eventually 15 pings box 10.9.0.1
	eventually 10 shows_none
	take_route() { in_net box ip route replace default via 192.0.2.1 dev eth0 table 51820; }
	# A route cannot, until the other one is gone.
	take_route
	eventually 10 shows_failure "wg0: cannot restore route 0.0.0.0/0"
	in_net box ip route del default via 192.0.2.1 dev eth0 table 51820
	eventually 10 shows_none
	# A monitor that was killed is started again, and sees to it; with the tunnel, or the monitor, the failure ends.
	take_route
	eventually 10 shows_failure "wg0: cannot restore route 0.0.0.0/0"
	monitor=$(on box systemctl show --value -p MainPID wg-quick-monitor)
	on box kill -9 "$monitor"
	eventually 10 eval '[ "$(on box systemctl show --value -p MainPID,ActiveState wg-quick-monitor | xargs)" != "$monitor active" ]'
	in_net box ip route del default via 192.0.2.1 dev eth0 table 51820
	eventually 15 shows_none
	take_route
	eventually 10 shows_failure "wg0: cannot restore route 0.0.0.0/0"
	on box systemctl stop wg-quick-monitor
	eventually 5 shows_none
	on box systemctl start wg-quick-monitor
	eventually 10 shows_failure "wg0: cannot restore route 0.0.0.0/0"
	on box systemctl stop wg-quick@wg0
	eventually 5 shows_none
}

@test "a reload of the unit that must be confirmed: the process that waits outlives the unit's, in a scope" {
	box_tunnel 10.9.0.0/24
	on box mkdir -p /etc/systemd/system/wg-quick@.service.d
	printf '[Service]\nExecReload=\nExecReload=/usr/bin/wg-quick reload --confirm 1000 %%i\n' |
		on box tee /etc/systemd/system/wg-quick@.service.d/confirm.conf > /dev/null
	on box systemctl daemon-reload
	on box systemctl start wg-quick@wg0
	on box sed -i 's,10.9.0.2/24,10.9.0.3/24,' /etc/wireguard/wg0.conf
	on box systemctl reload wg-quick@wg0
	[[ $(in_net box ip address show dev wg0) == *10.9.0.3/24* ]]
	in_scope() { [[ $(on box cat "/proc/$(on box pgrep -x wg-quick)/cgroup") == */wg-quick-confirm-*.scope ]]; }
	eventually 10 in_scope
	on box sh -c 'printf "wgsuite-confirm 1\ndeadline 00000000000000000001" | dd of="$(echo /run/wgsuite/*.confirm)" conv=notrunc status=none'
	rolled_back() { [[ $(in_net box ip address show dev wg0) == *10.9.0.2/24* ]]; }
	eventually 10 rolled_back
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	tells() { [[ $(on box journalctl -o cat -t wg-quick) == *"wg0: a reload was not confirmed and was rolled back; the tunnel file is not in force"* ]]; }
	eventually 10 tells
	gone() { ! on box pgrep -x wg-quick; }
	eventually 10 gone
	pings box 10.9.0.1
}
