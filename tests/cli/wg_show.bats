#!/usr/bin/env bats
# wg show and showconf with scripted devices.

bats_require_minimum_version 1.5.0
load wg
setup_file() { load wg; wg_setup_file; }
setup() { wg_setup; sample_state > get.wgx; }
teardown() { wg_teardown; }

@test "everything is written to a non-blocking pipe" {
	awk 'BEGIN { for (i = 1; i <= 5000; i++) printf "public_key=%064x\n", i; print "errno=0\n" }' > get.wgx
	fake_device wgx
	run -0 --separate-stderr python3 "$root/tests/lib/full_pipe.py" "$WG" show wgx peers
	[ "${#lines[@]}" = 5000 ]
	[ -z "$stderr" ]
}

PUBLIC=wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk=
PRIVATE=6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=
P1=uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=
P2=WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=
P3=Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=
PSK1=GIUVCT6VL18i6GXO8wEucvi18LWYrAMJ1drM47cPz1I=
T='	'

@test "fields of the device" {
	fake_device wgx
	expect_output 0 "$PUBLIC
" "" "$WG" show wgx public-key
	expect_output 0 "$PRIVATE
" "" "$WG" show wgx private-key
	expect_output 0 "12912
" "" "$WG" show wgx listen-port
	expect_output 0 "0xca6c
" "" "$WG" show wgx fwmark
}

@test "fields of the peers" {
	fake_device wgx
	expect_output 0 "$P1
$P2
$P3
" "" "$WG" show wgx peers
	expect_output 0 "$P1$T$PSK1
$P2$T(none)
$P3$T(none)
" "" "$WG" show wgx preshared-keys
	expect_output 0 "$P1$T[abcd:23::33]:51820
$P2${T}182.122.22.19:3233
$P3$T(none)
" "" "$WG" show wgx endpoints
	expect_output 0 "$P1${T}192.168.4.4/32
$P2${T}192.168.4.6/32 fd00::/64
$P3$T(none)
" "" "$WG" show wgx allowed-ips
	expect_output 0 "$P1${T}100
$P2${T}0
$P3${T}0
" "" "$WG" show wgx latest-handshakes
	expect_output 0 "$P1${T}1048575${T}18446744073709551615
$P2${T}2224${T}38333
$P3${T}0${T}0
" "" "$WG" show wgx transfer
	expect_output 0 "$P1${T}off
$P2${T}111
$P3${T}off
" "" "$WG" show wgx persistent-keepalive
}

dump="$P1$T$PSK1$T[abcd:23::33]:51820${T}192.168.4.4/32${T}100${T}1048575${T}18446744073709551615${T}off
$P2$T(none)${T}182.122.22.19:3233${T}192.168.4.6/32,fd00::/64${T}0${T}2224${T}38333${T}111
$P3$T(none)$T(none)$T(none)${T}0${T}0${T}0${T}off
"

@test "dump has 4 columns for the device and 8 for a peer" {
	fake_device wgx
	expect_output 0 "$PRIVATE$T$PUBLIC${T}12912${T}0xca6c
$dump" "" "$WG" show wgx dump
	# Keys of a dump are never hidden.
	expect_output 0 "$PRIVATE$T$PUBLIC${T}12912${T}0xca6c
$dump" "" env WG_HIDE_KEYS=always WG_COLOR_MODE=always "$WG" show wgx dump
}

@test "show all begins every line with the device name" {
	fake_device wgx
	expect_output 0 "$(printf '%s' "wgx$T$PRIVATE$T$PUBLIC${T}12912${T}0xca6c
$dump" | sed "2,\$s/^/wgx$T/")
" "" "$WG" show all dump
	expect_output 0 "wgx$T$P1$T[abcd:23::33]:51820
wgx$T$P2${T}182.122.22.19:3233
wgx$T$P3$T(none)
" "" "$WG" show all endpoints
}

