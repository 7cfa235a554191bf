#!/usr/bin/env bats
# Messages quoted in README.md, contrib/doc/tour.md and the manual pages are those that the programs print.
bats_require_minimum_version 1.5.0

setup() {
	[ -n "${WGSUITE_BOX-}" ] || skip "only in tests/lib/box.sh"
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=${WGSUITE_BUILD:-$root/build}
	file=/etc/wireguard/wg0.conf
}

# quotes DOCUMENT…: each document contains the lines of $output in sequence, with the same additional indentation.
quotes() {
	local document
	for document; do
		awk -v output="$output" '
		BEGIN { n = split(output, line, "\n") }
		{ text[NR] = $0 }
		END {
			for (first = 1; first + n - 1 <= NR; first++) {
				at = index(text[first], line[1])
				indent = substr(text[first], 1, at - 1)
				found = at > 0 && indent ~ /^ *$/
				for (i = 1; found && i <= n; i++)
					found = text[first + i - 1] == indent line[i]
				if (found)
					exit 0
			}
			exit 1
		}' "$root/$document" || {
			printf '%s does not quote:\n%s\n' "$document" "$output"
			return 1
		}
	done
}

tunnel() {
	printf '%s\n' "$@" | install -m 600 /dev/stdin "$file"
}

@test "invalid lines of a tunnel file" {
	tunnel '[Interface]' 'PrivateKey = 2K0STzWXn69KroCEz+WEP/kW/+Dtj6ydnGzyd+8MFF8=' 'Address = 10.8.0.2.24' '' \
		'[Peer]' 'PublicKey = br12tg26oPE2BSj8D0duj2Zm0WiklxNKXj9vVfJrVi0=' 'EndPoin = vpn.example.org:51820'
	run -1 "$build/wg-quick" strip wg0
	quotes contrib/doc/tour.md man/wg-quick.8
}

@test "a key of wg-quick in a file for wg" {
	tunnel '[Interface]' 'PrivateKey = 2K0STzWXn69KroCEz+WEP/kW/+Dtj6ydnGzyd+8MFF8=' 'Address = 10.8.0.2/24'
	run -1 "$build/wg" setconf wg0 "$file"
	quotes man/wg.8
}

@test "an invalid value in wgsuite.ini" {
	tunnel '[Interface]'
	printf '[dns]\nbackend = resolve\n' > /etc/wireguard/wgsuite.ini
	run -1 "$build/wg-quick" up wg0
	rm /etc/wireguard/wgsuite.ini
	quotes man/wgsuite.ini.5
}

@test "the steps of a tunnel" {
	tunnel '[Interface]' 'PrivateKey = 2K0STzWXn69KroCEz+WEP/kW/+Dtj6ydnGzyd+8MFF8=' 'Address = 10.8.0.2/24' '' \
		'[Peer]' 'PublicKey = br12tg26oPE2BSj8D0duj2Zm0WiklxNKXj9vVfJrVi0=' \
		'Endpoint = 203.0.113.1:51820' 'AllowedIPs = 10.8.0.0/24'
	run -0 "$build/wg-quick" up --dry-run wg0
	[ "${lines[2]}" = "[#] ip -4 address add 10.8.0.2/24 dev wg0" ]
	output=$(printf '%s\n' "${lines[@]:2}")
	quotes README.md
}
