# Test hosts with additional programs: Debian packages mounted over /usr (overlay_packages), and a Debian system under
# systemd (boot_machine). `load ../lib/netns` first. get-hosts.sh and get-root.sh download what is needed.

# The root file system of machines, one that get-root.sh or get-releases.sh made.
NET_SYSTEM=${WGSUITE_SYSTEM:-$WGSUITE_PEERS/debian}

# needs_hosts, needs_root: skip the test if the downloads are missing.
needs_hosts() {
	[ -e "$WGSUITE_PEERS/hosts/done" ] || skip "tests/lib/get-hosts.sh $WGSUITE_PEERS has not been run"
}

needs_root() {
	needs_hosts
	[ -e "$NET_SYSTEM/.packages" ] || skip "tests/lib/get-root.sh $WGSUITE_PEERS has not been run"
}

# overlay_packages HOST: mounts the unpacked packages over /usr of a host, with the programs under test in
# /usr/local/sbin for programs that set PATH themselves.
overlay_packages() {
	mkdir -p "$NET_DIR/usr/local/sbin"
	ln -sf "$WGSUITE_BUILD"/{wg,wg-quick,wireguardd} "$NET_DIR/usr/local/sbin/"
	on "$1" mount -t overlay -o "lowerdir=$NET_DIR/usr:$WGSUITE_PEERS/hosts/usr:/usr" overlay /usr
}

# install_ufw HOST: what the installation of the ufw package does, on a host.
install_ufw() {
	overlay_packages "$1"
	host_sh "$1" <<-END
	cp -aL "$WGSUITE_PEERS/hosts/etc/ufw" /etc/
	cp -a "$WGSUITE_PEERS/hosts/etc/default/ufw" /etc/default/
	cp /usr/share/ufw/ufw.conf /usr/share/ufw/*.init /etc/ufw/
	cp /usr/share/ufw/iptables/*.rules /etc/ufw/
	chmod 640 /etc/ufw/*.rules /etc/ufw/*.init
	mkdir -p /run/lock
	END
}

# boot_machine NAME: boots a Debian system with systemd, with the programs, units and man pages installed. `on`, `wire`
# and the other functions accept its name like that of a host. stop_machine NAME stops it. With "bare" as the second
# argument nothing is installed.
boot_machine() {
	local name=$1 at=$NET_DIR/$1.root cgroup group
	mkdir "$at" "$at.rw"
	mount -t tmpfs tmpfs "$at.rw"
	mkdir "$at.rw/upper" "$at.rw/work"
	mount -t overlay -o "lowerdir=$NET_SYSTEM,upperdir=$at.rw/upper,workdir=$at.rw/work" overlay "$at"
	# -o: install the existing programs instead of rebuilding them.
	[ "${2-}" = bare ] || make -C "$NET_LIB/../.." --no-print-directory -s O="$WGSUITE_BUILD" DESTDIR="$at" PREFIX=/usr install \
		-o "$WGSUITE_BUILD/wg" -o "$WGSUITE_BUILD/wg-quick" -o "$WGSUITE_BUILD/wireguardd"
	# A control group for the machine in each hierarchy, which other boxes have in common: their PIDs are the same as here.
	group=$(machine_cgroup "$name")
	[ -n "$(cgroup_roots)" ] || umount -l /sys # box.sh has mounted a /sys without them
	for cgroup in $(cgroup_roots); do
		mkdir "$cgroup/$group" || skip "cannot create control groups"
	done
	bash -c 'for at in $1; do echo $$ > "$at/$2/cgroup.procs" || exit; done; shift 2; exec "$@"' - \
		"$(cgroup_roots)" "$group" \
		env LD_LIBRARY_PATH="$(echo "$WGSUITE_PEERS"/hosts/usr/lib/*/systemd)" \
		"$WGSUITE_PEERS/hosts/usr/bin/systemd-nspawn" -q -D "$at" -M "$name" -b --private-network \
		--capability=CAP_NET_ADMIN --bind=/dev/net/tun --register=no --keep-unit --link-journal=no \
		--resolv-conf=off --timezone=off --console=pipe > "$NET_DIR/$name.console" 2>&1 < /dev/null 3>&- 4>&- &
	NET_OUTER[$name]=$!
	disown $!
	eventually 30 init_of "$name"
	NET_PID[$name]=$(init_of "$name")
	eventually 60 has_booted "$name"
	unset TMPDIR # the machine has no such folder, and its programs would inherit it
	in_net "$name" sh -c 'for at in all default; do
		echo 0 > /proc/sys/net/ipv6/conf/$at/accept_dad
		echo 0 > /proc/sys/net/ipv6/conf/$at/router_solicitations
	done'
}

machine_cgroup() { echo "wgsuite-$1.${NET_DIR##*.}"; }

# cgroup_roots: the roots of the control group hierarchies.
cgroup_roots() {
	local at
	for at in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
		[ ! -e "$at/cgroup.procs" ] || echo "$at"
	done
}

# init_of NAME: the PID of systemd in a machine.
init_of() {
	pgrep -x systemd -P "${NET_OUTER[$1]}"
}

has_booted() {
	case $(on "$1" systemctl is-system-running) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

stop_machine() {
	local at
	[ -n "${NET_OUTER[$1]-}" ] || return 0
	cat "$NET_DIR/$1.console"
	kill -KILL "${NET_PID[$1]-${NET_OUTER[$1]}}" 2>/dev/null || true # ends the whole PID namespace
	ended() { ! kill -0 "${NET_OUTER[$1]}" 2>/dev/null; }
	eventually 20 ended "$1" || kill -KILL "${NET_OUTER[$1]}"
	unset "NET_PID[$1]" "NET_OUTER[$1]"
	umount -l "$NET_DIR/$1.root" "$NET_DIR/$1.root.rw"
	for at in $(cgroup_roots); do
		[ ! -d "$at/$(machine_cgroup "$1")" ] || find "$at/$(machine_cgroup "$1")" -depth -type d -exec rmdir {} +
	done
}
