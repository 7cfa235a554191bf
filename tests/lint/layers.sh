#!/bin/sh
# layers.sh [ROOT]: who may include whom (DESIGN 3), read off the #include lines of src. Across rooms
# only doors; programs never include each other; the pure rooms see no header of clocks, files or
# sockets. Prints every offence, exit 1 when there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"

grep -Hn '^[[:space:]]*#[[:space:]]*include' src/*/*.[ch] $(find src -name "*.inc") | awk '
BEGIN {
	base = "base/base.h base/mem.h base/span.h base/text.h base/key.h base/addr.h base/diag.h base/heap.h"
	may["base"] = ""
	may["crypto"] = base
	may["model"] = base
	may["proto"] = base " crypto/crypto.h"
	models = " model/model.h model/conf.h model/uapi.h model/sync.h"
	may["ipc"] = base " crypto/crypto.h" models
	may["wg"] = may["quick"] = may["ipc"] " ipc/ipc.h ipc/resolve.h"
	may["daemon"] = base models " proto/tunnel.h"

	libc = "stdint.h stdbool.h stddef.h string.h stdarg.h"
	system_of["base"] = libc
	system_of["crypto"] = libc " cpuid.h immintrin.h x86intrin.h arm_neon.h sys/auxv.h stdatomic.h"
	system_of["model"] = system_of["proto"] = libc " stdlib.h errno.h limits.h assert.h stdatomic.h"
}
function has(list, word,    n, i, words) {
	n = split(list, words, " ")
	for (i = 1; i <= n; i++)
		if (words[i] == word)
			return 1
	return 0
}
function offence(why) {
	print file ":" line ": " why
	bad = 1
}
{
	split($0, part, ":")
	file = part[1]
	line = part[2]
	split(file, path, "/")
	room = path[2]
	if (!(room in may)) {
		offence("room \"" room "\" is not in DESIGN 3")
		next
	}
	if (match($0, /"[^"]*"/)) {
		name = substr($0, RSTART + 1, RLENGTH - 2)
		if (name !~ /\//) {
			if (system("test -e src/" room "/" name) != 0)
				offence(name " is no file of this room")
		} else if (name !~ /^\.\.\/[a-z]+\/[A-Za-z0-9_]+\.h$/) {
			offence("write \"../ROOM/door.h\", not \"" name "\"")
		} else if (!has(may[room], substr(name, 4))) {
			offence(room " may not include " substr(name, 4))
		}
	} else if (match($0, /<[^>]*>/)) {
		name = substr($0, RSTART + 1, RLENGTH - 2)
		if (room in system_of && !has(system_of[room], name))
			offence("the pure room " room " may not include <" name ">")
	} else {
		offence("an include this lint cannot read")
	}
}
END { exit bad }'
