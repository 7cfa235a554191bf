#!/usr/bin/env bats
# make install: paths and modes of programs, man pages, completions and systemd units.
bats_require_minimum_version 1.5.0

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	to=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-install.XXXXXX")
	build=${WGSUITE_BUILD:-$root/build}
}

teardown() {
	rm -rf "$to"
}

install_to() {
	make -s -C "$root" O="$build" install DESTDIR="$to" "$@"
}

mode() {
	[ "$(stat -c %a "$to$1")" = "$2" ]
}

@test "make install installs everything under /usr" {
	install_to
	for program in wg wg-quick wireguardd; do
		mode "/usr/bin/$program" 755
		cmp "$build/$program" "$to/usr/bin/$program"
	done
	mode /etc/wireguard 700
	[ -z "$(ls -A "$to/etc/wireguard")" ]
	for page in man8/wg.8 man8/wg-quick.8 man8/wireguardd.8 man7/wgsuite.7 man5/wgsuite.ini.5; do
		mode "/usr/share/man/$page" 644
	done
	mode /usr/share/bash-completion/completions/wg 644
	mode /usr/share/bash-completion/completions/wg-quick 644
	[ "$(find "$to/usr/share/zsh" -type f -perm 644 -name '_wg*' -printf '%f\n' | sort | xargs)" = "_wg _wg-quick" ]
	mode /usr/share/fish/vendor_completions.d/wg.fish 644
	mode /lib/systemd/system/wg-quick@.service 644
	mode /lib/systemd/system/wg-quick.target 644
	mode /lib/systemd/system/wg-quick-monitor.service 644
	mode /lib/systemd/system/wg-quick-health@.service 644
	mode /lib/systemd/system/wireguardd@.service 644
	mode /lib/systemd/system/wg-quick-resolv-conf.service 644
	mode /lib/systemd/system/wg-prometheus.service 644
	mode /lib/systemd/system/wg-prometheus.timer 644
	[ -e "$to/lib/systemd/system/sysinit.target.wants/wg-quick-resolv-conf.service" ]
}

@test "installed folders are world readable with any umask, except /etc/wireguard" {
	umask 077
	install_to
	[ "$(cd "$to" && find . -mindepth 1 -type d ! -perm 755)" = ./etc/wireguard ]
	mode /etc/wireguard 700
}

@test "the root of a container has the same modes with any umask" {
	for mask in 022 077; do (umask $mask && sh "$root/contrib/container/rootfs.sh" "$build" "$to/$mask"); done
	[ "$(cd "$to/022" && find . -printf '%m %p\n' | sort)" = "$(cd "$to/077" && find . -printf '%m %p\n' | sort)" ]
	mode /077 755
}

@test "PREFIX and SYSCONFDIR change the paths, WITH_… variables select parts" {
	install_to PREFIX=/opt/vpn SYSCONFDIR=/opt/etc WITH_WGQUICK=no WITH_WIREGUARDD=no WITH_SYSTEMDUNITS=no \
		WITH_BASHCOMPLETION=no WITH_ZSHCOMPLETION=no WITH_FISHCOMPLETION=no
	mode /opt/vpn/bin/wg 755
	mode /opt/etc/wireguard 700
	[ "$(find "$to" -type f | sed "s|^$to||" | sort | xargs)" = \
		"/opt/vpn/bin/wg /opt/vpn/share/man/man7/wgsuite.7 /opt/vpn/share/man/man8/wg.8" ]
}

@test "completions for zsh go to a folder that zsh searches" {
	command -v zsh > /dev/null || skip "no zsh"
	for prefix in /usr /usr/local; do
		install_to PREFIX=$prefix
		folder=$(dirname "$(find "$to$prefix" -name _wg)")
		[ -f "$folder/_wg-quick" ]
		zsh -fc 'print -l $fpath' | grep -Fxq "${folder#"$to"}"
	done
}

@test "completions for zsh go to vendor-completions where it exists, else to site-functions" {
	mkdir -p "$to/debian/share/zsh/vendor-completions" "$to/other/share/zsh"
	for prefix in debian other; do # the prefix is not below DESTDIR: it is a folder of the machine that builds
		make -s -C "$root" O="$build" install DESTDIR= PREFIX="$to/$prefix" SYSCONFDIR="$to/etc" SYSTEMDUNITDIR="$to/units"
	done
	mode /debian/share/zsh/vendor-completions/_wg 644
	[ ! -e "$to/debian/share/zsh/site-functions" ]
	mode /other/share/zsh/site-functions/_wg 644
	[ ! -e "$to/other/share/zsh/vendor-completions" ]
	install_to ZSHCOMPDIR=/chosen
	mode /chosen/_wg-quick 644
}

@test "the systemd units have the paths of the installed programs" {
	install_to
	cmp "$root/contrib/systemd/wg-quick@.service" "$to/lib/systemd/system/wg-quick@.service"
	install_to PREFIX=/usr/local SYSTEMDUNITDIR=/etc/systemd/system
	[ "$(grep -c '=/usr/local/bin/wg-quick [a-z]* %i$' "$to/etc/systemd/system/wg-quick@.service")" = 3 ]
	mode /etc/systemd/system/wg-quick@.service 644
	[ "$(grep -c '=/usr/local/bin/wg show all prometheus /' "$to/etc/systemd/system/wg-prometheus.service")" = 1 ]
	[ "$(grep -c -e '=/usr/local/bin/wireguardd --fd-store ' -e ' /usr/local/bin/wireguardd --interim ' -e ' /run/wireguard/%i.sock' \
		"$to/etc/systemd/system/wireguardd@.service")" = 3 ]
	run ! grep /usr/bin/ "$to/etc/systemd/system/wireguardd@.service"
	install_to RUNSTATEDIR=/srv/run SYSTEMDUNITDIR=/other
	grep -q ' /srv/run/wireguard/%i.sock' "$to/other/wireguardd@.service"
	install_to WITH_WGQUICK=no SYSTEMDUNITDIR=/alone
	[ "$(ls -m "$to/alone")" = "wg-prometheus.service, wg-prometheus.timer, wireguardd@.service" ]
	install_to WITH_WIREGUARDD=no SYSTEMDUNITDIR=/without
	[ ! -e "$to/without/wireguardd@.service" ]
}

@test "the installed programs run" {
	install_to PREFIX=/usr/local
	[ "$(grep -c '^Exec[A-Za-z]*=/usr/local/bin/wg-quick ' "$to/lib/systemd/system/wg-quick@.service")" -eq 3 ]
	[[ $("$to/usr/local/bin/wg" --version) == *" v"* ]]
	[[ $("$to/usr/local/bin/wireguardd" --version) == *wgsuite* ]]
	run -0 "$to/usr/local/bin/wg-quick" --help
	[[ $output == Usage:* ]]
}

@test "the units do not deny access to /dev/net/tun with any version of systemd" {
	# ProtectClock implies DeviceAllow, and with it denies /dev/net/tun before systemd 253. PrivateDevices hides it.
	run grep -lE '^(ProtectClock|PrivateDevices|DevicePolicy|DeviceAllow)=' "$root"/contrib/systemd/*
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}
