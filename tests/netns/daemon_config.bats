# Requests to the configuration socket of wireguardd, random ones that differ each day, compared with a model and with
# wireguard-go; uapi_model.py lists what must be equal.
load ../lib/netns

setup() {
	net_begin
	host a
}
teardown() { net_end; }

has_socket() { on a test -S "/run/wireguard/$1.sock"; }

@test "after random requests the configuration is that of a model, and of wireguard-go" {
	local day=$((${WGSUITE_DAY:-$(($(date +%s) / 86400))})) count=6
	on a wireguardd wg0
	on a unshare --net env LOG_LEVEL=silent "$WGSUITE_PEERS/wireguard-go-2023" wg1 # with the same ports
	eventually 10 has_socket wg0
	eventually 10 has_socket wg1
	[ "${WGSUITE_COMPLETE-}" != yes ] || count=60
	on a python3 "$BATS_TEST_DIRNAME/uapi_model.py" $((day * 60)) $count wg0 wg1
}
