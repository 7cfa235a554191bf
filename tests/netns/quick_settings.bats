# wgsuite.ini with errors, and the libraries that the programs declare.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	host a
	tunnel a wg0 <<- END
		[Interface]
		PrivateKey = $QUICK_KEY
		Address = 10.9.0.2/24
		[Peer]
		PublicKey = $QUICK_PEER
		AllowedIPs = 10.9.0.0/24
	END
}
teardown() { net_end; }

settings() { on a sh -c 'cat > /etc/wireguard/wgsuite.ini'; }

@test "an invalid wgsuite.ini is an error for up, reload, diff and restart, but not for down, save and strip" {
	on a wg-quick up wg0
	for wrong in '[dns]\nbackend = nonsense' 'no section' '[dns' '[dns]\nbackend' '[typo]\nx = 1'; do
		printf "$wrong\n" | settings
		for verb in reload diff restart; do
			run on a wg-quick $verb wg0
			[ "$status" -eq 1 ]
			[[ $output == *"wgsuite.ini:"*": error: "* ]]
			on a ip link show wg0
		done
		run on a wg-quick strip wg0
		[ "$status" -eq 0 ]
		[[ $output != *wgsuite.ini* ]]
		run on a wg-quick save wg0
		[ "$status" -eq 0 ]
		[[ $output == *"wg-quick: warning: ignoring /etc/wireguard/wgsuite.ini, which has errors"* ]]
		run on a wg-quick down wg0
		[ "$status" -eq 0 ]
		[[ $output == *"wgsuite.ini:"*": error: "*"wg-quick: warning: ignoring /etc/wireguard/wgsuite.ini, which has errors"* ]]
		run on a ip link show wg0
		[ "$status" -ne 0 ]
		run on a wg-quick up wg0
		[ "$status" -eq 1 ]
		on a rm /etc/wireguard/wgsuite.ini
		on a wg-quick up wg0
	done
}

@test "color and colour are the same key" {
	for spelling in color colour; do
		printf '[show]\n%s = always\n' $spelling | settings
		on a wg-quick up wg0
		on a wg-quick down wg0
	done
	printf '[show]\ncolor = always\ncolour = never\n' | settings
	run on a wg-quick up wg0
	[ "$status" -eq 1 ]
	[[ $output == *"wgsuite.ini:3:1: error: duplicate key: \`colour'"* ]]
}

@test "libraries are linked; those loaded at run time are declared in ELF notes" {
	for library in libmnl libiniparser; do
		[[ $(readelf -d "$WGSUITE_BUILD/wg") == *"NEEDED"*"$library.so"* ]]
	done
	for library in libmnl libnl-route-3 libiniparser; do
		[[ $(readelf -d "$WGSUITE_BUILD/wg-quick") == *"NEEDED"*"$library.so"* ]]
	done
	loaded=$(strings "$WGSUITE_BUILD/wg-quick" | grep -oE '^lib[a-z0-9_-]+\.so\.[0-9]+$' | sort -u)
	[ -n "$loaded" ]
	notes=$(readelf -p .note.dlopen "$WGSUITE_BUILD/wg-quick")
	for library in $loaded; do
		[[ $notes == *"\"soname\":[\"$library\"]"* ]] ||
			readelf -d "$WGSUITE_BUILD/wg-quick" | grep -q "NEEDED.*$library"
	done
	! readelf -n "$WGSUITE_BUILD/wg-quick" 2>&1 | grep -i 'corrupt'
}
