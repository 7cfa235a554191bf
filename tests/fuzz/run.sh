#!/bin/sh
# run.sh O SECONDS [TARGET…]: runs fuzz targets that `make fuzz O=O` built (default: all), each for SECONDS, with its
# corpus, and prints how many inputs it executed per second. New inputs and crashes are in O/fuzz/TARGET; nothing is
# written to the corpus. Exit 1 if one of them fails.
set -u
cd "$(dirname "$0")/../.."
O=$1 seconds=$2
shift 2
[ $# -gt 0 ] || set -- $(ls tests/fuzz/*_*.c | sed 's|.*/||; s|\.c$||')
code=0
for target; do
	out=$O/fuzz/$target
	mkdir -p "$out/corpus"
	if "$O/tests/fuzz/${target}_fuzz" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$out/" \
		"$out/corpus" "tests/fuzz/corpus/$target" > "$out/log" 2>&1; then
		awk -v target="$target" '
			/^stat::number_of_executed_units/ { n = $2 }
			/^Done / { seconds = $(NF - 1) }
			END { printf "%-20s %9d runs %7.0f per second\n", target, n, n / seconds }' "$out/log"
	else
		echo "$target failed: $out/log"
		code=1
	fi
done
exit $code
