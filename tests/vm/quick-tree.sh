# What wg-quick needs in the test machine, and Debian's beside it. Sourced by run.sh: `put`, $tree, $build,
# $peers, $root and $scratch are its.
for program in chmod chown cp echo expr find id install ln mktemp mount mv nft nproc paste pgrep pwd readlink realpath \
	rmdir sha256sum stat sysctl tac unshare xargs; do
	path=$(type -P "$program") || path=/usr/sbin/$program
	[ ! -x "$path" ] || put "$path" || exit 1
done
put "$build/wg-quick" && put "$build/wireguardd" || exit 1
sh "$root/tests/lib/faults.sh" "$build" &&
	put "$build/faults/wg-quick" quick-faults || exit 1
for library in libnftables.so.1; do # loaded when it is needed
	path=$(ldconfig -p | awk -v name="$library" '$1 == name && $NF ~ /x86_64|lib64/ { print $NF; exit }')
	[ -z "$path" ] || { mkdir -p "$tree$(dirname "$path")" && cp -Ln "$path" "$tree$path" && put_libraries "$path"; }
done
[ ! -e "$peers/wg-quick" ] || install -m 755 "$peers/wg-quick" "$tree/usr/bin/quick-debian"
cc -O1 -std=gnu11 -D_GNU_SOURCE -o "$scratch/hardened" "$here/hardened.c" -lseccomp && put "$scratch/hardened" || exit 1
cc -O1 -std=gnu11 -D_GNU_SOURCE -static -o "$tree/usr/bin/unload" "$here/unload.c" || exit 1
# calls_of SET…: the system calls of systemd's sets.
calls_of() {
	systemd-analyze syscall-filter "$@" | sed 's/#.*//' | grep '^ ' | while read -r call; do
		case $call in
		@*) calls_of "$call" ;;
		*) echo "$call" ;;
		esac
	done
}
if type systemd-analyze > /dev/null 2>&1; then
	calls_of @system-service @network-io | grep -vxFf <(calls_of @debug @mount @swap @reboot @raw-io) > "$tree/algo-calls"
fi
mkdir -p "$tree/etc/wireguard" "$tree/etc/iproute2" "$tree/home/nobody" "$tree/usr/share"
cp -r /etc/iproute2/. "$tree/etc/iproute2/"
cp -r "$root/tests/netns/configs" "$tree/configs"
echo 'nobody:x:65534:65534::/home/nobody:/bin/bash' >> "$tree/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' > "$tree/etc/group"
echo 'nameserver 192.168.5.254' > "$tree/etc/resolv.conf"
# AppArmor's parser, what profiles include, and ours.
hosts=$peers/hosts
[ -x "$hosts/usr/sbin/apparmor_parser" ] || hosts=
if [ -x "$hosts/usr/sbin/apparmor_parser" ]; then
	put "$hosts/usr/sbin/apparmor_parser" && put "$(type -P dmesg)" || exit 1
	mkdir -p "$tree/etc/apparmor.d"
	cp -r "$hosts"/etc/apparmor.d/{abi,abstractions,tunables} "$tree/etc/apparmor.d/"
	cp -r "$hosts/etc/apparmor" "$tree/etc/"
	cp -r "$hosts/usr/share/apparmor-features" "$tree/usr/share/"
	cp "$root"/contrib/apparmor/* "$tree/etc/apparmor.d/"
fi
