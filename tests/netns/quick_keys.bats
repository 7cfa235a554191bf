# Keys of the tunnel file that only this wg-quick has: disabled peers, and secret keys that are not in the file.
load ../lib/netns
load ../lib/quick

setup_file() { faults_build; }
setup() {
	net_begin
	quick_host
	CONF=/etc/wireguard/wg0.conf
}
teardown() { net_end; }

OTHER=KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=

# add_peer LINE: another peer with another network.
add_peer() {
	printf '\n# Name = laptop\n[Peer]\n%s\nPublicKey = %s\nAllowedIPs = 10.9.0.0/16\n' "$1" "$OTHER" | on a tee -a $CONF > /dev/null
}

peers() { on a wg show wg0 peers | sort; }

@test "a disabled peer: up, reload, save, strip" {
	quick_file wg0 "SaveConfig = true" 10.8.0.0/16
	add_peer "Disabled = yes # on leave"
	before=$(on a cat $CONF)
	run -0 on a wg-quick up wg0
	[[ $output != *10.9.0.0* ]]
	[ "$(peers)" = "$QUICK_PEER" ]
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	on a sed -i s/=.yes/=no/ $CONF
	run -0 on a wg-quick reload wg0
	[[ $output == *"wg set wg0 peer $OTHER allowed-ips"*"ip -4 route add 10.9.0.0/16 dev wg0"* ]]
	on a sed -i 's/=no/= yes/' $CONF
	run -0 on a wg-quick diff wg0
	[[ $output == *"wg set wg0 peer $OTHER remove"*"ip -4 route delete 10.9.0.0/16 dev wg0"* ]]
	on a wg-quick save wg0 # while the device still has it
	[ "$(on a cat $CONF)" = "$before" ]
	on a wg-quick reload wg0
	[ "$(peers)" = "$QUICK_PEER" ]
	[ -z "$(on a ip route show 10.9.0.0/16)" ]
	run -0 on a wg-quick strip wg0
	[[ $output == *"$QUICK_PEER"* && $output != *"$OTHER"* && $output != *Disabled* ]]
	run -0 on a wg-quick qr -o /run/wg0.svg wg0
	[[ $output == *"left out, because apps do not import them: SaveConfig, disabled peers"* ]]
	on a wg-quick down wg0
	[ "$(on a cat $CONF)" = "$before" ]
}

@test "a file that has disabled peers only; nonsense" {
	quick_file wg0 "Address = 10.7.0.1/24" 0.0.0.0/0
	on a sh -c "echo Disabled = true >> $CONF"
	none=$(quick_state)
	on a wg-quick up wg0
	[ -z "$(peers)" ]
	[ -z "$(on a ip rule show table 51820)" ]
	on a wg-quick down wg0
	quick_settled "$none"
	on a sed -i s/true/maybe/ $CONF
	run -1 on a wg-quick up wg0
	[[ $output == *"wg0.conf:8:12: error: Disabled: expected yes or no, found \`maybe'"* ]]
}

# ---- secret keys ----

PSK=FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=
OTHER_KEY=6Nf7Tw1XOqrQ3NQ+7XKL0Xq5c3wS1Ig6YtQxC8uJ5Wo=

# secret PATH KEY: a file with a key.
secret() { on a sh -c "umask 077; mkdir -p ${1%/*}; echo $2 > $1"; }

# keys_file INTERFACE-LINE PEER-LINE
keys_file() {
	quick_file wg0 "$1" "0.0.0.0/0, ::/0"
	on a sed -i "/^PrivateKey = $(sed 's|[/+]|.|g' <<< "$QUICK_KEY")/d" $CONF
	on a sh -c "echo '$2' >> $CONF"
}

private() { on a wg show wg0 private-key; }
psk() { on a wg show wg0 preshared-keys | cut -f2; }

# leaks KEY…: no key is in any file of /run, /etc or /var/lib but those of keys, nor in the output collected.
leaks() {
	local key
	for key; do
		run ! on a grep -rlF "$key" /run /etc/wireguard --include='*' --exclude='*.key' --exclude='*.psk'
		run ! grep -F "$key" "$BATS_TEST_TMPDIR/output"
	done
}

# logged COMMAND…: runs it on a; its output is added to the file that leaks() searches.
logged() {
	local status=0
	on a "$@" > "$BATS_TEST_TMPDIR/last" 2>&1 || status=$?
	cat "$BATS_TEST_TMPDIR/last" >> "$BATS_TEST_TMPDIR/output"
	return $status
}

