# Every system call of wg-quick: it fails once, or wg-quick is killed after it, in `up`, `down`, `reload` and `save` with a
# plain and a full tunnel. Afterwards the state of the host is as before, at once or after `down`, or `up` and `down`, and
# nothing takes longer than five seconds. A sample of the points is visited, another one each day: SWEEP_SEED=N (default:
# WGSUITE_DAY) chooses it, and SWEEP=complete visits every point, with every error that its call can have.
# tests/syscalls/main.c has the variables that visit a single point.
load ../lib/netns
load ../lib/quick

setup_file() { faults_build; }
setup() {
	faults_setup
	on a mount -t tmpfs tmpfs /var/lib # where the copy of resolv.conf is if it cannot be next to it
	plain > "$NET_DIR/plain"
	full > "$NET_DIR/full"
	plain_changed > "$NET_DIR/plain_changed"
	full_changed > "$NET_DIR/full_changed"
	keys > "$NET_DIR/keys"
	keys_changed > "$NET_DIR/keys_changed"
	netns > "$NET_DIR/netns"
	netns_changed > "$NET_DIR/netns_changed"
}
teardown() { net_end; }

plain() {
	cat <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	ListenPort = 5800
	Address = 10.7.0.1/24
	[Peer]
	PublicKey = $QUICK_PEER
	Endpoint = 192.168.5.254:5801
	AllowedIPs = 10.8.0.0/16, fd08::/48
	END
}
plain_changed() {
	cat <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	ListenPort = 5800
	Address = 10.7.0.1/24, 10.7.1.1/24
	[Peer]
	PublicKey = $QUICK_PEER
	Endpoint = 192.168.5.254:5802
	AllowedIPs = 10.8.0.0/16, 10.9.0.0/16
	END
}
full() {
	cat <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	ListenPort = 5800
	Address = 10.7.0.1/24, fd07::1/64
	DNS = 10.7.0.53, corp.example
	MTU = 1380
	ExcludeIPs = 203.0.113.0/24
	PreUp = touch /run/pre-%i
	PostUp = touch /run/post-%i
	PreDown = rm -f /run/post-%i
	PostDown = rm -f /run/pre-%i /run/post-%i
	[Peer]
	PublicKey = $QUICK_PEER
	Endpoint = 192.168.5.254:5801
	AllowedIPs = 0.0.0.0/0, ::/0
	END
}
full_changed() {
	full | sed 's/10\.7\.0\.1\/24, fd07::1\//10.7.0.9\/24, fd07::9\//; s/^DNS = .*/DNS = 10.7.0.54/; s/^MTU = .*/MTU = 1300/
		s/^AllowedIPs = .*/AllowedIPs = 10.8.0.0\/16, ::\/0/'
}

# Most keys that only wg-quick knows, of which the drop-in is another file: drop_in writes it.
keys() {
	cat <<-END
	[Interface]
	PrivateKeyFile = create:/var/lib/key
	ListenPort = 5800
	Address = 10.7.0.1/24
	RouteMetric = 77
	KillSwitch = on
	[Peer]
	PublicKey = $QUICK_PEER
	Endpoint = 192.168.5.254:5801
	AllowedIPs = 10.8.0.0/16, 10.9.0.0/16
	Routes = 10.8.0.0/16
	[Peer]
	PublicKey = KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=
	AllowedIPs = 10.11.0.0/16
	Disabled = yes
	END
}
keys_changed() { keys | sed 's/= 77/= 78/; s/= on/= lan/; s/^Routes.*/Routes = 10.9.0.0\/24/; /^Disabled/d'; }
drop_in() {
	on a sh -c "mkdir /etc/wireguard/wg0.conf.d; printf '[Interface]\nMTU = 1390\nExcludeIPs = 10.8.3.0/24\n' > /etc/wireguard/wg0.conf.d/10.conf"
}
netns() {
	cat <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	ListenPort = 5800
	Address = 10.7.0.1/24
	DNS = 10.7.0.53
	Netns = private
	[Peer]
	PublicKey = $QUICK_PEER
	Endpoint = 192.168.5.254:5801
	AllowedIPs = 0.0.0.0/0
	END
}
netns_folder() { on a sh -c 'ip netns add x; ip netns delete x'; } # makes /run/netns
netns_changed() { netns | sed 's/10.7.0.1/10.7.0.2/; s/10.7.0.53/10.7.0.54/'; }

