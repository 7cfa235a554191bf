#!/bin/sh
# layers.sh [ROOT]: which module may include which header, read from the #include lines of src. Modules include only
# each other's public headers; programs never include each other; pure modules and folders include no header of
# clocks, files or sockets; between the folders of a module, dependencies point one way. Include paths start at src.
# Prints every offence; exit 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/../..}"

list() {
	find src -name '*.[ch]' -o -name '*.inc' | sort
}
{ list; list | xargs grep -Hn '^[[:space:]]*#[[:space:]]*include'; } | awk '
BEGIN {
	base = "base/base.h base/mem.h base/span.h base/text.h base/key.h base/addr.h base/prefix_split.h base/prefix_set.h base/diag.h base/heap.h base/codec.h base/vector.h base/suggestion.h base/utf8.h base/version.h base/dlopen_note.h"
	may["base"] = ""
	may["crypto"] = base
	may["model"] = base
	may["proto"] = base " crypto/crypto.h"
	models = " model/model.h model/binding.h model/conf.h model/conf_names.h model/uapi.h model/sync.h model/endpoint_inside.h"
	reports = " report/report.h report/output.h report/diagnostics.h report/trace.h report/terminal.h report/units.h report/qr.h report/names.h report/json.h report/json_device.h report/exposition.h report/page.h report/check_command.h report/library.h"
	may["check"] = base " crypto/crypto.h" models " model/fields.h"
	may["ipc"] = base " crypto/crypto.h" models
	may["report"] = base models " check/check.h check/graph.h"
	may["wg"] = may["ipc"] " check/check.h ipc/ipc.h ipc/binding.h ipc/resolve.h ipc/netns.h ipc/daemon_stats.h" reports
	may["quick"] = may["wg"] " proto/tunnel.h"
	may["daemon"] = base models " proto/tunnel.h"
	may["lib"] = base " crypto/crypto.h proto/tunnel.h"
	may["quick/config"] = base models
	may["quick/plan"] = may["quick/diagnosis"] = may["quick/monitor"] = may["quick/config"] " crypto/crypto.h"

	# Folders of a module: which others each may include ("." is the module itself, "*" all of them).
	folders["quick/."] = "*"
	folders["quick/command"] = "config plan diagnosis monitor journal host"
	folders["quick/journal"] = "config plan host"
	folders["quick/host"] = "config plan"
	folders["quick/diagnosis"] = "config plan"
	folders["quick/monitor"] = "config plan"
	folders["quick/plan"] = "config"
	folders["quick/config"] = ""
	folders["lib/."] = ""
	folders["lib/host"] = "." # a header of the system as the library has it
	folders["daemon/."] = "*"
	folders["daemon/control"] = "io threads process"
	folders["daemon/threads"] = "io process"
	folders["daemon/io"] = "process"
	folders["daemon/process"] = ""
	folders["crypto/."] = ""
	folders["crypto/aead"] = ". chacha20 poly1305"
	folders["crypto/chacha20"] = folders["crypto/poly1305"] = folders["crypto/blake2s"] = folders["crypto/x25519"] = "."

	# The host performs steps and does not plan: of plan it may include the data, and the texts that it executes.
	some["quick/host", "plan"] = "quick/plan/step.h quick/plan/host_state.h quick/plan/print.h quick/plan/shell_quote.h" \
		" quick/plan/kill_switch_text.h quick/plan/dns_text.h quick/plan/firewall_text.h quick/plan/resolv_conf.h quick/plan/mtu.h"

	libc = "stdint.h stdbool.h stddef.h string.h stdarg.h"
	pure = libc " stdlib.h errno.h limits.h assert.h stdatomic.h"
	system_of["base"] = libc " stdlib.h assert.h"
	system_of["crypto"] = libc " cpuid.h immintrin.h x86intrin.h arm_neon.h sys/auxv.h stdatomic.h assert.h"
	system_of["model"] = system_of["check"] = system_of["proto"] = pure
	system_of["quick/config"] = system_of["quick/plan"] = system_of["quick/diagnosis"] = system_of["quick/monitor"] = pure
	# Files, sockets and processes are for quick/host alone.
	system_of["quick/journal"] = system_of["quick/command"] = pure
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
# The folder within its module of a path that starts at src: "." or a name.
function folder_of(name,    part, n) {
	n = split(name, part, "/")
	return n == 3 ? part[2] : "."
}
!/:/ { there[$0]; next }
{
	split($0, field, ":")
	file = field[1]
	line = field[2]
	split(file, path, "/")
	module = path[2]
	folder = folder_of(substr(file, 5))
	inner = module "/" folder
	if (!(module in may)) {
		offence("no rule for module \"" module "\"")
		next
	}
	if (folder != "." && !(inner in folders)) {
		offence("no rule for folder \"" inner "\"")
		next
	}
	if (match($0, /"[^"]*"/)) {
		name = substr($0, RSTART + 1, RLENGTH - 2)
		if (name !~ /^[A-Za-z0-9_]+(\/[A-Za-z0-9_]+)*\.(h|inc)$/) {
			offence("write the path from src, not \"" name "\"")
		} else if (name !~ /\//) {
			if (!((substr(file, 1, match(file, /[^\/]*$/) - 1) name) in there))
				offence(name " is not in this folder")
		} else if (substr(name, 1, length(module) + 1) == module "/") {
			other = folder_of(name)
			if (other == folder)
				offence(name " is in this folder: include it without a path")
			else if (folders[inner] != "*" && !has(folders[inner], other))
				offence(inner " may not include " name)
			else if ((inner, other) in some && !has(some[inner, other], name))
				offence(inner " may not include " name)
		} else if (!has(inner in may ? may[inner] : may[module], name)) {
			offence((inner in may ? inner : module) " may not include " name)
		}
	} else if (match($0, /<[^>]*>/)) {
		name = substr($0, RSTART + 1, RLENGTH - 2)
		allowed = inner in system_of ? system_of[inner] : system_of[module]
		if (allowed != "" && !has(allowed, name))
			offence((inner in system_of ? inner : module) " may not include <" name ">")
	} else {
		offence("this lint cannot read this include")
	}
}
END { exit bad }'
