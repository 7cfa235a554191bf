# The Debian packages (make deb), in a Debian 12 under systemd: installed on a system without wireguard-tools and over one
# with it, upgraded, downgraded, removed, and replaced by wireguard-tools again, without the loss of a packet.
#
#   box eth0 192.0.2.2 ---- 192.0.2.1 server
#   box wg0  10.9.0.2  ==== 10.9.0.1
load ../lib/netns
load ../lib/hosts

# Programs are those of this build, but with WGSUITE_COMPLETE=yes the packages are built from the sources.
setup_file() {
	export DEBS=$BATS_FILE_TMPDIR/debs
	mkdir "$DEBS"
	[ "${WGSUITE_COMPLETE-}" = yes ] || export PREBUILT=$WGSUITE_BUILD
	DEB_BUILD_OPTIONS=noautodbgsym make -s -C "$BATS_TEST_DIRNAME/../.." deb O="$BATS_FILE_TMPDIR" >&2
	cp "$BATS_FILE_TMPDIR"/deb/*.deb "$DEBS"
}

setup() {
	[[ $BATS_TEST_DESCRIPTION != *"lintian"* ]] || return 0
	needs_root
	[ -e "$WGSUITE_PEERS/wireguard-tools.deb" ] || skip "tests/lib/get-peers.sh $WGSUITE_PEERS has not been run"
	net_begin
	host server
	boot_machine box bare
	wire server eth0 192.0.2.1/24 box eth0 192.0.2.2/24
	SERVER=$(on server wg genkey) BOX=$(on server wg genkey)
	tunnel server wg0 <<-END
	[Interface]
	Address = 10.9.0.1/24
	ListenPort = 51820
	PrivateKey = $SERVER
	[Peer]
	PublicKey = $(on server wg pubkey <<< "$BOX")
	AllowedIPs = 10.9.0.2/32
	END
	on server wg-quick up wg0
	cp -r "$DEBS" "$NET_DIR/box.root/packages"
	cp "$WGSUITE_PEERS/wireguard-tools.deb" "$NET_DIR/box.root/wireguard-tools.deb"
}

teardown() {
	[ -n "${NET_DIR-}" ] || return 0
	stop_machine box
	net_end
}

# install FILE…: as a user does. The machine has no network; what the packages depend on is installed.
install() { on box env DEBIAN_FRONTEND=noninteractive apt-get install -y --allow-downgrades --no-install-recommends "$@"; }
install_ours() { on box sh -c 'DEBIAN_FRONTEND=noninteractive apt-get install -y --allow-downgrades --no-install-recommends '"$1"'/*.deb'; }

box_tunnel() {
	on box sh -c 'umask 077; cat > /etc/wireguard/wg0.conf' <<-END
	[Interface]
	Address = 10.9.0.2/24
	PrivateKey = $BOX
	[Peer]
	PublicKey = $(on server wg pubkey <<< "$SERVER")
	AllowedIPs = 10.9.0.0/24
	Endpoint = 192.0.2.1:51820
	END
}

start_pings() {
	on_bg server ping -n -i 0.02 10.9.0.2
	PINGS=$BG_LOG
}
# none_lost: since start_pings, although the packages changed.
none_lost() {
	on server pkill -INT -x ping
	eventually 5 grep -q "packet loss" "$PINGS"
	no_reply_missing "$PINGS"
}

version_of() { on box dpkg-query -W -f '${Version}' "$1"; }
same_tunnel() { [ "$(daemons box) $(on box cat /sys/class/net/wg0/ifindex)" = "$TUNNEL" ] && [ "$(on box cat /etc/wireguard/wg0.conf)" = "$FILE" ]; }
remember_tunnel() { TUNNEL="$(daemons box) $(on box cat /sys/class/net/wg0/ifindex)" FILE=$(on box cat /etc/wireguard/wg0.conf); }

# second_build: packages of a later revision in /packages2.
second_build() {
	local deb at=$NET_DIR/repack
	mkdir -p "$NET_DIR/box.root/packages2"
	for deb in "$DEBS"/*.deb; do
		rm -rf "$at"
		dpkg-deb -R "$deb" "$at"
		sed -i -E 's/^(Version: .*|.*\(= [^)]*)-1(\)|$)/\1-2\2/; s/(\(= 1\.0\.0)-1\)/\1-2)/g' "$at/DEBIAN/control"
		dpkg-deb -Zgzip -z1 -b "$at" "$NET_DIR/box.root/packages2/$(basename "$deb" | sed 's/-1_/-2_/')" > "$NET_DIR/repack.log"
	done
}

# files_of_machine: all files, but those that dpkg and systemd keep about packages and units, and tunnel files.
files_of_machine() {
	on box find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt \
		-o -path /var/log -o -path /var/cache -o -path /var/lib/systemd -o -path /etc/wireguard -o -path "/packages*" \) -prune -o -print | sort
}

@test "lintian finds nothing, and the same tree gives the same packages" {
	# It leaves files in TMPDIR.
	TMPDIR=$BATS_TEST_TMPDIR lintian --fail-on pedantic,warning,error --pedantic --allow-root "$DEBS"/*.deb
	(
		umask 077
		TZ=Pacific/Chatham LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="noautodbgsym parallel=1" \
			make -s -C "$BATS_TEST_DIRNAME/../.." deb O="$BATS_TEST_TMPDIR/second" >&2
	)
	for deb in "$DEBS"/*.deb; do
		cmp "$deb" "$BATS_TEST_TMPDIR/second/deb/${deb##*/}"
	done
}

