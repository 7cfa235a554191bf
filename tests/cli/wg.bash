# Setup for the tests of wg(8): the program under test, and scripted UAPI sockets (tests/lib/fake_uapi.c) in
# /run/wireguard of tests/lib/box.sh.

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
WG=${WGSUITE_BUILD:-$root/build}/wg
KEY_A=xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
KEY_B=TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
HEX_A=c53201039adba14be71f886da1d8dbe9eebded08cb111b75340078999aa9f038

wg_setup_file() {
	[ -n "${WGSUITE_BOX-}" ] || skip "only in tests/lib/box.sh"
	[ -x "$WG" ] || { echo "$WG does not exist"; return 1; }
	cc -O1 -std=gnu11 -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/fake_uapi" "$root/tests/lib/fake_uapi.c"
}

wg_setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir -p /run/wireguard
	fake_pids=
	unset WG_COLOR_MODE WG_HIDE_KEYS WG_SHOW_NAMES WG_ENDPOINT_RESOLUTION_RETRIES
}

wg_teardown() {
	for pid in $fake_pids; do
		kill "$pid" && wait "$pid" || true
	done
	rm -rf /run/wireguard
}

# fake_device NAME [OPTION…]: starts a device whose state is the file get.NAME and that logs set requests to log.NAME.
fake_device() {
	local name=$1 line
	shift
	[ -e "get.$name" ] || printf 'errno=0\n\n' > "get.$name"
	: > "log.$name"
	exec 9< <(exec "$BATS_FILE_TMPDIR/fake_uapi" -g "get.$name" -l "log.$name" "$@" \
		"/run/wireguard/$name.sock" 3>&-)
	fake_pids="$fake_pids $!"
	read -r line <&9
	exec 9<&-
	[ "$line" = listening ]
}

# sample_state: a device state with three peers and all kinds of settings.
sample_state() {
	cat <<-'E'
	private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a
	listen_port=12912
	fwmark=51820
	public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
	preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52
	allowed_ip=192.168.4.4/32
	endpoint=[abcd:23::33]:51820
	last_handshake_time_sec=100
	last_handshake_time_nsec=5
	rx_bytes=1048575
	tx_bytes=18446744073709551615
	public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376
	tx_bytes=38333
	rx_bytes=2224
	allowed_ip=192.168.4.6/32
	allowed_ip=fd00::/64
	persistent_keepalive_interval=111
	endpoint=182.122.22.19:3233
	public_key=662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58
	preshared_key=0000000000000000000000000000000000000000000000000000000000000000
	errno=0

	E
}

# expect_output STATUS STDOUT STDERR COMMAND…: the command exits with STATUS and prints exactly this.
expect_output() {
	local code=0 expected_code=$1 expected_out=$2 expected_err=$3
	shift 3
	"$@" > out 2> err < /dev/null || code=$?
	printf %s "$expected_out" | diff - out
	printf %s "$expected_err" | diff - err
	[ "$code" = "$expected_code" ]
}

# expect_requests NAME TEXT: the device got exactly these set requests since the last call.
expect_requests() {
	printf %s "$2" | diff - "log.$1"
	: > "log.$1"
}