@test "a device without settings" {
	printf 'errno=0\n\n' > get.wgx
	fake_device wgx
	expect_output 0 "(none)$T(none)${T}0${T}off
" "" "$WG" show wgx dump
	expect_output 0 "(none)
" "" "$WG" show wgx public-key
	expect_output 0 "off
" "" "$WG" show wgx fwmark
	expect_output 0 "" "" "$WG" show wgx peers
	expect_output 0 "interface: wgx
" "" "$WG" show wgx
	expect_output 0 "[Interface]

" "" "$WG" showconf wgx
}

@test "showconf prints the configuration" {
	fake_device wgx
	expect_output 0 "[Interface]
ListenPort = 12912
FwMark = 0xca6c
PrivateKey = $PRIVATE

[Peer]
PublicKey = $P1
PresharedKey = $PSK1
AllowedIPs = 192.168.4.4/32
Endpoint = [abcd:23::33]:51820

[Peer]
PublicKey = $P2
AllowedIPs = 192.168.4.6/32, fd00::/64
Endpoint = 182.122.22.19:3233
PersistentKeepalive = 111

[Peer]
PublicKey = $P3
" "" "$WG" showconf wgx
}

@test "syncconf with the output of showconf sends nothing" {
	fake_device wgx
	"$WG" showconf wgx > wgx.conf
	expect_output 0 "" "" "$WG" syncconf wgx wgx.conf
	expect_requests wgx ""
}

# pretty WORD…: the output of wg, without the age of handshakes, which changes while the test runs.
pretty() {
	"$WG" "$@" | sed -E 's/(latest handshake(.\[0m)?: ).* ago/\1AGO/'
}

@test "the human-readable format" {
	fake_device wgx
	diff - <(pretty show wgx) <<-E
	interface: wgx
	  public key: $PUBLIC
	  private key: (hidden)
	  listening port: 12912
	  fwmark: 0xca6c

	peer: $P1
	  preshared key: (hidden)
	  endpoint: [abcd:23::33]:51820
	  allowed ips: 192.168.4.4/32
	  latest handshake: AGO
	  transfer: 1024.00 KiB received, 16777216.00 TiB sent

	peer: $P2
	  endpoint: 182.122.22.19:3233
	  allowed ips: 192.168.4.6/32, fd00::/64
	  transfer: 2.17 KiB received, 37.43 KiB sent
	  persistent keepalive: every 1 minute, 51 seconds

	peer: $P3
	  allowed ips: (none)
	E
	diff <(pretty show wgx) <(pretty)
	diff <(pretty show wgx) <(pretty show)
	diff <(pretty show wgx) <(pretty show all)
}

@test "WG_HIDE_KEYS=never shows keys" {
	fake_device wgx
	export WG_HIDE_KEYS=never
	pretty show wgx | grep -qxF "  private key: $PRIVATE"
	pretty show wgx | grep -qxF "  preshared key: $PSK1"
	WG_HIDE_KEYS=NEVER "$WG" show wgx | grep -qxF "  private key: (hidden)"
}

