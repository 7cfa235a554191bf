# wg-quick status: the page, its exit status, and texts of other programs on it.
load ../lib/netns
load ../lib/quick

setup() { net_begin; }
teardown() { net_end; }

wg() { "$WGSUITE_BUILD/wg" "$@"; }

KEY_B=Kixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=

# hosts: a and b, each with a file wg0.conf about the other.
hosts() {
	host a b
	wire a eth0 192.0.2.1/24 b eth0 192.0.2.2/24
	echo "nameserver 192.0.2.2" | on a tee /etc/resolv.conf > /dev/null
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $QUICK_KEY
	ListenPort = 51820
	Address = 10.8.0.2/24
	DNS = 10.8.0.1
	[Peer]
	# Name = server
	PublicKey = $(wg pubkey <<< $KEY_B)
	AllowedIPs = 10.8.0.0/24
	Endpoint = 192.0.2.2:51820
	[Peer]
	PublicKey = $QUICK_PEER
	AllowedIPs = 10.9.0.0/24
	END
	tunnel b wg0 <<-END
	[Interface]
	PrivateKey = $KEY_B
	ListenPort = 51820
	Address = 10.8.0.1/24
	[Peer]
	PublicKey = $(wg pubkey <<< $QUICK_KEY)
	AllowedIPs = 10.8.0.2/32
	END
}

# volatile: replaces in a page what differs from run to run.
volatile() {
	sed -E 's/since [-0-9]+ [:0-9]+ UTC, .*/since DATE/; s/(wireguardd) [0-9.]+, process [0-9]+/\1 V, process N/
		s/kernel, Linux .*/wireguardd V, process N/; s/  (Now|[0-9]+ seconds? ago)  .*received.*/  AGO  DATA/'
}

# wg_status HOST [ARGUMENT…]: runs it, with a fixed date, version, process and amount of data in $output.
wg_status() {
	local name=$1
	shift
	run --separate-stderr on "$name" env LC_ALL=C.UTF-8 TZ=UTC wg-quick status "$@"
	output=$(volatile <<< "$output")
}

@test "a page about a tunnel that is up, and its exit status" {
	hosts
	wg_status a
	[ "$status" -eq 3 ]
	[ "$output" = "no tunnel is up" ]
	wg_status a wg0
	[ "$status" -eq 3 ]
	[ "$output" = "○ wg0 - not up
        file: /etc/wireguard/wg0.conf" ]

	on a wg-quick up wg0
	on b wg-quick up wg0
	on a ping -c 1 -W 30 10.8.0.1
	wg_status a wg0
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "● wg0 - up since DATE
        file: /etc/wireguard/wg0.conf
     backend: wireguardd V, process N
  public key: $(wg pubkey <<< $QUICK_KEY)
        port: 51820
   addresses: 10.8.0.2/24, MTU 1420
      routes: 10.8.0.0/24, 10.9.0.0/24
         DNS: 10.8.0.1, by /etc/resolv.conf, in force
 differences: none
       peers: 2, 1 with a handshake in the last 3 minutes
              server       192.0.2.2:51820  AGO  DATA
              ${QUICK_PEER:0:8}...  no endpoint      no handshake" ]
	page=$output
	wg_status a
	[ "$status" -eq 0 ]
	[ "$output" = "$page" ]

	# A reload keeps the time of `up'.
	on a sed -i 's/^ListenPort.*/ListenPort = 51821/' /etc/wireguard/wg0.conf
	wg_status a wg0
	[[ $output == *" differences: \`wg-quick reload' would configure wg0"* ]]
	on a wg-quick reload wg0
	wg_status a wg0
	[[ $output == "● wg0 - up since DATE"*" differences: none"* ]]
}

@test "the page in contrib/doc/tour.md and wg-quick(8)" {
	hosts
	on a wg-quick up wg0
	on b wg-quick up wg0
	on a ping -c 1 -W 30 10.8.0.1
	echo "nameserver 192.0.2.2" | on a tee /etc/resolv.conf > /dev/null
	wg_status a wg0
	cd "$BATS_TEST_DIRNAME/../.."
	[ "$output" = "$(sed -n '/# wg-quick status wg0$/,/^$/ { //d; s/^    //p }' contrib/doc/tour.md | volatile)" ]
	[ "$output" = "$(sed -n '/^$ sudo wg-quick status wg0$/,/^\.Ed/ { //d; s/\\(bu/●/; p }' man/wg-quick.8 | volatile)" ]
}

# json_of HOST WORD…: the document as one line; fails unless it is valid.
json_of() {
	local name=$1
	shift
	run --separate-stderr on "$name" wg-quick status "$@"
	output=$(python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin), ensure_ascii=False))' <<< "$output")
}

