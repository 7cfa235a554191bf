# Hooks: owners of their files, errors, and that reload and diff keep their effects.
load ../lib/netns
load ../lib/quick

setup() {
	net_begin
	quick_host
}
teardown() { net_end; }

# messages STATUS LINES: runs `up` with these hooks, which fails with STATUS; $output gets the messages without the trace.
messages() {
	quick_file wg0 "$2" "10.8.0.0/16"
	run "-$1" on a wg-quick up wg0
	output=$(grep -v -e '^\[' <<< "$output")
}

@test "20: a failed hook is reported with line and status, after its own messages" {
	messages 1 'PostUp = false; echo x'
	[ "$output" = "wg-quick: wg0: PostUp command 1 failed with status 1: false; echo x" ]
	messages 1 'PreUp = true
PreUp = f() { local x=1; false | cat; }; f'
	[ "$output" = "wg-quick: wg0: PreUp command 2 failed with status 1: f() { local x=1; false | cat; }; f" ]
	messages 7 'PostUp = echo said >&2; ( exit 7 )'
	[ "$output" = "said
wg-quick: wg0: PostUp command 1 failed with status 7: echo said >&2; ( exit 7 )" ]
	messages 127 'PostUp = nosuchcommand a'
	[ "$output" = "wg-quick: nosuchcommand: command not found
wg-quick: wg0: PostUp command 1 failed with status 127: nosuchcommand a" ]
	messages 143 'PostUp = trap "echo bye >&2" EXIT; kill $BASHPID; true'
	[ "$output" = "bye
wg-quick: wg0: PostUp command 1 failed with status 143: trap \"echo bye >&2\" EXIT; kill \$BASHPID; true" ]
	quick_file wg0 'PostDown = cat /nonexistent' "10.8.0.0/16"
	on a wg-quick up wg0
	run -1 on a wg-quick down wg0
	[ "$(grep -v -e '^\[' <<< "$output")" = "cat: /nonexistent: No such file or directory
wg-quick: wg0: PostDown command 1 failed with status 1: cat /nonexistent" ]
}

@test "01: hooks in files of other users are run or refused as [hooks] owner says" {
	quick_file wg0 'PostUp = echo up %i; test "$(id -u)" = 0' "10.8.0.0/16"
	none=$(quick_state)
	on a sh -c 'mkdir /etc/wireguard/config; cp /etc/wireguard/wg0.conf /etc/wireguard/config/wg0.conf'
	conf=/etc/wireguard/config/wg0.conf
	# runs WARNING [VARIABLE=VALUE]: the hooks run, with this warning or none.
	runs() {
		run on a env "${2-X=}" wg-quick up "$conf"
		[ "$status" -eq 0 ]
		[[ $output == *"[#] echo up wg0;"* ]]
		warnings=$(grep 'can change' <<< "$output" || true)
		[ "$warnings" = "${1:+wg-quick: wg0: warning: user $1 can change the hooks in $conf}" ]
		on a wg-quick down "$conf"
	}
	# refused REASON HELP: the hooks are refused with this error and help.
	refused() {
		run -1 on a wg-quick up "$conf"
		[ "$output" = "wg-quick: wg0: hooks are not run: $1
  help: $2 in /etc/wireguard/wgsuite.ini" ]
		run ! in_net a ip link show wg0
	}
	# linuxserver's image: chown -R abc:abc /config
	on a chown -R 911:911 /etc/wireguard/config
	runs 911
	runs "" PKEXEC_UID=911
	runs "" SUDO_UID=911
	runs 911 SUDO_UID=1000
	on a chown -R 65534:65534 /etc/wireguard/config # unmapped users in a user namespace
	runs 65534
	on a sh -c "chown -R 0:0 /etc/wireguard/config; chmod 660 $conf"
	runs ""
	on a sh -c "chown 2:2 $conf"
	runs "" DOAS_USER=bin
	refused "group 2 can write to $conf" "chmod g-w $conf, or set [hooks] owner = unchecked"
	on a sh -c "chown 0:0 $conf; chmod 777 /etc/wireguard/config"
	refused "all users can write to /etc/wireguard/config" "chmod o-w /etc/wireguard/config, or set [hooks] owner = unchecked"
	on a sh -c "printf '[hooks]\nowner = unchecked\n' > /etc/wireguard/wgsuite.ini"
	runs ""
	on a sh -c "printf '[hooks]\nowner = caller\n' > /etc/wireguard/wgsuite.ini; chmod 755 /etc/wireguard/config"
	runs ""
	on a chown 911 "$conf"
	runs "" SUDO_UID=911
	refused "user 911 owns $conf" "chown root $conf, or set [hooks] owner = any"
	run -1 on a env SUDO_UID=1000 wg-quick restart "$conf"
	[[ $output == *"hooks are not run: user 911 owns"* ]]
	on a sh -c "printf '[hooks]\nowner = root\n' > /etc/wireguard/wgsuite.ini"
	run -1 on a env SUDO_UID=911 wg-quick up "$conf"
	[[ $output == *"hooks are not run: user 911 owns"* ]]
	on a chown 0 "$conf"
	runs ""
	on a sh -c "rm -r /etc/wireguard/config /etc/wireguard/wgsuite.ini"
	quick_settled "$none"
}

@test "01: a user namespace shows the owner of the file as nobody" {
	quick_file wg0 'PostUp = true' "10.8.0.0/16"
	on a chown 1000:1000 /etc/wireguard/wg0.conf
	on a chmod 644 /etc/wireguard/wg0.conf
	run on a unshare --user --map-root-user --mount --net sh -c \
		'mount -t tmpfs none /run; stat -c %u /etc/wireguard/wg0.conf && wg-quick up wg0 && wg-quick down wg0'
	[ "$status" -eq 0 ]
	[[ $output == "65534"*"warning: user 65534 can change the hooks in"*"[#] true"* ]]
}
