# For tests of firewall rules: host "a" of quick.bash with nft, iptables-nft or iptables-legacy. `load ../lib/quick` first.

# firewall_host: quick_host, and a full tunnel wg0.
firewall_host() {
	quick_host
	quick_file wg0 "Address = 10.7.0.1/24, fd07::1/64" "0.0.0.0/0, ::/0"
	on a mkdir -p /etc/tools
}

# use nft|iptables-nft|iptables-legacy: from now on wg-quick sets rules with this tool.
use() {
	local verb
	TOOL=$1
	case $TOOL in
	nft) on a rm -f /etc/wireguard/wgsuite.ini; return ;;
	iptables-legacy)
		on a sh -c 'for f in iptables ip6tables; do for t in raw mangle; do $f-legacy -t $t -S || exit; done; done' \
			> /dev/null 2>&1 || skip "the kernel does not support iptables-legacy" ;;
	esac
	printf '[firewall]\nbackend = iptables\n' | on a install -m 644 /dev/stdin /etc/wireguard/wgsuite.ini
	for verb in save restore; do
		on a ln -sf "/usr/sbin/$TOOL-$verb" "/etc/tools/iptables-$verb"
		on a ln -sf "/usr/sbin/ip6${TOOL#ip}-$verb" "/etc/tools/ip6tables-$verb"
	done
}

quick() { on a env PATH="/etc/tools:$NET_PATH" wg-quick "$@"; }

saved() {
	on a sh -c 'for p in iptables-nft iptables-legacy ip6tables-nft ip6tables-legacy; do $p-save; done' 2> /dev/null |
		sed '/^#/d; s/ \[[0-9:]*\]$//'
}

state() {
	quick_state
	echo "# iptables"
	saved
}

# rules: how many rules the tunnel has, IPv4 and IPv6, of the tool in use.
rules() {
	case $TOOL in
	nft) echo "$(on a nft list table ip wg-quick-wg0 | grep -cP '^\t\t(?!type)') $(on a nft list table ip6 wg-quick-wg0 | grep -cP '^\t\t(?!type)')" ;;
	*) echo "$(on a "$TOOL-save" 2> /dev/null | grep -c 'wg-quick(8) rule for wg0"') $(on a "ip6${TOOL#ip}-save" 2> /dev/null |
		grep -c 'wg-quick(8) rule for wg0"')" ;;
	esac
}
