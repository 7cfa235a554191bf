# The Debian packages (make release), in a Debian 12 or 13 under systemd: installed on a system without wireguard-tools and over
# one with it, upgraded, downgraded, removed, and replaced by wireguard-tools again, without the loss of a packet. The other release
# is booted the next day (WGSUITE_DAY), both with WGSUITE_COMPLETE=yes.
#
#   box eth0 192.0.2.2 ---- 192.0.2.1 server
#   box wg0  10.9.0.2  ==== 10.9.0.1
root=$BATS_TEST_DIRNAME/../..
load ../lib/netns
load ../lib/hosts
load ../lib/release
load ../lib/package_builds

# Programs are those of this build, but with WGSUITE_COMPLETE=yes the packages of Debian 12 are built from the sources.
setup_file() {
	[ "${WGSUITE_COMPLETE-}" = yes ] || export PREBUILT=$WGSUITE_BUILD
	export DEB_BUILD_OPTIONS=noautodbgsym REPOSITORY=$BATS_FILE_TMPDIR/repository RELEASE=$BATS_FILE_TMPDIR/release
	whole_repository "$REPOSITORY"
	sh "$REPOSITORY/contrib/packaging/release.sh" "$BATS_FILE_TMPDIR" >&2
}

setup() {
	[[ $BATS_TEST_DESCRIPTION == *"machine"* ]] || return 0
	needs_root
	net_begin
}

teardown() {
	[ -n "${NET_DIR-}" ] || return 0
	stop_machine box
	net_end
}