@test "install, enable, upgrade, downgrade, remove and purge, and wireguard-tools afterwards" {
	before_all=$(files_of_machine)
	install_ours /packages
	[ "$(on box stat -c %a /etc/wireguard)" = 700 ]
	# As autopkgtest does.
	cp "$BATS_TEST_DIRNAME/../../contrib/packaging/debian/tests/tunnel" "$NET_DIR/box.root/root/tunnel"
	on box sh /root/tunnel
	on box rm /root/tunnel
	box_tunnel
	on box systemctl enable --now wg-quick@wg0
	pings box 10.9.0.1
	remember_tunnel
	second_build
	start_pings
	before=$(version_of wgsuite)
	install_ours /packages2
	[ "$(version_of wgsuite)" = "${before%-1}-2" ]
	same_tunnel
	install_ours /packages
	[ "$(version_of wgsuite)" = "$before" ]
	same_tunnel
	on box apt-get remove -y wgsuite wireguardd wireguard-tools
	run ! on box test -e /usr/bin/wg
	same_tunnel
	on box apt-get purge -y wgsuite wireguardd wireguard-tools
	same_tunnel
	diff <(echo "$before_all") <(files_of_machine | grep -vE '/wg-quick.target.wants(/wg-quick@wg0.service)?$|/wg-quick@wg0.service$')
	install /wireguard-tools.deb
	[[ $(on box wg --version) != *wgsuite* ]]
	same_tunnel
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	none_lost
	[ "$(on box wg show wg0 peers)" = "$(on server wg pubkey <<< "$SERVER")" ]
	# The unit of wireguard-tools takes the tunnel down.
	on box systemctl stop wg-quick@wg0
	run ! on box test -e /sys/class/net/wg0
}

@test "over an installed wireguard-tools with a tunnel that is up, and AppArmor profiles of the distribution" {
	install /wireguard-tools.deb
	install /packages/wireguardd_*.deb 2> /dev/null || on box sh -c 'dpkg -i /packages/wireguardd_*.deb'
	on box mkdir -p /etc/systemd/system/wg-quick@.service.d /etc/apparmor.d
	printf '[Service]\nEnvironment=WG_QUICK_USERSPACE_IMPLEMENTATION=wireguardd\n' |
		on box tee /etc/systemd/system/wg-quick@.service.d/program.conf
	on box sh -c 'echo "# of the distribution" > /etc/apparmor.d/wg-quick'
	on box systemctl daemon-reload
	on box systemctl start wg-quick.target
	box_tunnel
	on box systemctl enable --now wg-quick@wg0
	pings box 10.9.0.1
	remember_tunnel
	start_pings
	install_ours /packages
	[[ $(on box wg --version) == *wgsuite* ]]
	[ "$(on box readlink /etc/apparmor.d/disable/wg-quick)" = ../wg-quick ]
	same_tunnel
	none_lost
	# The transitional package is not needed any more, and nothing of wireguard-tools is left.
	on box apt-get remove -y wireguard-tools
	on box dpkg --audit
	[ "$(on box dpkg -S /usr/bin/wg-quick)" = "wgsuite: /usr/bin/wg-quick" ]
	[ -z "$(on box sh -c 'dpkg -l wireguard-tools | grep ^ii')" ]
	same_tunnel
	on box wg-quick status wg0
	on box systemctl restart wg-quick@wg0
	pings box 10.9.0.1
	on box apt-get purge -y wgsuite wireguardd
	run ! on box test -e /etc/apparmor.d/disable/wg-quick
	[ "$(on box cat /etc/apparmor.d/wg-quick)" = "# of the distribution" ]
}
