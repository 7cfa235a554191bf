#!/bin/sh
# statements.sh [ROOT]: every statement of contrib/doc/other-software.md ends with a comment "<!-- FILE: tag -->", and
# tests/netns/FILE.bats has a comment with "[tag]" where it tests the statement. Prints every offence; exit 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"
page=contrib/doc/other-software.md
[ -e "$page" ] || exit 0
code=0

# A statement is an item of a list; code and blank lines follow its comment.
awk -v page="$page" '
	function complain() { if (open) { print page ":" open ": no test is named"; code = 1 } open = 0 }
	/^- / { complain(); open = NR }
	/^$/ || /^#/ { complain() }
	/<!-- [a-z_0-9]+: [a-z0-9-]+ -->$/ { open = 0 }
	END { complain(); exit code }' "$page" || code=1

for statement in $(sed -n 's/.*<!-- \([a-z_0-9]*\): \([a-z0-9-]*\) -->$/\1:\2/p' "$page"); do
	file=tests/netns/${statement%:*}.bats
	grep -qs "^[[:space:]]*#.*\[${statement#*:}\]" "$file" ||
		{ echo "$page: [${statement#*:}] is not in $file"; code=1; }
done
for tag in $(grep -ohsE '^[[:space:]]*#( \[[a-z0-9-]+\])+' tests/netns/other_*.bats | grep -o '[a-z0-9-]*\]' | tr -d ']' | sort -u); do
	grep -q ": $tag -->\$" "$page" || { echo "tests/netns/other_*.bats: [$tag] is no statement of $page"; code=1; }
done
exit $code
