#!/usr/bin/env bats
# contrib/container: the image, unpacked by umoci and run by crun as an ordinary user, with no capability but CAP_NET_ADMIN in
# its own user namespace. The programs are those of the build: static ones, where tests/build/builds.bats runs this.
#
#   box eth0 192.0.2.2 ---- 192.0.2.1 server
#   box wg0  10.9.0.2  ==== 10.9.0.1
# box is the container on host engine.
load ../lib/netns

CRUN="setpriv --reuid 1000 --regid 1000 --clear-groups crun --root /run/crun --cgroup-manager=disabled"

setup() {
	command -v crun > /dev/null && command -v umoci > /dev/null || skip "crun or umoci is not installed"
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	net_begin
	host server engine
	on engine mount -t cgroup2 cgroup2 /sys/fs/cgroup # crun looks at it
	on engine install -d -o 1000 /run/crun
	SERVER=$("$WGSUITE_BUILD/wg" genkey) BOX=$("$WGSUITE_BUILD/wg" genkey)
	tunnel server wg0 <<-END
	[Interface]
	Address = 10.9.0.1/24
	ListenPort = 51820
	PrivateKey = $SERVER
	[Peer]
	PublicKey = $("$WGSUITE_BUILD/wg" pubkey <<< "$BOX")
	AllowedIPs = 10.9.0.2/32
	END
}

teardown() { [ -z "${NET_DIR-}" ] || net_end; }

# client_file: its own tunnel file.
client_file() {
	cat <<-END
	[Interface]
	Address = 10.9.0.2/24
	PrivateKey = $BOX
	$*
	[Peer]
	PublicKey = $("$WGSUITE_BUILD/wg" pubkey <<< "$SERVER")
	AllowedIPs = 10.9.0.0/24
	Endpoint = 192.0.2.1:51820
	PersistentKeepalive = 25
	END
}

