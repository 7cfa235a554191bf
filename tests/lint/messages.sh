#!/bin/sh
# messages.sh [ROOT]: lists what the programs print for people, to be read as a whole: every string of two words or
# more in src, and every string given to report_*, log_* or diag_*, as FILE:LINE: text, without assertions and
# pragmas. Strings of the code that are not prose (scripts, other programs' syntax) are listed too.
set -eu
cd "${1:-$(dirname "$0")/../..}"

find src -name '*.[ch]' | sort | xargs awk '
function flush() {
	if (call != "assert" && text != "" && (text ~ /[A-Za-z%][^ ]* +[^ ]*[A-Za-z]/ || call != ""))
		print file ":" at ": " text
	text = ""
}
FNR == 1 { flush(); file = FILENAME; comment = 0; call = ""; depth = 0 }
/^[[:space:]]*#[[:space:]]*(include|pragma)/ { next }
{
	line = $0
	while (line != "") {
		if (comment) {
			end = index(line, "*/")
			if (!end)
				break
			line = substr(line, end + 2)
			comment = 0
		} else if (substr(line, 1, 2) == "/*") {
			comment = 1
			line = substr(line, 3)
		} else if (match(line, /^"([^"\\]|\\.)*"/)) {
			if (text == "")
				at = FNR
			text = text substr(line, 2, RLENGTH - 2)
			line = substr(line, RLENGTH + 1)
		} else if (match(line, /^\047([^\047\\]|\\.)*\047/)) {
			line = substr(line, RLENGTH + 1)
		} else if (match(line, /^[A-Za-z_][A-Za-z_0-9]*/)) {
			# A macro between two strings, such as PRIu64, is part of them.
			word = substr(line, 1, RLENGTH)
			line = substr(line, RLENGTH + 1)
			if (text != "" && word ~ /^[A-Z]/)
				text = text "%" word
			else if (call == "" && word ~ /^(report|log|diag)_[a-z]+$/ && line ~ /^\(/)
				call = word
			else if (call == "" && word ~ /^(assert|static_assert|_Static_assert|_Pragma)$/ && line ~ /^\(/)
				call = "assert"
		} else {
			c = substr(line, 1, 1)
			if (c !~ /[[:space:]]/)
				flush()
			if (call != "" && c == "(")
				depth++
			if (call != "" && c == ")" && --depth == 0)
				call = ""
			line = substr(line, 2)
		}
	}
}
END { flush() }'