# machine SUITE: a server with a tunnel, and a fresh Debian without it and the libraries of our packages, with the packages that
# were built for it in /packages and those of Debian as its only source.
machine() {
	suite=$1
	case $suite in
	bookworm) NET_SYSTEM=$WGSUITE_PEERS/debian ;;
	trixie) NET_SYSTEM=$WGSUITE_PEERS/debian-trixie ;;
	esac
	[ -e "$NET_SYSTEM/packages/Packages" ] || skip "tests/lib/get-root.sh $WGSUITE_PEERS $suite has not been run"
	packages_for "$suite"
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
	on box sh -c 'mv /packages /debian && mkdir /packages /packages2 && rm -rf /etc/apt/sources.list* &&
		echo "deb [trusted=yes] file:/debian ./" > /etc/apt/sources.list && apt-get -qq update &&
		dpkg --purge $(dpkg-query -W -f "\${Package} \${db:Status-Status}\n" "libiniparser*" "libnl*" | sed -n "s/ installed$//p")' > "$NET_DIR/prepare.log"
	cp "$DEBS"/*.deb "$NET_DIR/box.root/packages"
}
another_machine() {
	stop_machine box
	net_end
	net_begin
}

# install ARGUMENT…: as a user does, on the machine.
install() { on box sh -c "DEBIAN_FRONTEND=noninteractive apt-get install -y --allow-downgrades $*"; }

# as_in_readme WORDS: runs the command of README's section Install that has these words, on the machine; the packages are in /packages.
as_in_readme() {
	local command
	command=$(sed -n '/^## Install/,/^## [^I]/s/^    //p' "$root"/README* | grep -F -- "$1")
	[ "$(wc -l <<< "$command")" = 1 ]
	command=${command%%    #*}
	command=${command//sudo /}
	on box sh -ec "export DEBIAN_FRONTEND=noninteractive; ${command//.\/build\/deb//packages}" - < /dev/null
}

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
none_lost() { pings_end server "$PINGS"; }

version_of() { on box dpkg-query -W -f '${Version}' "$1"; }
same_tunnel() { [ "$(daemons box) $(on box cat /sys/class/net/wg0/ifindex)" = "$TUNNEL" ] && [ "$(on box cat /etc/wireguard/wg0.conf)" = "$FILE" ]; }
remember_tunnel() { TUNNEL="$(daemons box) $(on box cat /sys/class/net/wg0/ifindex)" FILE=$(on box cat /etc/wireguard/wg0.conf); }

# second_build: packages of a later revision in /packages2.
second_build() {
	local deb at=$NET_DIR/repack
	for deb in "$DEBS"/*.deb; do
		rm -rf "$at"
		dpkg-deb -R "$deb" "$at"
		sed -i -E 's/^(Version: .*|.*\(= [^)]*)-1(\)|$)/\1-2\2/; s/(\(= 1\.0\.0)-1\)/\1-2)/g' "$at/DEBIAN/control"
		dpkg-deb -Zgzip -z1 -b "$at" "$NET_DIR/box.root/packages2/$(basename "$deb" | sed 's/-1_/-2_/')" > "$NET_DIR/repack.log"
	done
}

# files_of_machine: all files, but those that dpkg and systemd keep about packages and units, tunnel files, and those of packages that
# ours depend on.
files_of_machine() {
	on box find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt \
		-o -path /var/log -o -path /var/cache -o -path /var/lib/systemd -o -path /etc/wireguard -o -path "/packages*" -o -path "*/lib/*-linux-gnu*" \
		-o -path "/usr/share/doc/lib*" -o -path "/etc/libnl-3*" -o -path "/usr/share/doc-base/lib*" -o -path "/usr/share/lintian/overrides/lib*" \) -prune -o -print | sort
}

@test "lintian finds nothing, verify-release makes the same packages elsewhere and later, and notices a manipulated one" {
	DEBS=$RELEASE
	# It leaves files in TMPDIR.
	TMPDIR=$BATS_TEST_TMPDIR lintian --fail-on pedantic,warning,error --pedantic --allow-root "$DEBS"/*.deb
	cp -r "$RELEASE" "$BATS_TEST_TMPDIR/release"
	cd "$BATS_TEST_TMPDIR"
	deb=$(basename release/wireguardd_*.deb)
	dpkg-deb -R "release/$deb" unpacked
	echo evil >> unpacked/lib/systemd/system/wireguardd@.service
	dpkg-deb --root-owner-group -b unpacked "release/$deb"
	sums release
	verify() {
		umask 077
		TZ=Pacific/Chatham LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="noautodbgsym parallel=1" \
			sh "$REPOSITORY/contrib/verify-release" --from "$1" "$version"
	}
	run -1 verify release
	for ok in "wgsuite-$version.tar.gz: the same as from tag v$version" "$(basename release/wgsuite_*.deb): the same" "wireguard-tools_"; do
		[[ "$output" = *"ok    $ok"* ]]
	done
	[[ "$output" = *"FAIL  $deb: not the same"*"      lib/systemd/system/wireguardd@.service: other content"* ]]
	[[ "$output" = *"FAIL  wgsuite-$version.spdx.json: not the same"* ]]
	[ "$(grep -c "^FAIL" <<< "$output")" = 2 ]
	[ "${WGSUITE_COMPLETE-}" != yes ] || verify "$RELEASE"
}

whole_life() {
	machine "$1"
	before_all=$(files_of_machine)
	on box sh -c 'echo "APT::Get::Assume-Yes \"true\";" > /etc/apt/apt.conf.d/yes'
	as_in_readme 'apt install ./build/deb/*.deb'
	[ "$(on box stat -c %a /etc/wireguard)" = 700 ]
	# Recommended libraries, which programs load when they need them.
	on box sh -c "wg genkey | sed 's/.*/[Interface]\nPrivateKey = &/' > /root/phone.conf && chmod 600 /root/phone.conf && wg-quick qr -o /root/phone.png /root/phone.conf"
	# As autopkgtest does.
	cp "$root/contrib/packaging/debian/tests/tunnel" "$NET_DIR/box.root/root/tunnel"
	on box sh /root/tunnel
	on box rm /root/tunnel /root/phone.conf /root/phone.png
	box_tunnel
	as_in_readme 'systemctl enable --now wg-quick@wg0'
	pings box 10.9.0.1
	remember_tunnel
	second_build
	start_pings
	before=$(version_of wgsuite)
	install "/packages2/*.deb"
	[ "$(version_of wgsuite)" = "${before%-1}-2" ]
	same_tunnel
	install "/packages/*.deb"
	[ "$(version_of wgsuite)" = "$before" ]
	same_tunnel
	as_in_readme 'apt remove wgsuite'
	[[ $(on box wg --version) != *wgsuite* ]]
	same_tunnel
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	# The other direction, and all removed.
	install "/packages/*.deb"
	same_tunnel
	on box apt-get remove -y wgsuite wireguardd wireguard-tools
	run ! on box test -e /usr/bin/wg
	same_tunnel
	on box apt-get purge -y wgsuite wireguardd wireguard-tools
	same_tunnel
	diff <(echo "$before_all") <(files_of_machine | grep -vE '/wg-quick.target.wants(/wg-quick@wg0.service)?$|/wg-quick@wg0.service$|^/etc/apt/apt.conf.d/yes$')
	install wireguard-tools
	[[ $(on box wg --version) != *wgsuite* ]]
	same_tunnel
	[ "$(on box systemctl is-active wg-quick@wg0)" = active ]
	none_lost
	[ "$(on box wg show wg0 peers)" = "$(on server wg pubkey <<< "$SERVER")" ]
	pings box 10.9.0.1
	# The unit of wireguard-tools takes the tunnel down.
	on box systemctl stop wg-quick@wg0
	run ! on box test -e /sys/class/net/wg0
}

