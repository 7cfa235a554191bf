#!/usr/bin/env bats
# The parts of the Ansible role in contrib/ansible: filters and modules, called without a playbook. fleet_slow.bats runs the role.
load ../lib/netns

FILES=$(realpath "$NET_LIB/../../contrib/ansible")
ROLE=$FILES/roles/wgsuite

setup() {
	command -v ansible-playbook > /dev/null && /usr/bin/python3 -c 'import ansible' || skip "ansible is not installed"
	net_begin
}
teardown() { net_end; }

wg() { "$WGSUITE_BUILD/wg" "$@"; }

# module HOST NAME ARGUMENTS: runs a module of the role; prints its result.
module() {
	on "$1" env LC_ALL=C.UTF-8 /usr/bin/python3 -c '
import json, os, runpy, sys
import ansible.module_utils
from ansible.module_utils import basic
role, name, arguments = sys.argv[1:]
ansible.module_utils.__path__.append(role + "/module_utils")
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.loads(arguments)}).encode()
basic._ANSIBLE_PROFILE = "legacy"
sys.argv = [name]
runpy.run_path(role + "/library/" + name + ".py", run_name="__main__")' "$ROLE" "$2" "$3"
}

@test "mistakes in the variables of a host" {
	PYTHONPATH=$ROLE/filter_plugins LC_ALL=C.UTF-8 /usr/bin/python3 - <<-'END'
	import wgsuite
	key = "br12tg26oPE2BSj8D0duj2Zm0WiklxNKXj9vVfJrVi0="
	good = dict(wgsuite_address=["10.8.0.1/24", "fd08::1/64"], wgsuite_interface_options={"Table": "off", "PostUp": ["true", "false"]},
	            wgsuite_external_peers=[dict(name="phone", public_key=key, allowed_ips="10.8.0.9/32", options={"PresharedKeyFile": "/x"})],
	            wgsuite_interface="wg0", wgsuite_rotation_interface="wireguard-is-long-next", wgsuite_rotate_keys=[],
	            wgsuite_rotate_preshared_keys="all", wgsuite_hub="")
	other = {"wgsuite_address": "10.8.0.2/24"}

	def found(variable=None, value=None, **hosts):
	    hostvars = dict({"a": good, "B.example.org": other}, **hosts)
	    return "; ".join(wgsuite.mistakes(dict(good, **({variable: value} if variable else {})), "a", list(hostvars), hostvars))

	assert found() == "", found()
	assert found("wgsuite_external_peers", None) == "", "an empty value in YAML"
	for variable, value, text in (
	    ("wgsuite_address", [], "wgsuite_address is not set"),
	    ("wgsuite_address", ["10.8.0.300/24"], "10.8.0.300/24"),
	    ("wgsuite_networks", "10.1.2.3/16", "has host bits set"),
	    ("wgsuite_port", "http", "a: wgsuite_port: `http' is not a number from 1 to 65535"),
	    ("wgsuite_port", 65536, "wgsuite_port: `65536'"),
	    ("wgsuite_keepalive", [], "wgsuite_keepalive: `[]'"),
	    ("wgsuite_endpoint", "vpn.example.org:http", "wgsuite_endpoint: `vpn.example.org:http' is neither HOST nor HOST:PORT"),
	    ("wgsuite_endpoint", ":51820", "wgsuite_endpoint"),
	    ("wgsuite_peer_options", {"presharedkey": key}, "presharedkey would be displayed: use presharedkeyFile"),
	    ("wgsuite_interface_options", {"Table": False}, "put the value of Table into quotation marks"),
	    ("wgsuite_interface_options", {"PrivateKey": key}, "PrivateKey would be displayed"),
	    ("wgsuite_external_peers", [dict(name="phone", public_key=key, allowed_ips="::/0", options={"PresharedKey": key})], "PresharedKey would be displayed"),
	    ("wgsuite_external_peers", [dict(name="phone", public_key=key)], "phone: allowed_ips is missing"),
	    ("wgsuite_external_peers", [dict(name="a", public_key=key, allowed_ips="::/0")], "`a' is a host of the inventory"),
	    ("wgsuite_interface_options", "Table=off", "a: wgsuite_interface_options: not a dictionary of keys and values"),
	    ("wgsuite_external_peers", ["phone"], "a: wgsuite_external_peers: not a list of dictionaries"),
	    ("wgsuite_external_peers", dict(name="phone"), "a: wgsuite_external_peers: not a list of dictionaries"),
	    ("wgsuite_interface", "wg0 wg1", "cannot be the name of an interface"),
	    ("wgsuite_rotate_keys", "a", "`wireguard-is-long-next' cannot be the name of an interface"),
	    ("wgsuite_rotate_preshared_keys", "B.example.com", "keys of `B.example.com' cannot be rotated"),
	):
	    assert text in found(variable, value), (variable, value, found(variable, value))
	    assert key not in found(variable, value)
	assert "C: wgsuite_address is not set" in found(C={})
	for endpoint, expected in (("2001:db8::1", "[2001:db8::1]:1"), ("[2001:db8::1]:7", "[2001:db8::1]:7"), ("[2001:db8::1]", "[2001:db8::1]:1"),
	                           ("VPN.example.org", "VPN.example.org:1"), ("192.0.2.1:7", "192.0.2.1:7"), ("192.0.2.1", "192.0.2.1:1")):
	    assert wgsuite.endpoint_of(dict(name="a", endpoint=endpoint, port=1, rotation_port=2), False) == expected, endpoint
	END
}

