# wg-quick graph: the mesh of tests/cli/graph, exactly; Graphviz reads every graph; hostile names.
bats_require_minimum_version 1.5.0

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	WQ=${WGSUITE_BUILD:-$root/build}/wg-quick
	cd "$BATS_TEST_TMPDIR" || return 1
	umask 077
	cp "$root"/tests/cli/graph/*.conf .
	chmod 600 ./*.conf
}

# tool: the nodes and edges that Graphviz sees, without positions.
parsed() { dot -Tplain | awk '$1 == "node" || $1 == "edge" { print $1, $2, $1 == "edge" ? $3 : "" }' | sort; }

@test "a mesh: edges by pairs of keys, allowed IPs, endpoints, findings in red, external peers" {
	run -0 --separate-stderr "$WQ" graph ./hub.conf ./office.conf ./laptop.conf
	[ -z "$stderr" ]
	diff "$root/tests/cli/graph/expected.dot" - <<< "$output"
	[ "$(parsed <<< "$output" | awk '{ print $1 }' | sort | uniq -c | xargs)" = "4 edge 4 node" ]
	run ! grep -F "$(sed -n 's/^PrivateKey = //p' hub.conf)" <<< "$output"
}

@test "disabled peers are left out, and a mistake in their section is the file's" {
	sed -i '/^AllowedIPs = 10.8.0.3/i Disabled = yes' hub.conf
	run -0 "$WQ" graph ./hub.conf
	[ "$(grep -c -- ' -- ' <<< "$output")" -eq 2 ]
	run ! grep -F 10.8.0.3 <<< "$output"
}

@test "one side only: an arrow; no files of others: a star" {
	sed -i '/^\[Peer\]/,$d' laptop.conf
	run -0 "$WQ" graph ./laptop.conf ./hub.conf
	[[ $output == *'f1 -- f0 [label="→ 10.8.0.3/32", dir=forward'* ]]
	run -0 "$WQ" graph ./hub.conf
	[ "$(grep -c -- ' -- ' <<< "$output")" -eq 3 ]
	[ "$(grep -c 'color=gray' <<< "$output")" -eq 3 ]
	[[ $output == *'[label="office", color=gray'* ]]
	run ! grep -F 'dir=forward' <<< "$output"
	run ! grep -F 'style=dashed' <<< "$output"
}

@test "a peer that is in a file twice is one edge; files with errors and without keys are nodes" {
	cat laptop.conf >> hub.conf
	sed -n '/^\[Peer\]/,$p' office.conf >> office.conf
	printf '[Interface]\nAddress = 10.9.0.1/24\n' > nokey.conf
	printf '[Interface]\nNonsense = 1\n' > bad.conf
	run -0 "$WQ" graph ./hub.conf ./office.conf ./laptop.conf ./nokey.conf ./bad.conf
	[ "$(grep -c 'f0 -- f1' <<< "$output")" -eq 1 ]
	[[ $output == *'f3 [label="nokey\n10.9.0.1"'* ]]
	[[ $output == *'f4 [label="bad", color=red];'* ]]
	parsed <<< "$output" | grep -qx 'node f4 '
}

@test "names cannot leave their label" {
	printf '\n[Peer]\n# Name = a"];x -- y;//\\\nPublicKey = 9xMx7t2uizmH1X9x9cykVuaRThpu3c/CqOYkrl5Y2wo=\n' >> laptop.conf
	run -0 "$WQ" graph ./laptop.conf
	[[ $output == *'[label="a\"];x -- y;//\\", color=gray'* ]]
	[ "$(parsed <<< "$output" | grep -c '^node')" -eq 4 ]
}

@test "arguments: a file that is missing is an error, options are refused, all files of the folder by default" {
	run -1 --separate-stderr "$WQ" graph ./nosuch.conf ./hub.conf
	[[ $stderr == *"nosuch.conf"* ]]
	[[ $output == *'[label="hub\n10.8.0.1"'* ]]
	run -1 --separate-stderr "$WQ" graph --strict ./hub.conf
	[ "$stderr" = "Usage: wg-quick graph [ CONFIG_FILE | INTERFACE ]..." ]
	run -0 "$WQ" graph --help
	[ "$output" = "Usage: wg-quick graph [ CONFIG_FILE | INTERFACE ]..." ]
}
