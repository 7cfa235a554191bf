# What contrib/doc/other-software.md prints, for tests that use it as it is printed there. `load ../lib/netns` first.

# page_block TAG [N]: the N-th (first) block of code after the statement with this tag.
page_block() {
	local text
	text=$(awk -v tag=": $1 -->" -v n="${2:-1}" '
		index($0, tag) { found = 1; next }
		found && !inside && / -->$/ { exit }
		found && /^ *```/ { inside = !inside; blocks += inside; next }
		inside && blocks == n { sub(/^  /, ""); print }' "$NET_LIB"/../../contrib/doc/other-software.md)
	[ -n "$text" ] || fail "no block $1" || return
	printf '%s\n' "$text"
}

# page_file HOST TAG: writes the file that the first line of the block names.
page_file() {
	local text name
	text=$(page_block "$2")
	name=${text%%$'\n'*}
	on "$1" install -D -m 644 /dev/stdin "${name#\# }" <<< "$text"
}