@test "colours: escape sequences of each line" {
	cat > get.wgx <<-'E'
	private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a
	listen_port=51999
	public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
	endpoint=127.0.0.1:51234
	allowed_ip=10.77.0.2/32
	allowed_ip=fd77::2/128
	tx_bytes=148
	last_handshake_time_sec=99999999999
	last_handshake_time_nsec=1
	persistent_keepalive_interval=25
	errno=0

	E
	fake_device wgx
	export WG_COLOR_MODE=always
	diff - <("$WG" show | cat -A) <<-E
	^[[0m^[[32m^[[1minterface^[[0m: ^[[32mwgx^[[0m\$
	  ^[[1mpublic key^[[0m: $PUBLIC\$
	  ^[[1mprivate key^[[0m: (hidden)\$
	  ^[[1mlistening port^[[0m: 51999\$
	\$
	^[[33m^[[1mpeer^[[0m: ^[[33m$P1^[[0m\$
	  ^[[1mendpoint^[[0m: 127.0.0.1:51234\$
	  ^[[1mallowed ips^[[0m: 10.77.0.2^[[36m/^[[0m32, fd77::2^[[36m/^[[0m128\$
	  ^[[1mlatest handshake^[[0m: (^[[31mSystem clock wound backward; connection problems may ensue.^[[0m)\$
	  ^[[1mtransfer^[[0m: 0 ^[[36mB^[[0m received, 148 ^[[36mB^[[0m sent\$
	  ^[[1mpersistent keepalive^[[0m: every 25 ^[[36mseconds^[[0m\$
	E
	# Without a terminal there are no colours by default.
	unset WG_COLOR_MODE
	! "$WG" show | grep -q $'\e'
}

@test "colours on a terminal unless WG_COLOR_MODE=never" {
	command -v script || skip "no script(1)"
	fake_device wgx
	script -qec "'$WG' show wgx" /dev/null < /dev/null | grep -q $'\e\\[32m'
	! WG_COLOR_MODE=never script -qec "'$WG' show wgx" /dev/null < /dev/null | grep -q $'\e\\[32m'
}

@test "durations are printed in years, days, hours, minutes and seconds" {
	local seconds words
	while read -r seconds words; do
		printf 'public_key=%064d\npersistent_keepalive_interval=%s\nerrno=0\n\n' 1 "$seconds" > get.wgx
		[ -e /run/wireguard/wgx.sock ] || fake_device wgx
		"$WG" show wgx | grep -qxF "  persistent keepalive: every $words"
	done <<-'E'
	1 1 second
	25 25 seconds
	60 1 minute
	3600 1 hour
	3661 1 hour, 1 minute, 1 second
	65535 18 hours, 12 minutes, 15 seconds
	E
	local then=$(($(date +%s) - 365 * 86400 - 35 * 86400 - 3600 - 60 - 30))
	printf 'public_key=%064d\nlast_handshake_time_sec=%s\nlast_handshake_time_nsec=1\nerrno=0\n\n' 1 \
		"$then" > get.wgx
	"$WG" show wgx | grep -qxE "  latest handshake: 1 year, 35 days, 1 hour, 1 minute, 3[0-9] seconds ago"
}

@test "peers are sorted by latest handshake; fields are in the order of the device" {
	local i
	: > get.wgx
	for i in 1:0:0 2:500:1 3:0:0 4:500:9 5:900:0; do
		IFS=: read -r n s ns <<< "$i"
		printf 'public_key=%064d\nlast_handshake_time_sec=%s\nlast_handshake_time_nsec=%s\n' "$n" "$s" \
			"$ns" >> get.wgx
	done
	printf 'errno=0\n\n' >> get.wgx
	fake_device wgx
	[ "$("$WG" show wgx | sed -n 's/^peer: //p' | while read -r key; do
		echo "$key" | base64 -d | tail -c1 | od -An -tx1 | tr -d ' \n'; done)" = 0504020103 ]
	[ "$("$WG" show wgx peers | while read -r key; do
		echo "$key" | base64 -d | tail -c1 | od -An -tx1 | tr -d ' \n'; done)" = 0102030405 ]
}

@test "several interfaces" {
	fake_device wgx
	fake_device wgy
	[ "$("$WG" show interfaces | tr ' ' '\n' | sort | tr '\n' ' ')" = "wgx wgy " ]
	[ "$("$WG" show interfaces | wc -l)" = 1 ]
	[ "$("$WG" show | grep -c '^interface: ')" = 2 ]
	# A blank line between them, none at the end.
	[ "$("$WG" show | grep -B1 '^interface: ' | sed -n 2p)" = "" ]
	[ -n "$("$WG" show | tail -n 1)" ]
}

@test "a device that cannot be read does not hide the others" {
	fake_device wgx
	printf 'errno=1\n\n' > get.bad
	fake_device bad
	run -0 --separate-stderr "$WG" show all public-key
	[ "$output" = "wgx$T$PUBLIC" ]
	[ "$stderr" = "Unable to access interface bad: Operation not permitted" ]
	expect_output 1 "" "Unable to access interface: Operation not permitted
" "$WG" show bad
	expect_output 1 "" "Unable to access interface: Operation not permitted
" "$WG" showconf bad
}

@test "an error if no device can be read" {
	printf 'errno=1\n\n' > get.bad
	fake_device bad
	expect_output 1 "" "Unable to access interface bad: Operation not permitted
" "$WG" show
}

@test "an unknown field" {
	fake_device wgx
	run -1 --separate-stderr "$WG" show wgx bogus
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "Invalid parameter: \`bogus'" ]
	[[ ${stderr_lines[1]} == "Usage: $WG show { "* ]]
	run -1 --separate-stderr "$WG" show all bogus
	[ "${#stderr_lines[@]}" = 2 ]
}

@test "a missing interface" {
	run -1 --separate-stderr "$WG" show nosuch
	[[ $stderr == "Unable to access interface: "@("No such device"|"Protocol not supported") ]]
	expect_output 1 "" "Unable to access interface: File name too long
" "$WG" show sixteen-letters!
}

@test "a stale socket is removed" {
	fake_device wgx
	kill -9 $fake_pids
	wait $fake_pids || true
	fake_pids=
	[ -S /run/wireguard/wgx.sock ]
	expect_output 0 "" "" "$WG" show
	[ ! -e /run/wireguard/wgx.sock ]
}

@test "invalid replies of a daemon are an error" {
	local answer
	for answer in '' '\n' 'x\n' 'errno=0\n' 'public_key=zz\nerrno=0\n\n' 'listen_port=70000\nerrno=0\n\n' \
		'allowed_ip=1.2.3.4/32\nfwmark=x\nerrno=0\n\n'; do
		printf "$answer" > get.wgx
		[ -e /run/wireguard/wgx.sock ] || fake_device wgx -x
		expect_output 1 "" "Unable to access interface: Protocol error
" "$WG" show wgx dump
	done
}

@test "without Unix sockets there are no userspace devices" {
	fake_device wgx
	cat > deny.c <<-'E'
	#include <errno.h>
	#include <stddef.h>
	#include <linux/audit.h>
	#include <linux/filter.h>
	#include <linux/seccomp.h>
	#include <sys/prctl.h>
	#include <sys/socket.h>
	#include <sys/syscall.h>
	#include <unistd.h>
	int main(int argc, char **argv)
	{
		struct sock_filter f[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		struct sock_fprog p = { sizeof f / sizeof f[0], f };
		(void)argc;
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p))
			return 99;
		execv(argv[1], argv + 1);
		return 98;
	}
	E
	cc -o deny deny.c
	expect_output 0 "" "" ./deny "$WG" show
	# A device that is named exists, and the remedy follows the kernel's error.
	for command in "show wgx" "showconf wgx" "show wgx json" "set wgx listen-port 1" "set wgx peer @a remove" "ping wgx @a"; do
		run -1 ./deny "$WG" $command
		[[ $output == "Unable to "*"help: its daemon is reached by a Unix socket, which this process may not open: add AF_UNIX to RestrictAddressFamilies= of its unit"* ]] ||
			{ echo "$command: $output"; false; }
	done
	run -1 ./deny "$WG" show none
	[[ $output == "Unable to access interface: "* && $output != *help* ]]
	[ -S /run/wireguard/wgx.sock ]
}

@test "peers are sorted by handshake with nanosecond precision" {
	printf 'public_key=%s\nlast_handshake_time_nsec=%s\n' "$HEX_A" 5 "${HEX_A/c5/c6}" 7 "${HEX_A/c5/c7}" 6 > get.wgx
	printf 'errno=0\n\n' >> get.wgx
	fake_device wgx
	[ "$("$WG" show wgx peers)" = "$("$WG" show wgx | sed -n 's/^peer: //p' | { read -r b; read -r c; read -r a; printf '%s\n' "$a" "$b" "$c"; })" ]
}