@test "JSON for programs" {
	hosts
	json_of a json
	[ "$status" -eq 3 ]
	[ "$output" = "{}" ]
	json_of a wg0 json
	[ "$status" -eq 3 ]
	[ "$output" = '{"wg0": {"state": "not-up", "file": "/etc/wireguard/wg0.conf", "fileState": "read", "attention": [{"level": "fail", "check": "interface", "seen": "wg0 is not up", "fix": "wg-quick up wg0"}]}}' ]
	on a wg-quick up wg0
	on b wg-quick up wg0
	on a ping -c 1 -W 30 10.8.0.1
	json_of a wg0 json
	[ "$status" -eq 0 ]
	[[ $output == '{"wg0": {"state": "up", "upSince": '[0-9]*', "file": "/etc/wireguard/wg0.conf", "fileState": "read", "ifindex": '[0-9]*', "mtu": 1420, "addresses": ["10.8.0.2/24"], "routes": [{"prefix": "10.8.0.0/24", "table": 254}, {"prefix": "10.9.0.0/24", "table": 254}], "dns": {"servers": ["10.8.0.1"], "domains": [], "inForce": true}, "differences": [], "backend": "'* ]]
	[[ $output == *"\"publicKey\": \"$(wg pubkey <<< $QUICK_KEY)\", \"listenPort\": 51820, \"peers\": {\"$(wg pubkey <<< $KEY_B)\": {\"name\": \"server\", \"endpoint\": \"192.0.2.2:51820\", \"latestHandshake\": "*'"attention": []}}' ]]
	[[ $output != *$QUICK_KEY* ]]
	on a ip address delete 10.8.0.2/24 dev wg0
	json_of a --format=json
	[[ $output == *'"differences": ["add address 10.8.0.2/24"'* ]]
	json_of a wg9 json
	[ "$status" -eq 4 ]
	[ "$output" = "{}" ]
}

