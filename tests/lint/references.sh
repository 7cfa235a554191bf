#!/bin/sh
# references.sh [ROOT]: no text of the tree names a document or folder outside it, and every Markdown file and path of
# the tree that a text names exists. Prints every offence; exit 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-lint.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# The lints and their self-test name what they refuse; vectors.c reads more test vectors next to the tree if there are any.
for place in src man completion contrib tests README.md SECURITY.md Makefile .ci; do
	[ ! -e "$place" ] || find "$place" -type f ! -path 'tests/lint/*' ! -path 'tests/lib/vectors.[ch]' \
		! -path 'tests/fuzz/corpus/*' ! -name '*.jsonl' ! -name '*.svg'
done | sort > "$scratch/files"
code=0

if xargs grep -HnIE '(^|[^A-Za-z-])reference/|\.\./shared|(^|[^A-Za-z0-9_])/work/|(^|[^A-Za-z_])(DESIGN|STYLE)([^A-Za-z_]|$)|(^|[^A-Za-z])[Ii]ssue #?[0-9]' \
	< "$scratch/files"; then
	echo "help: cite the whitepaper's section, the RFC, the man page or a document of the tree"
	code=1
fi

# A path whose last part has a capital or a pattern (tests/cli/X.bats, src/*/*.c) stands for many files; a program
# that is built has its source next to it.
xargs grep -HnoIE '[A-Za-z0-9_./-]+\.md([^A-Za-z]|$)|(^|[^A-Za-z0-9_./$}{*-])(src|tests|contrib|man|completion)/[A-Za-z0-9_./*{}$-]+' \
	< "$scratch/files" | awk -F: '
	{
		name = $3
		sub(/^[^A-Za-z0-9_.\/-]/, "", name)
		sub(/[^A-Za-z0-9_*{}$\/-]+$/, "", name)
		folder = $1
		sub(/[^\/]*$/, "", folder)
		if (name !~ /[*{}$]/ && (name ~ /\.md$/ || name !~ /[A-Z]/) && name !~ /\.new$/)
			print $1 ":" $2, name, folder
	}' | while read -r at name folder; do
	[ -e "$name" ] || [ -e "$folder$name" ] || [ -e "$name.c" ] || echo "$at: $name is not in the tree"
done > "$scratch/missing"
if [ -s "$scratch/missing" ]; then
	cat "$scratch/missing"
	code=1
fi
exit $code
