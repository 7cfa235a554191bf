# The benchmarks in their shortest form: they take every measurement (of two of them one each day), and the report and the tables of the chart are
# produced. The values are not checked.
bats_require_minimum_version 1.5.0
load ../lib/days

setup_file() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=$(realpath -m "${WGSUITE_BUILD:-$root/build}")
	export root build
	make -s -C "$root" O="$build" "$build/wg" "$build/wireguardd" "$build/tests/bench/ceiling" \
		"$build/tests/bench/blast" "$build/tests/bench/storm" "$build/tests/bench/ndr" \
		"$build/tests/bench/streams" > "$BATS_FILE_TMPDIR/make" 2>&1 ||
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

@test "TCP streams next to a UDP flood" {
	on_day 0 2
	run_benchmark flows.sh -t 1 -n 8 "$build" "wgsuite=$build/wireguardd -f"
	for case in cpu-alone cpu uplink-alone uplink; do
		expect_measures wgsuite fair-$case-{jain,tcp,least,greatest,flood,flood-sent,stalled,p50,p99}
	done
	jq -se '[.[] | select(.measure // "" | endswith("-jain")) | .value] | length == 4 and all(. > 0 and . <= 1)' "$file"
}

@test "a device with 1,000 peers" {
	run_benchmark scale.sh -i 1 -p 1000 -q "$build" "wgsuite=$build/wireguardd -f" -- 1000
	expect_measures wgsuite peers-1000-{setconf,peak,dump,loaded,memory,each} idle-{calls,packets} \
		one-{before,loading,after}-{p50,p99} one-{before,after}-tcp one-loading-lost
	jq -se 'any(.[]; .measure == "peers-1000-loaded" and .value == 1000)' "$file"
}

@test "rates without loss" {
	on_day 1 2
	run_benchmark ndr.sh -t 0.05 -p "1 10" -s "64 imix" "$build" "wgsuite=$build/wireguardd -f" ceiling
	expect_measures wgsuite ndr-{in,out}-{64,imix}-{1,10}{,-mbit,-cores,-p50,-p99}
	expect_measures ceiling ndr-{in,out}-{64,imix}-{1,10}
	grep -qE '^\| received, mixed sizes, 10 peers +\| [0-9]' <<< "$output"
	# At each rate without loss, there is a delay.
	jq -se '[.[] | select(.measure == "ndr-in-64-1" or .measure == "ndr-out-imix-10" and .impl == "wgsuite") | .value] |
		length == 3 and all(. > 0)' "$file"
	jq -se 'map({key: (.impl + .measure), value}) | from_entries | .["wgsuitendr-out-64-10-p50"] > 0' <(tail -n +2 "$file")
}

@test "the report of two families of CPUs" {
	local avx2=$BATS_TEST_TMPDIR/avx2.jsonl
	{
		echo '{"about":{"bench":"dataplane","date":"2026-01-01T00:00Z","cpu":"X","family":"Zen 9","isa":"avx2","cores":2,"kernel":"L","load":0,"of":{}}}'
		echo '{"impl":"wgsuite","measure":"tcp1","value":500,"unit":"Mbit/s"}'
		echo '{"impl":"wireguard-go","measure":"tcp1","value":200,"unit":"Mbit/s"}'
	} > "$avx2"
	run -0 python3 "$root/tests/bench/report.py" "$root/tests/bench/results.jsonl" "$avx2"
	[[ $output == *"| goal "*"| Zen 5 "*"| Zen 9, without AVX-512 "* ]]
	# The same ratio meets one target and not the other.
	[[ $output == *"| TCP, 1 stream "*"| met: 2.57 "*"target ≥ 2.40 × wireguard-go"*"| not met: 2.50 "*"target ≥ 2.60 × wireguard-go "* ]]
	[[ $output == *"Zen 9, without AVX-512: 0 of 1 met"* ]]
	# New figures replace those of the same measure, and no others.
	sed 's/Zen 9/Zen 5/; s/avx2/avx512ifma/; s/500/501/' "$avx2" > "$BATS_TEST_TMPDIR/new.jsonl"
	python3 "$root/tests/bench/report.py" --results "$root/tests/bench/results.jsonl" "$BATS_TEST_TMPDIR/new.jsonl" > "$BATS_TEST_TMPDIR/merged"
	jq -se '[.[] | select(.measure == "tcp1" and .impl == "wgsuite") | .values] | .[0] == [501]' "$BATS_TEST_TMPDIR/merged"
	jq -se 'any(.[]; .measure == "tcp4" and .impl == "wgsuite" and (.values | length) == 5)' "$BATS_TEST_TMPDIR/merged"
}

@test "the report and the tables of the chart from saved results" {
	local results=$BATS_TEST_TMPDIR/results.jsonl
	python3 "$root/tests/bench/report.py" --results /dev/null "$BATS_FILE_TMPDIR"/*.jsonl > "$results"
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