@test "machine: install, enable, upgrade, downgrade, remove and purge, and wireguard-tools afterwards" {
	for suite in $(suites); do
		[ -z "${NET_PID[box]-}" ] || another_machine
		whole_life "$suite"
	done
}

# attached: the profiles that the start of the system loads for wg-quick.
attached() { on box sh -c 'apparmor_parser --quiet --skip-kernel-load --skip-cache --names /etc/apparmor.d 2> /dev/null' | grep -E '^(wg-quick|distribution)$' | sort | xargs; }

@test "machine: over an installed wireguard-tools with a tunnel that is up, and AppArmor profiles of the distribution" {
	machine "$(suites | head -n 1)"
	install wireguard-tools apparmor
	on box sh -c 'dpkg -i /packages/wireguardd_*.deb'
	on box mkdir -p /etc/systemd/system/wg-quick@.service.d
	printf '[Service]\nEnvironment=WG_QUICK_USERSPACE_IMPLEMENTATION=wireguardd\n' |
		on box tee /etc/systemd/system/wg-quick@.service.d/program.conf
	on box sh -c 'echo "profile distribution /usr/bin/wg-quick { }" > /etc/apparmor.d/wg-quick'
	[ "$(attached)" = distribution ]
	on box systemctl daemon-reload
	on box systemctl start wg-quick.target
	box_tunnel
	on box systemctl enable --now wg-quick@wg0
	pings box 10.9.0.1
	remember_tunnel
	start_pings
	install "/packages/*.deb"
	[[ $(on box wg --version) == *wgsuite* ]]
	[ "$(on box readlink /etc/apparmor.d/disable/wg-quick /etc/apparmor.d/disable/wg)" = $'../wgsuite.wg-quick\n../wgsuite.wg' ]
	[ "$(attached)" = wg-quick ]
	[ "$suite" != trixie ] || on box test -e /etc/apparmor.d/wgsuite.wg-quick-run
	same_tunnel
	none_lost
	# The transitional package is no longer needed, and nothing of wireguard-tools is left.
	on box apt-get remove -y wireguard-tools
	on box dpkg --audit
	[ "$(on box dpkg -S /usr/bin/wg-quick)" = "wgsuite: /usr/bin/wg-quick" ]
	[ -z "$(on box sh -c 'dpkg -l wireguard-tools | grep ^ii')" ]
	same_tunnel
	on box wg-quick status wg0
	on box systemctl restart wg-quick@wg0
	pings box 10.9.0.1
	# Without the package, only the profile of the distribution confines wg-quick, although ours is a configuration file.
	on box apt-get remove -y wgsuite wireguardd
	on box test -e /etc/apparmor.d/wgsuite.wg-quick
	[ "$(attached)" = distribution ]
	on box apt-get purge -y wgsuite wireguardd
	[ -z "$(on box find /etc/apparmor.d -name 'wgsuite*' -o -path '*/disable/wg*')" ]
	[ "$(attached)" = distribution ]
}