@test "a mistake in the variables of one host ends the run before any is changed" {
	cat > "$NET_DIR/inventory.yml" <<-END
	wireguard:
	  vars: {ansible_connection: local, ansible_python_interpreter: /usr/bin/python3, wgsuite_hub: h01, wgsuite_directory: $NET_DIR/wireguard}
	  hosts:
	    h01: {wgsuite_address: [10.8.0.1/24], wgsuite_endpoint: 192.0.2.1}
	    h02: {wgsuite_address: [10.8.0.2/33]}
	    h03: {wgsuite_address: [10.8.0.3/24]}
	END
	cp "$FILES/site.yml" "$NET_DIR/site.yml"
	cd "$NET_DIR"
	HOME=$NET_DIR LC_ALL=C.UTF-8 ANSIBLE_ROLES_PATH=$FILES/roles ANSIBLE_NOCOLOR=1 ANSIBLE_BECOME=False \
		run -2 ansible-playbook -i inventory.yml site.yml 3>&- 4>&-
	echo "$output"
	[[ $output == *"h02: '10.8.0.2/33' does not appear to be an IPv4 or IPv6 interface"* ]]
	[[ $output != *"Make the keys"* ]]
	[ ! -e "$NET_DIR/wireguard" ]
}

@test "keys: the one of a tunnel file from before stays in use; folders are private" {
	host a
	umask 022
	result=$(module a wgsuite_keys "{\"interface\": \"wg0\", \"directory\": \"$NET_DIR/new/wireguard\", \"peers\": [\"B\"], \"make\": [\"B\"]}")
	echo "$result"
	[ "$(stat -c %a "$NET_DIR/new" "$NET_DIR/new/wireguard" "$NET_DIR/new/wireguard/wg0.psk" "$NET_DIR/new/wireguard/wg0.psk/B" \
		"$NET_DIR/new/wireguard/wg0.key" | xargs)" = "700 700 700 600 600" ]
	[ "$(jq -r .public_key <<< "$result")" = "$(wg pubkey < "$NET_DIR/new/wireguard/wg0.key")" ]

	mkdir "$NET_DIR/old"
	key=$(wg genkey)
	printf '[Interface]\nprivatekey=%s # mine\n' "$key" > "$NET_DIR/old/wg0.conf"
	arguments="{\"interface\": \"wg0\", \"directory\": \"$NET_DIR/old\"}"
	result=$(module a wgsuite_keys "$arguments")
	[ "$(jq -r .public_key <<< "$result")-$(jq .changed <<< "$result")" = "$(wg pubkey <<< "$key")-true" ]
	[ "$(cat "$NET_DIR/old/wg0.key")" = "$key" ]
	[ "$(module a wgsuite_keys "$arguments" | jq .changed)" = false ]
	[[ $result != *"$key"* ]]
}

@test "a tunnel file from before that contains keys: neither the diff nor the commands display them" {
	host a
	key=$(wg genkey) preshared=$(wg genpsk) peer=$(wg genkey | wg pubkey) other=$(wg genpsk)
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $key
	#PrivateKey = $preshared
	Address = 10.8.0.1/24
	PostUp = true %i peer $peer preshared-key <(printf '%s\\n$other')
	PreDown = true private-key <(echo $other) # $other
	[Peer]
	PublicKey = $peer
	presharedkey=$preshared
	AllowedIPs = 10.8.0.2/32
	END
	on a wg-quick up wg0
	on a sh -c 'umask 077; echo "$1" > /etc/wireguard/wg0.key; wg genpsk > /etc/wireguard/b.key' sh "$key"
	content="[Interface]\nPrivateKeyFile = /etc/wireguard/wg0.key\nAddress = 10.8.0.1/24\n[Peer]\nPublicKey = $peer\nPresharedKeyFile = /etc/wireguard/b.key\nAllowedIPs = 10.8.0.2/32, 10.8.0.3/32\n"
	for check in true false; do
		run -0 module a wgsuite_tunnel "{\"interface\": \"wg0\", \"content\": \"$content\", \"enable\": false, \"_ansible_check_mode\": $check, \"_ansible_diff\": true}"
		echo "$output"
		[ "$(jq .changed <<< "$output")" = true ]
		[[ $output == *"(not displayed)"*"10.8.0.3/32"* ]]
		[[ $output == *"peer $peer preshared-key "*"PublicKey = $peer"* ]]
		for secret in "$key" "$preshared" "${other:1}" "$(on a cat /etc/wireguard/b.key)"; do [[ $output != *"$secret"* ]]; done
	done
	[ "$(on a wg show wg0 preshared-keys | cut -f2)" = "$(on a cat /etc/wireguard/b.key)" ]
}

@test "the detour of a rotation: a rule of the same priority that belongs to others" {
	host a
	tunnel a wg0 <<-END
	[Interface]
	PrivateKey = $(wg genkey)
	Address = 10.8.0.1/24
	END
	on a wg-quick up wg0
	on a ip route add 10.8.0.0/24 dev wg0 table 51821
	on a ip rule add from 192.0.2.9 priority 100 table main
	arguments='"interface": "wg0", "through": "wg0", "table": 51821, "priority": 100'
	for changed in true false; do
		[ "$(module a wgsuite_detour "{$arguments}" | jq .changed)" = $changed ]
		[ "$(on a ip rule show priority 100 | wc -l)" = 2 ]
	done
	for changed in true false; do
		[ "$(module a wgsuite_detour "{$arguments, \"state\": \"absent\"}" | jq .changed)" = $changed ]
		[[ $(on a ip rule show priority 100) == *"from 192.0.2.9 lookup main"* ]]
	done
}
