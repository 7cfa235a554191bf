#!/bin/sh
# cycles.sh [ROOT [BUILD]]: no two files of a module depend on each other, and no two folders of a module. Read from
# the #include lines of src and, given the folder of a build, from the symbols of its objects. X.c, X.h and X_part.c
# count as one file; a public header (one that other modules or public headers include) counts as a separate file.
# Prints the members of each cycle; exit 1 if there is one.
set -eu
build=${2:+$(cd "$2" && pwd)}
cd "${1:-$(dirname "$0")/../..}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-lint.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

find src -name '*.[ch]' | sort > "$scratch/files"

# Each line "FILE FILE" of the input, paths from src without .c or private .h, becomes an edge between components.
components() {
	awk '
	function component(file,    folder, name, at) {
		if (file ~ /\.h$/)
			return file
		folder = name = file
		sub(/[^\/]*$/, "", folder)
		sub(/.*\//, "", name)
		for (at = 1; at < length(name); at++)
			if (substr(name, at + 1, 1) == "_" && ((folder substr(name, 1, at)) in there))
				return folder substr(name, 1, at)
		return file
	}
	FNR == NR { sub(/^src\//, ""); sub(/\.[ch]$/, ""); there[$0]; next }
	component($1) != component($2) { print component($1), component($2) }' "$scratch/files" - | sort -u
}

# Dependencies between folders of one module; main.c and what lies next to it may use all of them.
folders() {
	awk '{ n = split($1, a, "/"); m = split($2, b, "/")
		if (a[1] == b[1] && n == 3 && m == 3 && a[2] != b[2]) print a[1] "/" a[2], b[1] "/" b[2] }' | sort -u
}

xargs grep -H '^[[:space:]]*#[[:space:]]*include *"' < "$scratch/files" | awk -F'[:"]' '
	function module_of(path) { return substr(path, 1, index(path, "/")) }
	function node(path) {
		if (!(path in public))
			sub(/\.[ch]$/, "", path)
		return path
	}
	function publish(path,    i) {
		if (path in public)
			return
		public[path]
		for (i = 1; i <= NR; i++)
			if (from[i] == path)
				publish(to[i])
	}
	{
		from[NR] = $1
		sub(/^src\//, "", from[NR])
		folder = from[NR]
		sub(/[^\/]*$/, "", folder)
		to[NR] = $3 ~ /\// ? $3 : folder $3
	}
	END {
		for (i = 1; i <= NR; i++)
			if (module_of(from[i]) != module_of(to[i]))
				publish(to[i])
		for (i = 1; i <= NR; i++)
			print node(from[i]), node(to[i])
	}' > "$scratch/includes"

# The table of implementations names all of them, and is what they are found through: no dependency.
: > "$scratch/calls"
if [ -n "$build" ]; then
	sed -n 's/^src\/\(.*\)\.c$/\1.o/p' "$scratch/files" | (cd "$build/src" && xargs ls -d 2> /dev/null | xargs nm -A) | awk '
		{ file = $1; sub(/\.o:.*/, "", file); name = $NF; kind = $(NF - 1) }
		name == "main" { next }
		kind == "U" { wants[++n] = file; symbol[n] = name; next }
		kind ~ /^[A-Z]$/ { at[name] = file }
		END {
			for (i = 1; i <= n; i++)
				if (symbol[i] in at && !(wants[i] == "crypto/dispatch" && at[symbol[i]] ~ /^crypto\/.*\//))
					print wants[i], at[symbol[i]]
		}' > "$scratch/calls"
fi

code=0
acyclic() { # acyclic WHAT < edges
	if ! tsort > "$scratch/order" 2> "$scratch/loops"; then
		sed "s|^tsort: -: input contains a loop:|depend on each other ($1):|; s|^tsort: |    |" "$scratch/loops"
		code=1
	fi
}
components < "$scratch/includes" > "$scratch/edges"
acyclic "files, by #include" < "$scratch/edges"
folders < "$scratch/includes" > "$scratch/edges"
acyclic "folders, by #include" < "$scratch/edges"
components < "$scratch/calls" > "$scratch/edges"
acyclic "files, by symbols" < "$scratch/edges"
folders < "$scratch/calls" > "$scratch/edges"
acyclic "folders, by symbols" < "$scratch/edges"
exit $code