# sweep VERB failures|kills FILE [FILE-AFTER]: visits one of $share points.
sweep() {
	local variants=1
	export SWEEP_SEED="${SWEEP_SEED:-${WGSUITE_DAY:-$(($(date +%s) / 86400))}}"
	[ "${SWEEP-}" != complete ] || share=1 variants=4
	ON_LIMIT=3000 on a env SWEEP_SHARE="${SWEEP_SHARE:-$share}" SWEEP_VARIANTS="${SWEEP_VARIANTS:-$variants}" \
		"$SYSCALL_FAULTS" "$1" "$2" "$WGSUITE_BUILD/wg-quick" "$NET_DIR/$3" ${4:+"$NET_DIR/$4"} > "$NET_DIR/output" || {
		cat "$NET_DIR/output" >&2
		return 1
	}
	sed "s/^/# seed $SWEEP_SEED: /" "$NET_DIR/output" >&3
}

@test "up, plain: failures" { share=15 sweep up failures plain; }
@test "up, plain: kills" { share=15 sweep up kills plain; }
@test "down, plain: failures" { share=15 sweep down failures plain; }
@test "down, plain: kills" { share=15 sweep down kills plain; }
@test "reload, plain: failures" { share=15 sweep reload failures plain plain_changed; }
@test "reload, plain: kills" { share=15 sweep reload kills plain plain_changed; }
@test "save, plain: failures" { share=15 sweep save failures plain; }
@test "save, plain: kills" { share=15 sweep save kills plain; }
@test "up, full: failures" { share=40 sweep up failures full; }
@test "up, full: kills" { share=40 sweep up kills full; }
@test "down, full: failures" { share=40 sweep down failures full; }
@test "down, full: kills" { share=40 sweep down kills full; }
@test "reload, full: failures" { share=40 sweep reload failures full full_changed; }
@test "reload, full: kills" { share=40 sweep reload kills full full_changed; }
@test "save, full: failures" { share=40 sweep save failures full; }
@test "save, full: kills" { share=40 sweep save kills full; }
@test "up and down, full, firewall rules with iptables: failures" {
	printf '[firewall]\nbackend = iptables\n' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	share=60 sweep up failures full
	share=60 sweep down failures full
}

# One verb a day, with failures or kills.
@test "up, keys of wg-quick: failures" { on_day 0 8; drop_in; share=12 sweep up failures keys; }
@test "up, keys of wg-quick: kills" { on_day 1 8; drop_in; share=12 sweep up kills keys; }
@test "down, keys of wg-quick: failures" { on_day 2 8; drop_in; share=12 sweep down failures keys; }
@test "down, keys of wg-quick: kills" { on_day 3 8; drop_in; share=12 sweep down kills keys; }
@test "reload, keys of wg-quick: failures" { on_day 4 8; drop_in; share=12 sweep reload failures keys keys_changed; }
@test "reload, keys of wg-quick: kills" { on_day 5 8; drop_in; share=12 sweep reload kills keys keys_changed; }
@test "up, Netns: failures" { on_day 6 8; netns_folder; share=12 sweep up failures netns; }
@test "up, Netns: kills" { on_day 7 8; netns_folder; share=12 sweep up kills netns; }
@test "down, Netns: failures" { on_day 0 8; netns_folder; share=12 sweep down failures netns; }
@test "down, Netns: kills" { on_day 1 8; netns_folder; share=12 sweep down kills netns; }
@test "reload, Netns: failures" { on_day 2 8; netns_folder; share=12 sweep reload failures netns netns_changed; }
@test "reload, Netns: kills" { on_day 3 8; netns_folder; share=12 sweep reload kills netns netns_changed; }
