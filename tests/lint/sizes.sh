#!/bin/sh
# sizes.sh [ROOT]: refuses a README of more than 150 lines, a HACKING of more than 120, files of more than 600 lines and functions of more than 60 (between the braces), except the
# functions listed in tests/lint/long-functions. Prints every offence; exit 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"
long=tests/lint/long-functions
code=0

# at_most N DOCUMENT
at_most() {
	lines=$(cat "$2" 2> /dev/null | wc -l)
	[ "$lines" -le "$1" ] || { echo "$2: $lines lines ($1 at most)"; code=1; }
}
at_most 150 README.md
at_most 120 contrib/HACKING.md

find src tests -name '*.[ch]' -o -name '*.inc' | sort | xargs awk -v long="$long" '
function close_file() {
	if (last_file != "" && lines > 600) {
		print last_file ": " lines " lines (600 at most)"
		bad = 1
	}
}
BEGIN {
	while ((getline entry < long) > 0)
		if (entry !~ /^#/ && split(entry, word, " ") >= 3)
			may[word[1] " " word[2]] = 1
}
FNR == 1 {
	close_file()
	last_file = FILENAME
	inside = 0
}
{ lines = FNR }
# A function starts with a brace in the first column; its name precedes the ( of the last line that began with a
# letter in the first column.
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
END { close_file(); exit bad }' || code=1
exit $code