@test "keys in files: up, diff, reload, save, strip, status, down; no output and no journal has them" {
	secret /etc/wireguard/wg0.key "$QUICK_KEY"
	secret /etc/wireguard/peers/office.psk "$PSK"
	keys_file "Address = 10.7.0.1/24
PrivateKeyFile = %i.key
SaveConfig = true" "PresharedKeyFile = peers/office.psk"
	before=$(on a cat $CONF)
	none=$(quick_state)
	logged wg-quick up --dry-run wg0
	logged wg-quick up wg0
	[ "$(private)" = "$QUICK_KEY" ]
	[ "$(psk)" = "$PSK" ]
	for verb in diff reload status doctor "check" graph save; do
		logged wg-quick $verb wg0 || [ $verb = doctor ] || [ $verb = check ] || cat "$BATS_TEST_TMPDIR/last"
		[ $verb = diff ] || [ $verb = reload ] || continue
		[ ! -s "$BATS_TEST_TMPDIR/last" ]
	done
	[ "$(on a cat $CONF)" = "$before" ]
	leaks "$QUICK_KEY" "$PSK"
	# wg gets both keys.
	on a sh -c 'wg-quick strip wg0 > /run/stripped.key'
	on a grep -qx "PrivateKey = $QUICK_KEY" /run/stripped.key
	on a grep -qx "PresharedKey = $PSK" /run/stripped.key
	on a wg syncconf wg0 /run/stripped.key
	[ "$(private)" = "$QUICK_KEY" ]
	on a rm /run/stripped.key
	# New contents are in force after reload; a key that wg set is never saved.
	secret /etc/wireguard/wg0.key "$OTHER_KEY"
	secret /etc/wireguard/peers/office.psk "$QUICK_KEY"
	logged wg-quick diff wg0
	grep -qx "\[#\] wg set wg0 private-key /dev/fd/63" "$BATS_TEST_TMPDIR/last"
	logged wg-quick reload wg0
	[ "$(private)" = "$OTHER_KEY" ]
	[ "$(psk)" = "$QUICK_KEY" ]
	on a sh -c "echo $PSK | wg set wg0 private-key /dev/stdin"
	on a wg set wg0 listen-port 5999
	logged wg-quick down wg0
	[ "$(on a cat $CONF)" = "$(sed 's/^SaveConfig.*/&\nListenPort = 5999/' <<< "$before")" ]
	leaks "$QUICK_KEY" "$PSK" "$OTHER_KEY"
	quick_settled "$none"
}

@test "keys in files: refused before anything is done" {
	keys_file "PrivateKeyFile = wg0.key" "PresharedKeyFile = /etc/wireguard/x.psk"
	none=$(quick_state)
	run -1 on a wg-quick up wg0
	[[ $output == *"wg0.conf:2:18: error: PrivateKeyFile: cannot read /etc/wireguard/wg0.key: No such file or directory"* ]]
	[[ $output == *"wg0.conf:7:20: error: PresharedKeyFile: cannot read /etc/wireguard/x.psk: No such file or directory"* ]]
	[ "$(quick_state)" = "$none" ]
	secret /etc/wireguard/wg0.key "$QUICK_KEY"
	secret /etc/wireguard/x.psk "$PSK"
	on a wg-quick up wg0
	for change in "chmod 644" "ln -sf /etc/wireguard/x.psk" "chown 77"; do
		on a $change /etc/wireguard/wg0.key
		for verb in diff reload restart strip "qr -o /run/x.svg"; do
			run -1 on a wg-quick $verb wg0
			[[ $output == *"PrivateKeyFile: cannot read /etc/wireguard/wg0.key: it"* ]]
			[[ $output != *"$QUICK_KEY"* ]]
		done
		[ "$(private)" = "$QUICK_KEY" ]
		on a rm /etc/wireguard/wg0.key
		secret /etc/wireguard/wg0.key "$QUICK_KEY"
	done
	on a sh -c "echo 'PrivateKey = $QUICK_KEY' > /etc/wireguard/wg0.key"
	run -1 on a wg-quick reload wg0
	[[ $output == *"it is not a key"* && $output != *"$QUICK_KEY"* ]]
	on a rm /etc/wireguard/wg0.key # down needs no key
	on a wg-quick down wg0
}

@test "a pipe is read at up, and not at reload" {
	keys_file "PrivateKeyFile = /run/wg0.fifo" "PresharedKeyFile = /dev/fd/7"
	on a mkfifo -m 600 /run/wg0.fifo
	on a sh -c "echo $QUICK_KEY > /run/wg0.fifo & echo $PSK > /run/in; chmod 600 /run/in; cat /run/in | { exec 7<&0; wg-quick up wg0; }; rm /run/in"
	[ "$(private)" = "$QUICK_KEY" ]
	[ "$(psk)" = "$PSK" ]
	for verb in diff reload; do
		run -0 on a timeout 60 wg-quick $verb wg0
		[ -z "$output" ]
	done
	[ "$(psk)" = "$PSK" ]
	on a wg-quick down wg0
	on a rm /run/wg0.fifo
}

