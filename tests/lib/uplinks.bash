# Two uplinks of host a: bindings of its daemon, and what arrives through each of them at the other end.

# count_arrivals HOST PORT IF IF: from now on, this host counts datagrams to the port by the interface that they arrive through.
count_arrivals() {
	ARRIVE_AT=$1 UPLINKS=("$3" "$4")
	in_net "$1" nft -f - <<-END
		table inet count {
			counter $3 { }
			counter $4 { }
			chain in {
				type filter hook prerouting priority 0;
				iifname "$3" udp dport $2 counter name "$3"
				iifname "$4" udp dport $2 counter name "$4"
			}
		}
	END
}

# packets IF: that arrived through this interface since the last call.
packets() { in_net "$ARRIVE_AT" nft reset counter inet count "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
reset() { packets "${UPLINKS[0]}" > /dev/null; packets "${UPLINKS[1]}" > /dev/null; }

# only_through IF: something arrived since reset, and through this interface alone.
only_through() {
	local other=${UPLINKS[0]}
	[ "$1" != "$other" ] || other=${UPLINKS[1]}
	[ "$(packets "$other")" = 0 ] && [ "$(packets "$1")" -gt 0 ]
}

# request TEXT: to the configuration socket of wg0 on a; prints the reply. bind_to LINES: sets the binding.
request() { printf '%b' "$1" | on a socat -t 60 - UNIX-CONNECT:/run/wireguard/wg0.sock; }
bind_to() { request "set_binding=1\n$1\n" | grep -qx errno=0; }
binding() { request 'get_binding=1\n\n' | sed '/^errno=0$/d; /^$/d'; }
