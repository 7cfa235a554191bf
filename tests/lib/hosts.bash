# Test hosts with more on them: Debian packages laid over /usr (laid_over), and a whole Debian under
# systemd (machine). `load ../lib/netns` first; get-hosts.sh and get-root.sh fetch what is used here.

# needs_hosts, needs_root: skip where that could not be fetched.
needs_hosts() {
	[ -e "$WGSUITE_PEERS/hosts/done" ] || skip "tests/lib/get-hosts.sh $WGSUITE_PEERS has not been run"
}

needs_root() {
	needs_hosts
	[ -e "$WGSUITE_PEERS/debian/.packages" ] || skip "tests/lib/get-root.sh $WGSUITE_PEERS has not been run"
}

# laid_over HOST: gives it the unpacked packages, at their own paths, and ours in /usr/local/sbin for
# programs that set PATH themselves.
laid_over() {
	mkdir -p "$NET_DIR/ours/local/sbin"
	ln -sf "$WGSUITE_BUILD"/{wg,wg-quick,wireguardd} "$NET_DIR/ours/local/sbin/"
	on "$1" mount -t overlay -o "lowerdir=$NET_DIR/ours:$WGSUITE_PEERS/hosts/usr:/usr" overlay /usr
}

# machine NAME: boots a Debian with systemd and our programs, units and man pages installed. `on`,
# `wire` and the others take its name like a host's; machine_end ends it.
machine() {
	local name=$1 at=$NET_DIR/$1.root cgroup
	mkdir "$at" "$at.rw"
	mount -t tmpfs tmpfs "$at.rw"
	mkdir "$at.rw/upper" "$at.rw/work"
	mount -t overlay -o "lowerdir=$WGSUITE_PEERS/debian,upperdir=$at.rw/upper,workdir=$at.rw/work" overlay "$at"
	# -o: as they are, not made again.
	make -C "$NET_LIB/../.." --no-print-directory -s O="$WGSUITE_BUILD" DESTDIR="$at" PREFIX=/usr install \
		-o "$WGSUITE_BUILD/wg" -o "$WGSUITE_BUILD/wg-quick" -o "$WGSUITE_BUILD/wireguardd"
	# The control groups of the machine, below one of our own each.
	[ -n "$(cgroup_roots)" ] || umount -l /sys # box.sh lays one without them over it
	for cgroup in $(cgroup_roots); do
		mkdir "$cgroup/wgsuite-$name.$$" || skip "no control groups of our own can be made here"
	done
	bash -c 'for at in $1; do echo $$ > "$at/$2/cgroup.procs" || exit; done; shift 2; exec "$@"' - \
		"$(cgroup_roots)" "wgsuite-$name.$$" \
		env LD_LIBRARY_PATH="$(echo "$WGSUITE_PEERS"/hosts/usr/lib/*/systemd)" \
		"$WGSUITE_PEERS/hosts/usr/bin/systemd-nspawn" -q -D "$at" -M "$name" -b --private-network \
		--capability=CAP_NET_ADMIN --bind=/dev/net/tun --register=no --keep-unit --link-journal=no \
		--resolv-conf=off --timezone=off --console=pipe > "$NET_DIR/$name.console" 2>&1 < /dev/null 3>&- 4>&- &
	NET_OUTER[$name]=$!
	disown $!
	eventually 30 init_of "$name"
	NET_PID[$name]=$(init_of "$name")
	eventually 60 boots "$name"
	in_net "$name" sh -c 'for at in all default; do
		echo 0 > /proc/sys/net/ipv6/conf/$at/accept_dad
		echo 0 > /proc/sys/net/ipv6/conf/$at/router_solicitations
	done'
}

cgroup_roots() {
	local at
	for at in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
		[ ! -e "$at/cgroup.procs" ] || echo "$at"
	done
}

init_of() {
	pgrep -x systemd -P "${NET_OUTER[$1]}"
}

boots() {
	case $(on "$1" systemctl is-system-running) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

machine_end() {
	local at
	[ -n "${NET_OUTER[$1]-}" ] || return 0
	cat "$NET_DIR/$1.console"
	kill -KILL "${NET_PID[$1]-${NET_OUTER[$1]}}" 2>/dev/null || true # the whole pid namespace
	ended() { ! kill -0 "${NET_OUTER[$1]}" 2>/dev/null; }
	eventually 20 ended "$1" || kill -KILL "${NET_OUTER[$1]}"
	unset "NET_PID[$1]" "NET_OUTER[$1]"
	umount -l "$NET_DIR/$1.root" "$NET_DIR/$1.root.rw"
	for at in $(cgroup_roots); do
		[ ! -d "$at/wgsuite-$1.$$" ] || find "$at/wgsuite-$1.$$" -depth -type d -exec rmdir {} +
	done
}
