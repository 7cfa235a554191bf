#!/bin/sh
# sizes.sh [ROOT]: files of at most 600 lines, functions of at most 60 (from brace to brace).
# tests/lint/long-functions names the functions that may be longer, with why.
set -eu
cd "${1:-$(dirname "$0")/../..}"
long=tests/lint/long-functions

find src tests -name '*.[ch]' -o -name '*.inc' | sort | xargs awk -v long="$long" '
function close_file() {
	if (last_file != "" && lines > 600) {
		print last_file ": " lines " lines (600 at most)"
		bad = 1
	}
}
BEGIN {
	while ((getline row < long) > 0)
		if (row !~ /^#/ && split(row, word, " ") >= 3)
			may[word[1] " " word[2]] = 1
}
FNR == 1 {
	close_file()
	last_file = FILENAME
	inside = 0
}
{ lines = FNR }
# A function starts with a brace of its own in the first column; its name stands before the ( of the
# line that began without a blank.
/^[A-Za-z_].*\(/ && !inside {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
}
/^\{/ { inside = 1; start = FNR }
/^\}/ && inside {
	inside = 0
	if (FNR - start - 1 > 60 && !((FILENAME " " name) in may)) {
		print FILENAME ":" start ": " name " has " FNR - start - 1 " lines (60 at most)"
		bad = 1
	}
}
END { close_file(); exit bad }'
