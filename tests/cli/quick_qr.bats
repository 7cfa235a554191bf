# wg-quick qr: every form of the code is decoded with zbar, and has what the apps of phones import.
bats_require_minimum_version 1.5.0

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	WQ=${WGSUITE_BUILD:-$root/build}/wg-quick
	KEY=Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=
	PUBLIC=br12tg26oPE2BSj8D0duj2Zm0WiklxNKXj9vVfJrVi0=
	cd "$BATS_TEST_TMPDIR" || return 1
	umask 077
	cat > phone.conf <<-END
		# my phone
		[interface]
		privatekey = $KEY
		Address = 10.8.0.2/24, fd00::2 # both families
		Address = 10.9.0.2 peer 10.9.0.1
		DNS = 10.8.0.1, example.com, ~corp.example
		Table = off
		RouteMetric = 50
		ExcludeIPs = 192.168.0.0/16
		Netns = private
		BindDevice = eth1
		SourceAddress = 192.0.2.5
		PostUp = echo up
		FwMark = 0x20
		SaveConfig = true

		[Peer] # the hub
		PublicKey = $PUBLIC
		PresharedKey = $KEY
		AllowedIPs = 0.0.0.0/0,::/0
		Endpoint = vpn.example.org:51820
		PersistentKeepalive = 25

		[Peer]
		PublicKey = $KEY
		Endpoint = [2001:db8::1]:51820
		AllowedIPs = 10.8.0.3
		Routes = off
	END
	cat > expected <<-END
		[Interface]
		PrivateKey = $KEY
		Address = 10.8.0.2/24, fd00::2, 10.9.0.2
		DNS = 10.8.0.1, example.com

		[Peer]
		PublicKey = $PUBLIC
		PresharedKey = $KEY
		AllowedIPs = 0.0.0.0/0, ::/0
		Endpoint = vpn.example.org:51820
		PersistentKeepalive = 25

		[Peer]
		PublicKey = $KEY
		AllowedIPs = 10.8.0.3/32
		Endpoint = [2001:db8::1]:51820
	END
}

LEFT_OUT="wg-quick: phone: warning: left out, because apps do not import them: FwMark, Table, RouteMetric, ExcludeIPs, Netns, BindDevice, SourceAddress, SaveConfig, PostUp, Routes, DNS = ~corp.example"
SECRET="wg-quick: phone: warning: the code contains the private key: anyone who scans it can use the tunnel"

# decoded IMAGE: the text of its code.
decoded() {
	zbarimg -q --raw --nodbus -Sdisable -Sqrcode.enable "$1" | head -c -1 # it adds a newline
}

# on_terminal LOCALE COLUMNS LINES: what `qr` prints there; sets status.
on_terminal() {
	run script -qec "stty cols $2 rows $3; LC_ALL=$1 '$WQ' qr ./phone.conf" /dev/null < /dev/null
	output=${output//$'\r'/}
}

@test "PNG and SVG files have the code and are readable by their owner only" {
	local file
	for file in phone.png phone.SVG; do
		umask 022
		run -0 --separate-stderr "$WQ" qr -o $file ./phone.conf
		[ -z "$output" ]
		[ "$stderr" = "$LEFT_OUT
$SECRET" ]
		[ "$(stat -c %a $file)" = 600 ]
		[ ! -e $file.tmp ]
	done
	decoded phone.png | diff expected -
	python3 "$root/tests/lib/qr_pixels.py" < phone.SVG > svg.pgm
	decoded svg.pgm | diff expected -
}

@test "an image that exists is replaced, and its new mode is the owner's" {
	echo old > phone.png
	chmod 644 phone.png
	"$WQ" qr ./phone.conf --output phone.png
	[ "$(stat -c %a phone.png)" = 600 ]
	decoded phone.png | diff expected -
}

@test "on a terminal: half blocks in UTF-8 locales, coloured blanks in others" {
	local locale
	for locale in C.UTF-8 C; do
		on_terminal $locale 200 100
		[ "$status" -eq 0 ]
		grep -a -v '^wg-quick:' <<< "$output" > drawing
		python3 "$root/tests/lib/qr_pixels.py" < drawing > $locale.pgm
		decoded $locale.pgm | diff expected -
		[[ $output == *"$SECRET" ]]
	done
	LC_ALL=C run ! grep -q $'\xe2' drawing
}

@test "a terminal that is too narrow is an error, one that is too low a warning" {
	on_terminal C.UTF-8 60 100
	[ "$status" -eq 1 ]
	[[ $output == *"wg-quick: phone: the code needs "*" columns, and the terminal has 60"*"
  help: enlarge the terminal, or write an image with -o FILE.svg" ]]
	on_terminal C.UTF-8 100 24
	[ "$status" -eq 0 ]
	[[ $output == *"warning: the code has "*" lines, and the terminal 24: "* ]]
}

@test "a pipe is refused before the file is read" {
	run -1 --separate-stderr "$WQ" qr ./nosuch.conf
	[ -z "$output" ]
	[ "$stderr" = "wg-quick: standard output is not a terminal, and the code contains the private key
  help: -o FILE.svg or -o FILE.png writes an image that only you can read" ]
}

@test "errors: the file name, no key, too long, a folder that does not exist" {
	run -1 "$WQ" qr -o phone.gif ./phone.conf
	[ "$output" = "wg-quick: cannot write \`phone.gif': expected a file name that ends in .svg or .png" ]
	run -1 "$WQ" qr ./phone.conf -o
	[[ $output == "wg-quick: option \`-o' needs a value"* ]]
	printf '[Interface]\nAddress = 10.0.0.1\n' > nokey.conf
	run -1 "$WQ" qr -o a.svg ./nokey.conf
	[[ $output == "wg-quick: nokey: "*"/nokey.conf has no PrivateKey, without which apps do not import a tunnel" ]]
	run -1 "$WQ" qr -o nosuch/a.svg ./phone.conf
	[[ $output == *"wg-quick: phone: cannot write \`nosuch/a.svg': No such file or directory" ]]
	printf 'AllowedIPs = 10.%d.0.0/16\n' {1..200} >> phone.conf
	run -1 "$WQ" qr -o a.svg ./phone.conf
	[[ $output == *"wg-quick: phone: the tunnel is too long for a QR code: "*" bytes; at most 2953 fit
  help: copy the file, or give the phone fewer peers and AllowedIPs" ]]
	[ ! -e a.svg ]
	[[ $output != *"$KEY"* ]]
	# The text grew: no copy of the key is left in memory.
	run -1 --separate-stderr python3 "$root/tests/lib/keys_at_exit.py" "$KEY" -- "$(realpath "$WQ")" qr -o a.svg ./phone.conf
	[ -z "$output" ] || { echo "$output"; false; }
}

@test "the longest text that fits is drawn" {
	local i n
	# 2,953 bytes of text, found by adding DNS domains.
	printf '[Interface]\nPrivateKey = %s\nDNS = 1.1.1.1' "$KEY" > phone.conf
	n=$((2953 - $(wc -c < phone.conf) - 1)) # without the newline at the end
	for ((i = n; i >= 40; i -= 20)); do printf ', d%017d' "$i"; done >> phone.conf
	printf ', d%0*d\n' $((i - 3)) 0 >> phone.conf
	[ "$(wc -c < phone.conf)" -eq 2953 ]
	"$WQ" qr -o phone.png ./phone.conf
	decoded phone.png | diff phone.conf -
	printf 'MTU = 1300\n' >> phone.conf
	run -1 "$WQ" qr -o phone.png ./phone.conf
}
