#!/bin/sh
# documents.sh [ROOT]: every file, function and structure that the documents name exists in the source tree. Prints every
# offence; exit 1 if there is one.
# Checked in README.md, SECURITY.md, tests/README.md, contrib and man:
#   paths      src/…, tests/…, man/…, contrib/…, completion/…; folder/file.c below src or tests; file.c anywhere
#   functions  name() must be called or defined in src or tests
#   structures `struct name` must be defined in src or tests
#   links      [text](path), relative to the document
#   tests      cases of the adversary (`h07`), and mutants of the simulator ("mutants `replay-*` and `psk-ignored`")
# Words with a component in capitals (src/MODULE/X.c) are placeholders.
set -eu
cd "${1:-$(dirname "$0")/../..}"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-documents.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
documents=
for document in README.md SECURITY.md tests/README.md contrib/*.md contrib/*/*.md man/*.[1-9]; do
	[ ! -e "$document" ] || documents="$documents $document"
done
sources=
for folder in src tests; do
	[ ! -e "$folder" ] || sources="$sources $folder"
done
failed=0

# complain DOCUMENT NAME WHAT: with the first line that has the name.
complain() {
	printf '%s:%s: %s %s\n' "$1" "$(grep -nF -- "$2" "$1" | head -1 | cut -d: -f1)" "$2" "$3"
	failed=1
}

find $sources -type f | sort > "$scratch/files"
find $sources -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.bash' \) \
	-exec grep -hoE '\<[A-Za-z_][A-Za-z0-9_]* ?\(' {} + | tr -d ' (' | sort -u > "$scratch/functions"
find $sources -type f -name '*.[ch]' -exec grep -hoE '\<struct [a-z0-9_]+ \{' {} + |
	sed 's/struct //; s/ {//' | sort -u > "$scratch/structures"

# exists PATH: as it stands, next to the document, or below src or tests, or as the end of the path of a source file.
exists() {
	[ -e "$1" ] || [ -e "${document%/*}/$1" ] || [ -e "src/$1" ] || [ -e "tests/$1" ] || grep -qE "(^|/)$(echo "$1" | sed 's/[.]/[.]/g')\$" "$scratch/files"
}

for document in $documents; do
	paths=$(grep -oE '(^|[^A-Za-z0-9_./@<-])((src|tests|man|contrib|completion)/[A-Za-z0-9_./@*{},-]*|([A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+\.([ch]|sh|bats|bash|py|mk))($|[^A-Za-z0-9_/])' "$document" |
		sed 's/^[^A-Za-z0-9_.]//; s/[^A-Za-z0-9_/*}]*$//; s/\.$//' | sort -u)
	set -f
	for path in $paths; do
		case /$path/ in
		*/[A-Z][A-Z]*/* | */X[._]* | */X/*) [ "$path" = contrib/HACKING.md ] || continue ;;
		*[*{]*) continue ;;
		esac
		exists "$path" || complain "$document" "$path" "does not exist"
	done
	set +f
	for name in $(grep -oE '\<[a-z_][a-z0-9_]*\(\)' "$document" | tr -d '()' | sort -u); do
		grep -qx -- "$name" "$scratch/functions" || complain "$document" "$name()" "is no function of src or tests"
	done
	for name in $(grep -oE '`struct [a-z0-9_]+`' "$document" | tr -d '`' | cut -d' ' -f2 | sort -u); do
		grep -qx -- "$name" "$scratch/structures" || complain "$document" "struct $name" "is defined nowhere in src or tests"
	done
	for case in $(grep -oE '`[a-z][0-9][0-9]s?`' "$document" | tr -d '`' | sort -u); do
		grep -qE -- "verdict $case\>" tests/netns/adversary*.bats 2> /dev/null ||
			complain "$document" "$case" "is no case of tests/netns/adversary"
	done
	set -f
	for mutant in $(tr '\n' ' ' < "$document" | tr -s ' ' |
		grep -oE '\<mutants? `[a-z0-9*-]+`((,? and|,) `[a-z0-9*-]+`)*' | grep -oE '`[^`]+`' | tr -d '`' | sort -u); do
		cut -f1 tests/sim/mutants.tsv | grep -qx -- "$(echo "$mutant" | sed 's/[*]/.*/')" ||
			complain "$document" "$mutant" "is no mutant of tests/sim/mutants.tsv"
	done
	set +f
	for link in $(grep -oE '\]\([A-Za-z0-9_./-]+\)' "$document" | sed 's/^](//; s/)$//' | sort -u); do
		[ -e "$(dirname "$document")/$link" ] || complain "$document" "$link" "is a link to nothing"
	done
done
exit $failed
