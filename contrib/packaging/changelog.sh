#!/bin/sh
# changelog.sh REVISION: prints debian/changelog, made from contrib/NEWS.md.
set -eu
cd "$(dirname "$0")/../.."
: "${DEBFULLNAME:=$(sh contrib/packaging/maintainer.sh name)}" "${DEBEMAIL:=$(sh contrib/packaging/maintainer.sh email)}"
awk -v revision="$1" -v by="$DEBFULLNAME <$DEBEMAIL>" '
# Lines of a changelog have at most 80 columns.
function item(  words, n, i, line) {
	n = split(text, words, " ")
	line = "  *"
	for (i = 1; i <= n; i++) {
		if (length(line) + 1 + length(words[i]) > 79) {
			print line
			line = "   "
		}
		line = line " " words[i]
	}
	if (n > 0)
		print line
	text = ""
}
function finish() {
	if (version == "")
		return
	item()
	command = "LC_ALL=C date -u -R -d " day
	command | getline when
	close(command)
	printf "\n -- %s  %s\n\n", by, when
}
/^## / {
	finish()
	version = $2
	day = substr($3, 2, 10)
	printf "wgsuite (%s-%s) unstable; urgency=medium\n\n", version, revision
	next
}
version != "" && /^- / { item(); text = substr($0, 3); next }
version != "" && /^  / { text = text " " substr($0, 3) }
END { finish() }' contrib/NEWS.md
