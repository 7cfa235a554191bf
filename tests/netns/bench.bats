# The benchmarks in their shortest form: they take every measurement, and the report and the tables of the chart are
# produced. The values are not checked.
bats_require_minimum_version 1.5.0

setup_file() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=$(realpath -m "${WGSUITE_BUILD:-$root/build}")
	export root build
	make -s -C "$root" O="$build" "$build/wg" "$build/wireguardd" "$build/tests/bench/ceiling" \
		"$build/tests/bench/blast" "$build/tests/bench/storm" > "$BATS_FILE_TMPDIR/make" 2>&1 ||
		{ cat "$BATS_FILE_TMPDIR/make" >&2; return 1; }
}

setup() {
	local program
	for program in iperf3 jq nft strace python3; do
		command -v "$program" > /dev/null || skip "no $program"
	done
}

# run_benchmark SCRIPT ARGUMENT…: runs a benchmark; its JSON lines are in $file, its report is in $output.
run_benchmark() {
	local script=$1
	shift
	file=$BATS_FILE_TMPDIR/${script%.sh}.jsonl
	run -0 --separate-stderr env -u WGSUITE_BOX bash "$root/tests/bench/$script" -r 1 -o "$file" "$@"
	[[ $output == *" of "*" met"* ]]
	jq -se '.[0].about.cores > 0 and (.[1:] | all(.impl and .unit and (.value | type) == "number"))' "$file"
}

# expect_measures IMPL MEASURE…: there is a value of each measure.
expect_measures() {
	local impl=$1
	shift
	jq -rs --arg impl "$impl" '.[] | select(.impl == $impl) | .measure' "$file" > "$BATS_TEST_TMPDIR/measured"
	for measure; do
		grep -qxF "$measure" "$BATS_TEST_TMPDIR/measured" || { echo "$impl: no $measure"; echo "$stderr"; return 1; }
	done
}

both="rss-idle rss-peak rtt-idle-p50 rtt-idle-p99 rtt-1G-p50 rtt-1G-p99 tcp1 tcp1-back tcp4 tcp4-back both-ways
	tcp1-cpu tcp1-back-cpu tcp4-cpu tcp4-back-cpu both-ways-cpu udp-64-best udp-64-flood udp-1400-best
	udp-1400-flood udp-gso"

@test "traffic: wireguardd and the plain TUN ceiling" {
	run_benchmark dataplane.sh -q "$build" "wgsuite=$build/wireguardd -f" ceiling
	expect_measures wgsuite start $both
	expect_measures ceiling $both
	[[ $output == *"| TCP, 1 stream, Mbit/s "* ]]
	# Every throughput is more than zero.
	jq -se '[.[] | select(.unit == "Mbit/s" or .unit == "packets/s" and (.measure | endswith("flood")))] |
		length > 10 and all(.value > 0)' "$file"
}

@test "handshakes and a handshake flood" {
	run_benchmark storm.sh -n 64 -f 500:1 "$build" "wgsuite=$build/wireguardd -f"
	expect_measures wgsuite handshake-{1,64}-{cpu,rate,refused} flood-{join-tries,normal-after,rate,pings-lost,memory}
	jq -se 'map({key: .measure, value}) | from_entries | .["handshake-1-refused"] == 0 and .["flood-join-tries"] < 99 and
		.["flood-normal-after"] < 99 and .["flood-rate"] > 100' <(tail -n +2 "$file")
}

@test "a device with 1,000 peers" {
	run_benchmark scale.sh -i 1 -p 1000 -q "$build" "wgsuite=$build/wireguardd -f" -- 1000
	expect_measures wgsuite peers-1000-{setconf,peak,dump,loaded,memory,each} idle-{calls,packets} \
		one-{before,loading,after}-{p50,p99} one-{before,after}-tcp one-loading-lost
	jq -se 'any(.[]; .measure == "peers-1000-loaded" and .value == 1000)' "$file"
}

@test "the report and the tables of the chart from saved results" {
	local results=$BATS_TEST_TMPDIR/results.jsonl
	python3 "$root/tests/bench/report.py" --results "$BATS_FILE_TMPDIR"/*.jsonl > "$results"
	run -0 python3 "$root/tests/bench/report.py" "$results"
	[ "$output" = "$(python3 "$root/tests/bench/report.py" "$BATS_FILE_TMPDIR"/*.jsonl)" ]
	[[ $output == *"| TCP, 1 stream "*"| handshake flood: additional memory "*"| 1,000 idle peers, packets sent "* ]]
	python3 "$root/tests/bench/report.py" --picture "$results" > "$BATS_TEST_TMPDIR/tables"
	for panel in $(grep -o '^plot .*\$[a-z0-9]*' "$root/tests/bench/picture.gp" | grep -o '\$.*'); do
		grep -qF "$panel << END" "$BATS_TEST_TMPDIR/tables" || { echo "no $panel"; return 1; }
	done
	command -v gnuplot > /dev/null || return 0 # without gnuplot the chart is not drawn
	cat "$BATS_TEST_TMPDIR/tables" "$root/tests/bench/picture.gp" | gnuplot > "$BATS_TEST_TMPDIR/speed.svg"
	grep -q 'UDP, thousand' "$BATS_TEST_TMPDIR/speed.svg"
}