# bundle [OPTION]: the image in $BUNDLE. Its folders config and etc/wireguard are the volumes of the container.
bundle() {
	BUNDLE=$NET_DIR/bundle
	sh "$BATS_TEST_DIRNAME/../../contrib/container/image.sh" "$@" "$WGSUITE_BUILD" "$NET_DIR/image.tar"
	mkdir "$NET_DIR/image"
	tar -xf "$NET_DIR/image.tar" -C "$NET_DIR/image"
	umoci unpack --uid-map 0:1000:1 --gid-map 0:1000:1 --image "$NET_DIR/image:wgsuite:$(sh "$BATS_TEST_DIRNAME/../../contrib/packaging/version.sh")" "$BUNDLE" 2> /dev/null
	[ "$(stat -c %a "$BUNDLE/rootfs/config")" = 755 ] # other users than root look into it (podman run --user)
	chmod 755 "$NET_DIR"
	chown 1000:1000 "$BUNDLE" # umoci's own configuration is for its user
	jq --argjson own "$(jq .process.args "$BUNDLE/config.json")" '.process.args = $own | .process.env = ["PATH=/usr/bin:/bin"]
		| .process.terminal = false | .root = { path: "rootfs", readonly: false }
		| .process.capabilities |= with_entries(.value = ["CAP_NET_ADMIN"])
		| .linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }] | .linux.gidMappings = .linux.uidMappings
		| .mounts |= map(select(.destination | IN("/proc", "/dev", "/sys")))
		| .mounts += [{ destination: "/dev/net/tun", type: "bind", source: "/dev/net/tun", options: ["bind", "rw"] },
			{ destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=755"] }]' \
		<(on engine $CRUN spec --rootless --bundle /run/crun && on engine cat /run/crun/config.json) > "$BUNDLE/new.json"
	mv "$BUNDLE/new.json" "$BUNDLE/config.json"
}

# volume FOLDER FILE: writes a file of a volume, as its owner.
volume() {
	install -D -o 1000 -g 1000 -m 600 /dev/stdin "$BUNDLE/rootfs/$1/$2"
	chown 1000:1000 "$BUNDLE/rootfs/$1"
}

# start_box: with its network, as an engine makes it. $BOX_PID is its first process, $BOX_LOG its output.
start_box() {
	on_bg engine $CRUN create --bundle "$BUNDLE" --pid-file /run/crun/box.pid box
	BOX_LOG=$BG_LOG
	eventually 10 on engine test -s /run/crun/box.pid
	BOX_PID=$(on engine cat /run/crun/box.pid)
	in_net server ip link add eth0 type veth peer name eth0 netns "${NET_PID[engine]}"
	net_up server eth0 192.0.2.1/24
	on engine ip link set eth0 netns "$BOX_PID"
	on engine nsenter -t "$BOX_PID" -n sh -c 'ip link set lo up; ip address add 192.0.2.2/24 dev eth0; ip link set eth0 up'
	on server wg-quick up wg0
	on engine $CRUN start box
}

in_box() { on engine $CRUN exec box /usr/bin/"$@"; }
box_says() { eventually 20 grep -q "$1" "$BOX_LOG"; }
healthy() { in_box wg-quick status --health; }
sick() { ! HEALTH=$(in_box wg-quick status --health) && grep -q "$1" <<< "$HEALTH"; }

box_daemon() { on engine pgrep -f "wireguardd $1\$" || true; }
monitor_runs() { on engine pgrep -f "wg-quick monitor"; }

@test "an image of nothing but the programs, by an ordinary user: ping, changes of the file, broken files, and the end" {
	bundle
	[ "$(cd "$BUNDLE/rootfs" && find usr/bin etc bin -type f 2> /dev/null | sort | xargs)" = "usr/bin/wg usr/bin/wg-quick usr/bin/wireguardd" ]
	client_file | volume config/wg_confs wg0.conf # next to others of linuxserver's image, which are no tunnels of this host
	echo '[Interface]' | volume config/templates server.conf
	echo '[Interface]' | volume config/peer_phone peer_phone.conf
	start_box
	eventually 20 on server ping -n -c 1 -W 1 10.9.0.2
	[ "$(on engine grep CapEff "/proc/$BOX_PID/status")" = "CapEff:	0000000000001000" ]
	eventually 5 healthy
	[ -z "$(healthy)" ]

	# A peer is added, and no packet is lost.
	on_bg server ping -n -i 0.02 10.9.0.2
	PINGS=$BG_LOG
	{ client_file; printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.9.0.3/32\n' "$("$WGSUITE_BUILD/wg" genkey | "$WGSUITE_BUILD/wg" pubkey)"; } |
		volume config/wg_confs wg0.conf.new
	mv "$BUNDLE/rootfs/config/wg_confs/wg0.conf.new" "$BUNDLE/rootfs/config/wg_confs/wg0.conf"
	peers_in_box() { [ "$(in_box wg show wg0 peers | wc -l)" = "$1" ]; }
	eventually 10 peers_in_box 2

	# A broken one is not in force, and the health says so.
	cp "$BUNDLE/rootfs/config/wg_confs/wg0.conf" "$NET_DIR/good"
	echo "AllowedIPs = 10.9.0.300/32" >> "$BUNDLE/rootfs/config/wg_confs/wg0.conf"
	box_says "the changed file was not applied"
	peers_in_box 2
	eventually 5 sick "wg0.conf has 1 error"
	volume config/wg_confs wg0.conf.new < "$NET_DIR/good" # an empty file would be another mistake
	mv "$BUNDLE/rootfs/config/wg_confs/wg0.conf.new" "$BUNDLE/rootfs/config/wg_confs/wg0.conf"
	eventually 10 healthy
	pings_end server "$PINGS"

	# A second tunnel.
	printf '[Interface]\nAddress = 10.9.9.1/24\nPrivateKey = %s\n' "$BOX" | volume config/wg_confs wg1.conf
	eventually 10 in_box wg show wg1
	eventually 5 healthy

	# The daemon is started again when it dies, and no process is left unreaped.
	restarted() { [ -n "$(box_daemon wg1)" ] && [ "$(box_daemon wg1)" != "$OLD" ] && healthy; }
	eventually 5 monitor_runs
	OLD=$(box_daemon wg1)
	on engine kill -KILL "$OLD"
	eventually 20 restarted
	no_zombie() { not grep -q "State:	Z" <(on engine sh -c 'cat /proc/[0-9]*/status'); }
	eventually 5 no_zombie

	# SIGTERM: everything is taken down, and the status is 0.
	on engine $CRUN kill box TERM
	ended() { [ "$(on engine $CRUN state box | jq -r .status)" = stopped ]; }
	eventually 10 ended
	box_says "ip link delete dev wg0"
	box_says "ip link delete dev wg1"
	not grep "cannot\|does not exist" "$BOX_LOG"
}

@test "wg-easy's folder, with hooks that need a shell and iptables; the end of the container undoes them" {
	bundle --hooks
	local rule="FORWARD -i wg0 -j ACCEPT"
	client_file "PreUp = 
PostUp =  iptables -t nat -A POSTROUTING -s 10.9.0.0/24 -o eth0 -j MASQUERADE; iptables -A $rule; 
PreDown = 
PostDown =  iptables -t nat -D POSTROUTING -s 10.9.0.0/24 -o eth0 -j MASQUERADE; iptables -D $rule; " | volume etc/wireguard wg0.conf
	echo '{}' | volume etc/wireguard wg0.json
	start_box
	eventually 20 on server ping -n -c 1 -W 1 10.9.0.2
	rules() { in_box iptables -S; in_box iptables -t nat -S; }
	has_rules() { [ "$(rules | grep -c -e "-A $rule" -e MASQUERADE)" = 2 ]; }
	eventually 5 has_rules # of the last step
	eventually 5 healthy
	on engine $CRUN kill box TERM
	ended() { [ "$(on engine $CRUN state box | jq -r .status)" = stopped ]; }
	eventually 10 ended
	not grep "cannot" "$BOX_LOG"
}

# Neither /proc nor /sys, no shell, no other program; /dev has the tun device only.
@test "up, status and down in a root of nothing but the programs" {
	local root=$NET_DIR/root
	sh "$BATS_TEST_DIRNAME/../../contrib/container/rootfs.sh" "$WGSUITE_BUILD" "$root"
	mkdir -p "$root/dev/net"
	mknod "$root/dev/net/tun" c 10 200
	client_file "DNS = 10.9.0.1" > "$root/etc/wireguard/wg0.conf"
	wire server eth0 192.0.2.1/24 engine eth0 192.0.2.2/24
	on server wg-quick up wg0
	on engine env -i PATH=/usr/bin /usr/sbin/chroot "$root" wg-quick up wg0
	on engine ping -n -c 1 -W 30 10.9.0.1
	on engine env -i PATH=/usr/bin /usr/sbin/chroot "$root" wg-quick status --health
	[ "$(on engine env -i PATH=/usr/bin /usr/sbin/chroot "$root" wg show interfaces)" = wg0 ]
	on engine env -i PATH=/usr/bin /usr/sbin/chroot "$root" wg-quick down wg0
	not on engine ip link show wg0

	# Without a shell, hooks fail, and with them the tunnel; without nft and iptables, a default route is set, with a warning.
	client_file "PostUp = true" > "$root/etc/wireguard/wg0.conf"
	run ! on engine env -i PATH=/usr/bin /usr/sbin/chroot "$root" wg-quick up wg0
	not on engine ip link show wg0
	client_file | sed 's/^AllowedIPs.*/AllowedIPs = 0.0.0.0\/0/' > "$root/etc/wireguard/wg0.conf"
	# Into a file: without /dev/null the daemon keeps its standard output.
	on engine env -i PATH=/usr/bin /usr/sbin/chroot "$root" wg-quick up wg0 > "$NET_DIR/up.log" 2>&1
	grep -q "warning: .*nft" "$NET_DIR/up.log"
	on engine ping -n -c 1 -W 30 10.9.0.1
	client_file "KillSwitch = on" > "$root/etc/wireguard/wg0.conf"
	on engine env -i PATH=/usr/bin /usr/sbin/chroot "$root" wg-quick down wg0
	run ! on engine env -i PATH=/usr/bin /usr/sbin/chroot "$root" wg-quick up wg0
	not on engine ip link show wg0
}