@test "what other programs changed, and what needs attention" {
	hosts
	on a sed -i 's|10.8.0.0/24|0.0.0.0/0|' /etc/wireguard/wg0.conf
	on a wg-quick up wg0
	wg_status a wg0
	[[ $output == *"
      routes: "*"0.0.0.0/0 in table 51820"*", unreachable 0.0.0.0/0 in table 51820
       rules: IPv4 without mark 0xca6c to table 51820
"*"
    firewall: IPv4 in force, by nftables
 differences: none"* ]]
	on a nft flush ruleset
	on a ip -4 rule delete not fwmark 51820 table 51820
	on a ip address delete 10.8.0.2/24 dev wg0
	echo "nameserver 192.0.2.2" | on a tee /etc/resolv.conf > /dev/null
	wg_status a wg0
	[ "$status" -eq 0 ]
	[[ $output != *"       rules:"* ]]
	[[ $output == *"replaced by another program"*"firewall: IPv4 missing"*" differences: \`wg-quick reload' would "*" and "*" more"* ]]
	on a wg-quick reload wg0
	wg_status a wg0
	[[ $output == *"in force"*"IPv4 in force"*" differences: none"* ]]

	on a ip link set down dev wg0
	wg_status a wg0
	[ "$status" -eq 0 ]
	[[ $output == "● wg0 - set down
"*"   attention: wg0 is set down: ip link set up dev wg0"* ]]
	on a sed -i 's/^Address.*/Address = 10.8.0.2.24/' /etc/wireguard/wg0.conf
	wg_status a wg0
	[[ $output == *"file: /etc/wireguard/wg0.conf (1 error)"* ]]
	[[ $output != *" differences:"* ]]
	on a rm /etc/wireguard/wg0.conf
	wg_status a wg0
	[ "$status" -eq 0 ]
	[[ $output == *"file: /etc/wireguard/wg0.conf (does not exist)"* ]]
}

@test "a daemon that does not answer, one that has died, other interfaces and no tunnel at all" {
	hosts
	on a wg-quick up wg0
	if on a ip -d link show wg0 | grep -q wireguard; then skip "the kernel has WireGuard"; fi
	on a pkill -STOP wireguardd
	wg_status a wg0
	[ "$status" -eq 3 ]
	[[ $output == "● wg0 - not answering
"*"attention: its daemon does not answer: kill its daemon, then run \`wg-quick restart wg0'"* ]]
	on a pkill -KILL wireguardd
	eventually 5 not on a ip link show wg0
	wg_status a wg0
	[ "$status" -eq 3 ]
	[[ $output == "○ wg0 - gone
"*"attention: the interface is gone, though the tunnel was not taken down: wg-quick restart wg0" ]]
	wg_status a
	[ "$status" -eq 3 ]
	[[ $output == "○ wg0 - gone"* ]]
	for word in lo eth0 ./wg9.conf wg9; do
		wg_status a $word
		[ "$status" -eq 4 ]
		[ -z "$output" ]
	done
	[ "$stderr" = "wg-quick: \`/etc/wireguard/wg9.conf' does not exist" ]
	on a wg-quick restart wg0
	wg_status a wg0
	[ "$status" -eq 0 ]
}

@test "users without privileges see what they may, and say what is missing" {
	hosts
	on a wg-quick up wg0
	on a cp "$WGSUITE_BUILD/wg-quick" /run/wg-quick
	run --separate-stderr on a env LC_ALL=C setpriv --reuid 65534 --regid 65534 --clear-groups /run/wg-quick status wg0
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "* wg0 - up
        file: /etc/wireguard/wg0.conf (not readable for this user)
   addresses: 10.8.0.2/24, MTU 1420
      routes: 10.8.0.0/24, 10.9.0.0/24
       peers: not readable without CAP_NET_ADMIN: sudo wg-quick status wg0" ]
	run on a setpriv --reuid 65534 --regid 65534 --clear-groups /run/wg-quick status lo
	[ "$status" -eq 4 ]
}

@test "texts of other programs do not control the terminal; at most ten peers and five messages" {
	hosts
	on a mkdir -p /run/systemd/journal /etc/fakes $'/etc/wireguard/\e[31m'
	on a tee /etc/fakes/journalctl > /dev/null <<-'END'
	#!/bin/sh
	echo "$*" > /run/arguments
	for i in 1 2 3 4 5 6; do printf 'line %s \033[2J\033]0;title\007\302\233\n' $i; done
	END
	on a chmod 755 /etc/fakes/journalctl
	{
		printf '%s\n' '[Interface]' "PrivateKey = $QUICK_KEY"
		for i in {1..12}; do
			printf '[Peer]\n# Name = \xe2\x80\xaename %d\nPublicKey = %s\n' $i "$(wg genkey | wg pubkey)"
		done
	} | on a tee $'/etc/wireguard/\e[31m/wg0.conf' > /dev/null
	on a wg-quick up $'/etc/wireguard/\e[31m/wg0.conf'
	run --separate-stderr on a env PATH=/etc/fakes:"$NET_PATH" LC_ALL=C.UTF-8 wg-quick status wg0
	[ "$status" -eq 0 ]
	[[ $output == *"file: /etc/wireguard/?[31m/wg0.conf
"*"peers: 12, 0 with"*"
              and 2 more: wg show wg0
"*"         log: line 2 ?[2J?]0;title??
              line 3 "*"line 6 "* ]]
	[[ $output != *"line 1 "* ]]
	[[ $(on a cat /run/arguments) == *"_SYSTEMD_UNIT=wg-quick@wg0.service"* ]]
	not grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae' <<< "$output"
	# With colours, the escape sequences are those of the page.
	run on a env PATH=/etc/fakes:"$NET_PATH" WG_COLOR_MODE=always LC_ALL=C.UTF-8 wg-quick status wg0
	[[ $output == *$'\e[1mpeers\e[0m: '* ]]
	[ "$(sed -E $'s/\e\\[[0-9]*m//g' <<< "$output" | grep -c $'\e')" -eq 0 ]
}

@test "messages of the log file of wireguardd" {
	hosts
	printf '%s\n' '[wireguardd]' 'log = /run/wg.log' | on a tee /etc/wireguard/wgsuite.ini > /dev/null
	printf 'wireguardd: %s: message %d\n' wg0 1 wg1 2 wg0 3 | on a tee /run/wg.log > /dev/null
	wg_status a wg0
	[ "$output" = "○ wg0 - not up
        file: /etc/wireguard/wg0.conf
         log: wireguardd: wg0: message 1
              wireguardd: wg0: message 3" ]
}
