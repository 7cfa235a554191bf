#!/bin/sh
# checks.sh [ROOT]: refuses statements of bats tests that cannot fail. Under set -e the shell does not exit at
# "! command", nor at a command of "a && b" that is not the last: in the middle of a test these check nothing. As the
# last statement of a function or test they are its result. Prints every offence; exit 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"

for file in tests/*/*.bats tests/lib/*.bash; do
	[ ! -e "$file" ] || awk -v file="$file" '
	function is_suspect(statement) {
		if (statement ~ /\|\|/ || statement ~ /<<|<\(|\$\(.*&&/)
			return 0
		return statement ~ /^[ \t]+! / || statement ~ /^[ \t]+(\[ .* \]|\[\[ .* \]\]|test .*) && /
	}
	quoted { quoted = ($0 !~ terminator); next }                  # a here-document is not the test
	/^[ \t]*#/ || /^[ \t]*$/ { next }
	{ statement = joined $0 }
	/(&&|\|\||\\)$/ { joined = statement " "; if (!at) at = NR; next }
	{
		if (suspect && $0 !~ /^[ \t]*}/)
			{ print file ":" suspect_at ": cannot fail here: " suspect; bad = 1 }
		suspect = ""
		if (is_suspect(statement)) { suspect = statement; suspect_at = at ? at : NR }
		joined = ""; at = 0
		if (match($0, /<<-?["\047]?[A-Za-z_]+/)) {
			terminator = substr($0, RSTART, RLENGTH)
			gsub(/[<"\047-]/, "", terminator)
			terminator = "^[ \t]*" terminator "$"
			quoted = 1
		}
	}
	END { exit bad }' "$file" || failed=1
done
[ -z "${failed-}" ]
