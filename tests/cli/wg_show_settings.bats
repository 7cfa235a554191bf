# The [show] section of wgsuite.ini affects only the human-readable output, and environment variables override it.
load wg
setup_file() { load wg; wg_setup_file; }
setup() {
	wg_setup
	printf 'private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a\nerrno=0\n\n' > get.wgx
	fake_device wgx
	ini=/etc/wireguard/wgsuite.ini
	mkdir -p /etc/wireguard
	rm -f $ini
}
teardown() {
	rm -f $ini
	wg_teardown
}

KEY=6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=

@test "colour = always and never" {
	plain=$("$WG" show)
	coloured=$(WG_COLOR_MODE=always "$WG" show)
	[ "$plain" != "$coloured" ]
	printf '[show]\ncolour = always\n' > $ini
	[ "$("$WG" show)" = "$coloured" ]
	[ "$(WG_COLOR_MODE=never "$WG" show wgx)" = "$plain" ]
	printf '[show]\ncolor = always\n' > $ini # the American spelling
	[ "$("$WG" show)" = "$coloured" ]
	printf '[show]\ncolour = never\n' > $ini
	[ "$("$WG" show)" = "$plain" ]
	[ "$(WG_COLOR_MODE=always "$WG" show)" = "$coloured" ]
}

@test "hide-keys = never" {
	[[ $("$WG" show) == *"private key: (hidden)"* ]]
	printf '[show]\nhide-keys = never\n' > $ini
	[[ $("$WG" show) == *"private key: $KEY"* ]]
	[[ $(WG_HIDE_KEYS=always "$WG" show) == *"private key: (hidden)"* ]]
}

@test "output for programs is not affected" {
	dump=$("$WG" show all dump) conf=$("$WG" showconf wgx)
	printf '[show]\ncolour = always\nhide-keys = never\n' > $ini
	[ "$("$WG" show all dump)" = "$dump" ]
	[ "$("$WG" showconf wgx)" = "$conf" ]
	[ "$("$WG" show interfaces)" = wgx ]
}

@test "an invalid wgsuite.ini is reported, and keys stay hidden" {
	printf '[show]\nhide-keys = never\nnonsense\n' > $ini
	run "$WG" show
	[ "$status" -eq 0 ]
	[[ $output == *"$ini"* && $output == *"(hidden)"* ]]
}