@test "credentials of systemd" {
	secret /run/cred/wg-wg0 "$QUICK_KEY"
	secret /run/cred/psk "$PSK"
	keys_file "PrivateKey = @wg-%i" "PresharedKey = @psk"
	run -1 on a wg-quick up wg0
	[[ $output == *"wg0.conf:2:14: error: PrivateKey: there is no credential"*"help: use systemctl, and LoadCredential="* ]]
	on a env CREDENTIALS_DIRECTORY=/run/cred wg-quick up wg0
	[ "$(private)" = "$QUICK_KEY" ]
	[ "$(psk)" = "$PSK" ]
	# Without systemd, those of the active service.
	on a sh -c 'mkdir -p /run/credentials; mv /run/cred /run/credentials/wg-quick@wg0.service'
	run -0 on a wg-quick diff wg0
	[ -z "$output" ]
	on a wg-quick save wg0
	on a grep -qx "PrivateKey = @wg-%i" $CONF
	on a wg-quick down wg0
	on a rm -r /run/credentials
}

@test "create: makes the key once, and prints the public key" {
	keys_file "PrivateKeyFile = create:%i.key" ""
	run -0 on a wg-quick up --dry-run wg0
	[[ $output == *"[#] (umask 077; wg genkey > /etc/wireguard/wg0.key)
[#] wg pubkey < /etc/wireguard/wg0.key"* ]]
	for verb in strip "qr -o /run/x.svg"; do
		run -1 on a wg-quick $verb wg0
		[[ $output == *"wg0.key: No such file or directory"*"help: \`wg-quick up' makes it"* ]]
	done
	on a wg-quick check wg0 || true
	on a test ! -e /etc/wireguard/wg0.key
	on a sh -c 'umask 0; wg-quick up wg0 > /run/public 2> /run/trace'
	[ "$(on a stat -c '%a %u' /etc/wireguard/wg0.key)" = "600 0" ]
	[ "$(on a cat /run/public)" = "$(on a sh -c 'wg pubkey < /etc/wireguard/wg0.key')" ]
	[ "$(on a cat /run/public)" = "$(on a wg show wg0 public-key)" ]
	run ! on a grep -F "$(on a cat /etc/wireguard/wg0.key)" /run/trace
	[ "$(on a sed -n 1p /run/trace)" = "[#] (umask 077; wg genkey > /etc/wireguard/wg0.key)" ]
	key=$(on a cat /etc/wireguard/wg0.key)
	run -1 on a wg-quick up wg0
	on a wg-quick reload wg0
	on a wg-quick down wg0
	run -0 --separate-stderr on a wg-quick up wg0
	[ -z "$output" ]
	[ "$(private)" = "$key" ]
	# While the tunnel is up, reload makes none.
	on a sed -i s/%i.key/new.key/ $CONF
	run -1 on a wg-quick reload wg0
	[[ $output == *"\`wg-quick up' makes it"* ]]
	on a wg-quick down wg0
	run -1 on a sh -c "sed -i s,new.key,/no/where, $CONF; wg-quick up wg0"
	[[ $output == *"wg0.conf:2:18: error: PrivateKeyFile: cannot make /no/where: No such file or directory"* ]]
	on a rm -f /run/public /run/trace
}

@test "create: interrupted anywhere, there is a complete key or none" {
	keys_file "PrivateKeyFile = create:%i.key" ""
	state=$(quick_state)
	on a env WG_QUICK_FAULT_LOG=/run/steps "$FAULTS/wg-quick" up wg0 > /dev/null 2>&1
	steps=$(on a sed -n 's/ key .*//p' /run/steps)
	[ "$(wc -w <<< "$steps")" -eq 4 ]
	last=${steps##*$'\n'}
	on a wg-quick down wg0
	on a rm /run/steps /etc/wireguard/wg0.key
	quick_settled "$state"
	for signal in "" 9 15; do
		for step in $steps $((last + 1)) $((last + 3)); do
			rc=0
			on a env WG_QUICK_FAULT="$step" WG_QUICK_FAULT_SIGNAL="$signal" "$FAULTS/wg-quick" up wg0 > "$NET_DIR/output" 2>&1 || rc=$?
			[ -n "$signal" ] || [ "$step" -gt "$last" ] || [ "$rc" -eq 1 ]
			run on a cat /etc/wireguard/wg0.key
			[ "$status" -ne 0 ] || [ "$(wc -c <<< "$output")" -eq 45 ]
			[ "$(on a ls /etc/wireguard | grep -vxE 'wg0\.(conf|key)')" = "" ]
			on a wg-quick down wg0 > /dev/null 2>&1 || true
			on a rm -f /etc/wireguard/wg0.key
			quick_settled "$state"
		done
	done
}
