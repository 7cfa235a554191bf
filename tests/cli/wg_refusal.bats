# What wg prints when the kernel refuses a request: upstream's line, then the kernel's own text. The kernel is
# tests/cli/refusing_kernel.c.
bats_require_minimum_version 1.5.0
load wg.bash

setup_file() {
	wg_setup_file
	"${CC:-cc}" -O1 -shared -fPIC -o "$BATS_FILE_TMPDIR/kernel.so" "$root/tests/cli/refusing_kernel.c" -ldl
}
setup() {
	wg_setup
	printf '[Interface]\nListenPort = 5\n[Peer]\nPublicKey = %s\n' "$KEY_A" > conf
}
teardown() { wg_teardown; }

# refused TEXT COMMAND…: runs it on the kernel that refuses with this text.
refused() {
	run --separate-stderr env LD_PRELOAD="$BATS_FILE_TMPDIR/kernel.so" REFUSAL="$1" "${@:2}"
	echo "$output$stderr"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "the kernel's text follows upstream's line" {
	text="Attribute failed policy validation"
	for command in "set wgk listen-port 5" "setconf wgk conf" "addconf wgk conf"; do
		refused "$text" "$WG" $command
		[ "$stderr" = "Unable to modify interface: Invalid argument
  kernel: $text" ]
	done
	for command in "show wgk" "show wgk dump" "showconf wgk"; do
		refused "$text" "$WG" $command
		[ "$stderr" = "Unable to access interface: Invalid argument
  kernel: $text" ]
	done
	refused "$text" "$WG" syncconf wgk conf
	[ "$stderr" = "Unable to retrieve current interface configuration: Invalid argument
  kernel: $text" ]
}

@test "a kernel that says nothing: upstream's line alone" {
	refused "" "$WG" set wgk listen-port 5
	[ "$stderr" = "Unable to modify interface: Invalid argument" ]
	refused "" "$WG" show wgk
	[ "$stderr" = "Unable to access interface: Invalid argument" ]
}

@test "the text belongs to one request" {
	printf 'errno=-22\n\n' > answer
	fake_device wgx -s answer
	run --separate-stderr env LD_PRELOAD="$BATS_FILE_TMPDIR/kernel.so" REFUSAL=text "$WG" set wgx listen-port 5
	[ "$status" -eq 1 ]
	[ "$stderr" = "Unable to modify interface: Invalid argument" ]
}
