# The folder of the journals cannot be used, or the journal of another tunnel cannot be read.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# cycles COMMAND…: up and down of a full tunnel succeed in new mount and network namespaces (and `unshare` options before
# `--`), where COMMAND made the folder unusable; the warning about it is the only message.
cycles() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	on a mkdir -p /run/wireguard
	run on a unshare --net --mount "${options[@]}" -- sh -ec '
		mount -t tmpfs none /run/wireguard
		"$@"
		ip link set lo up
		wg-quick up wg0
		ip -4 rule | grep "lookup 51820"
		wg-quick down wg0
		test -z "$(ip -4 rule | grep "lookup 51820")"' sh "$@"
	[ "$status" -eq 0 ] || fail "$output" || return
	[[ $output == *"warning: cannot write to "*"/wgsuite: "*": no journal is kept"* ]] || fail "$output" || return
	[[ $output != *"cannot remove"* && $output != *"src_valid_mark:"* ]] || fail "$output"
}

@test "the folder is of a user that the user namespace does not have" {
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0"
	on a mkdir -m 700 /run/wgsuite
	on a chown 1000:1000 /run/wgsuite
	cycles --user --map-root-user -- true
}

@test "the folder is on a read-only file system, a dangling link, or a file" {
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0"
	on a mkdir -m 700 /run/wgsuite
	cycles -- mount -t tmpfs -o ro none /run/wgsuite
	on a rmdir /run/wgsuite
	on a ln -s /run/nothing /run/wgsuite
	cycles -- true
	on a rm /run/wgsuite
	on a touch /run/wgsuite
	cycles -- true
}

@test "the journal of another full tunnel cannot be read: its sysctl and its table are not touched" {
	quick_file wg0 "Address = 10.7.0.1/24" "0.0.0.0/0"
	quick_file wg1 "Address = 10.9.0.1/24" "0.0.0.0/0"
	quick_file wg2 "Address = 10.11.0.1/24" "0.0.0.0/0"
	before=$(quick_state)
	on a wg-quick up wg1
	on a wg-quick up wg0
	on a sh -c 'cp /run/wgsuite/wg1@* /run/kept; echo damaged | tee /run/wgsuite/wg1@*'
	on a ip -4 route flush table 51820
	on a wg-quick up wg2
	[ "$(on a wg show wg2 fwmark)" = 0xca6e ] # not that of the rule
	on a wg-quick down wg2
	run -1 on a wg-quick down wg0
	[[ $output == *"cannot determine whether another tunnel needs src_valid_mark: "*"some steps could not be undone"* ]]
	[ "$(on a cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" = 1 ]
	on a sh -c 'cat /run/kept | tee /run/wgsuite/wg1@*; rm /run/kept'
	on a wg-quick down wg0
	[ "$(on a cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" = 1 ]
	on a wg-quick down wg1
	quick_settled "$before"
}
