#!/bin/sh
# selftest.sh: tests of the lints. Each accepts a small clean tree and refuses one seeded violation of each kind, which
# its output names. TAP on stdout.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-lint.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
: "${CC:=cc}"
n=0
failed=0

ok() { # ok EXIT_CODE NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$scratch/out"
		failed=1
	fi
}

accepts() { # accepts LINT NAME [ARGUMENT…]
	lint=$1 name=$2 code=0
	shift 2
	sh "$here/$lint" "${@:-$tree}" > "$scratch/out" 2>&1 || code=1
	ok "$code" "$lint accepts $name"
}

refuses() { # refuses LINT NAME TEXT_IN_ITS_OUTPUT [ARGUMENT…]
	lint=$1 name=$2 text=$3 code=0
	shift 3
	if sh "$here/$lint" "${@:-$tree}" > "$scratch/out" 2>&1 || ! grep -qF -- "$text" "$scratch/out"; then
		code=1
	fi
	ok "$code" "$lint refuses $name"
}

file() { # file PATH [LINE…]: a new file of the tree
	path=$tree/$1
	shift
	mkdir -p "${path%/*}"
	printf '%s\n' "$@" > "$path"
}

header() { # header PATH LINE…
	path=$1
	shift
	guard=$(echo "$path" | tr a-z/. A-Z__)
	file "src/$path" "#ifndef $guard" "#define $guard" "$@" "#endif"
}

plant() { # plant PATH LINE…: appends
	path=$tree/$1
	shift
	printf '%s\n' "$@" >> "$path"
}

# A tree without offences.
make_clean() {
	mkdir -p "$tree/tests/lint"
	cp "$here/purity.sh" "$tree/tests/lint/"
	header base/base.h '#include <stdint.h>' 'int base_a(void);'
	file src/base/base.c '#include "base.h"' 'int base_a(void) { return 1; }'
	header crypto/crypto.h '#include "base/base.h"' 'int crypto_b(void);'
	header crypto/chacha20/chacha20.h 'int chacha20(void);'
	file src/crypto/crypto.c '#include "crypto.h"' 'int crypto_b(void) { return base_a(); }'
	file src/crypto/blake2s/blake2s.c '#include "crypto/crypto.h"'
	header model/model.h 'int model_m(void);'
	file src/model/model.c '#include <stdlib.h>' '#include "base/base.h"' 'void *model_c(void);' \
		'void *model_c(void) { return malloc(3); }'
	file src/check/check.c '#include "base/base.h"' 'int check_f(void);' 'int check_f(void) { return base_a(); }'
	file src/quick/diagnosis/checks.c '#include "base/base.h"' 'int diagnose(void);' 'int diagnose(void) { return base_a(); }'
	file src/quick/monitor/fights.c '#include "base/base.h"' 'int fight(void);' 'int fight(void) { return base_a(); }'
	header proto/tunnel.h 'int tunnel(void);'
	header proto/noise.h 'int noise(void);'
	file src/proto/tunnel.c '#include "crypto/crypto.h"' '#include "tunnel.h"' 'int tunnel(void) { return crypto_b(); }'
	header ipc/ipc.h 'int ipc(void);'
	header report/report.h 'int report(void);'
	header wg/show.h '#include "report/report.h"' 'int show(void);'
	header quick/config/keys.h '#include "model/model.h"' 'int keys(void);'
	file src/quick/config/keys.c '#include "keys.h"' 'int keys(void) { return 1; }'
	header quick/plan/step.h '#include "quick/config/keys.h"' 'struct step { int n; };'
	header quick/plan/up.h '#include "step.h"' 'int plan(void);'
	file src/quick/plan/up.c '#include "up.h"' 'int plan(void) { return keys(); }'
	header quick/host/route.h '#include "quick/plan/step.h"' 'int route(struct step *s);'
	file src/quick/host/route.c '#include "route.h"' '#include <sys/socket.h>' '#include "ipc/ipc.h"'
	header quick/journal/journal.h '#include "quick/plan/step.h"' 'int journal(void);'
	header quick/command/command.h 'int up(void);'
	file src/quick/command/up.c '#include "command.h"' '#include "quick/host/route.h"' \
		'#include "quick/journal/journal.h"' '#include "quick/plan/up.h"' '#include "report/report.h"'
	file src/quick/main.c '#include <unistd.h>' '#include "quick/command/command.h"'
	header daemon/io/udp.h '#include "proto/tunnel.h"' 'int udp(void);'
	header daemon/control/control.h '#include "daemon/io/udp.h"' 'int control(void);'
	file src/daemon/process/loop.c '#include <time.h>'
	file README.md 'See [the style guide](contrib/HACKING.md) and `tests/cli/X.bats`.'
	file contrib/HACKING.md 'Read src/base/base.h first.'
}
make_clean
cp -r "$tree" "$scratch/clean"
clean() {
	rm -rf "$tree"
	cp -r "$scratch/clean" "$tree"
}

accepts layers.sh "a clean tree"
accepts headers.sh "a clean tree"
accepts sizes.sh "a clean tree"
accepts words.sh "a clean tree"
accepts checks.sh "a clean tree"
accepts references.sh "a clean tree"
accepts terms.sh "a clean tree"
accepts cycles.sh "a clean tree"
accepts documents.sh "a clean tree"

# ---- layers.sh ----

layer() { # layer NAME FILE INCLUDE TEXT
	clean
	[ -e "$tree/$2" ] || file "$2"
	plant "$2" "#include $3"
	refuses layers.sh "$1" "$4"
}
layer "base including crypto" src/base/base.c '"crypto/crypto.h"' 'base may not include'
layer "proto including model" src/proto/tunnel.c '"model/model.h"' 'proto may not include'
layer "proto including report" src/proto/tunnel.c '"report/report.h"' 'proto may not include'
layer "report including ipc" src/report/report.c '"ipc/ipc.h"' 'report may not include'
layer "ipc including report" src/ipc/ipc.c '"report/report.h"' 'ipc may not include'
layer "the daemon including a private header of proto" src/daemon/process/loop.c '"proto/noise.h"' 'daemon may not include'
layer "the daemon including report" src/daemon/process/loop.c '"report/report.h"' 'daemon may not include'
layer "a program including another" src/daemon/process/loop.c '"wg/show.h"' 'daemon may not include'
layer "quick including wg" src/quick/main.c '"wg/show.h"' 'quick may not include'
layer "plan including host" src/quick/plan/up.c '"quick/host/route.h"' 'quick/plan may not include'
layer "plan including journal" src/quick/plan/up.c '"quick/journal/journal.h"' 'quick/plan may not include'
layer "plan including ipc" src/quick/plan/up.c '"ipc/ipc.h"' 'quick/plan may not include'
layer "config including plan" src/quick/config/keys.c '"quick/plan/step.h"' 'quick/config may not include'
layer "config including report" src/quick/config/keys.c '"report/report.h"' 'quick/config may not include'
layer "host including command" src/quick/host/route.c '"quick/command/command.h"' 'quick/host may not include'
layer "host including journal" src/quick/host/route.c '"quick/journal/journal.h"' 'quick/host may not include'
layer "host including the planner" src/quick/host/route.c '"quick/plan/up.h"' 'quick/host may not include'
layer "journal including command" src/quick/journal/journal.c '"quick/command/command.h"' 'quick/journal may not include'
layer "daemon/io including control" src/daemon/io/udp.c '"daemon/control/control.h"' 'daemon/io may not include'
layer "daemon/process including io" src/daemon/process/loop.c '"daemon/io/udp.h"' 'daemon/process may not include'
layer "crypto/blake2s including chacha20" src/crypto/blake2s/blake2s.c '"crypto/chacha20/chacha20.h"' \
	'crypto/blake2s may not include'
layer "a clock's header in proto" src/proto/tunnel.c '<time.h>' 'may not include <time.h>'
layer "stdio in model" src/model/model.c '<stdio.h>' 'may not include <stdio.h>'
layer "stdio in base" src/base/base.c '<stdio.h>' 'may not include <stdio.h>'
layer "unistd in quick/config" src/quick/config/keys.c '<unistd.h>' 'may not include <unistd.h>'
layer "fcntl in quick/plan" src/quick/plan/up.c '<fcntl.h>' 'may not include <fcntl.h>'
layer "sockets in quick/command" src/quick/command/up.c '<sys/socket.h>' 'may not include <sys/socket.h>'
layer "processes in quick/journal" src/quick/journal/journal.c '<sys/wait.h>' 'may not include <sys/wait.h>'
layer "a relative path" src/daemon/process/loop.c '"../../src/proto/noise.h"' 'write the path from src'
layer "its own folder with a path" src/quick/plan/up.c '"quick/plan/step.h"' 'include it without a path'
layer "a header that is not in the folder" src/proto/tunnel.c '"elsewhere.h"' 'is not in this folder'
layer "an unknown module" src/util/util.c '<stdint.h>' 'no rule for module "util"'
layer "an unknown folder" src/quick/util/util.c '<stdint.h>' 'no rule for folder "quick/util"'

# ---- purity.sh ----

purity=$tree/tests/lint/purity.sh
compile() { # compile FOLDER…
	for folder; do
		find "$tree/src/$folder" -name '*.c' | while read -r source; do
			[ -e "${source%.c}.o" ] || "$CC" -O2 -I"$tree/src" -c -o "${source%.c}.o" "$source"
		done
	done
}
archives() {
	for module in base crypto model check proto; do
		ar rcs "$tree/lib$module.a" $(find "$tree/src/$module" -name '*.o')
	done
}
clean
compile base crypto model check proto quick/config quick/plan quick/diagnosis quick/monitor
cp -r "$tree" "$scratch/compiled"
compiled() {
	rm -rf "$tree"
	cp -r "$scratch/compiled" "$tree"
}
pure() { # pure accepts|refuses NAME [TEXT]
	code=0
	sh "$purity" "$tree" > "$scratch/out" 2>&1 || code=1
	if [ "$1" = refuses ]; then
		[ "$code" = 1 ] && grep -qF -- "$3" "$scratch/out" && code=0 || code=1
	fi
	ok "$code" "purity.sh $1 $2"
}
impure() { # impure NAME TEXT FOLDER HEADER EXPRESSION
	compiled
	file "src/$3/planted.c" "$4" 'long planted(void *p);' "long planted(void *p) { return (long)$5; }"
	compile "$3"
	archives
	pure refuses "$1" "$2"
}
compiled
archives
pure accepts "a clean tree"
impure "time(0) in proto" "pure proto calls time" proto '#include <time.h>' 'time(p)'
impure "clock_gettime in proto" "pure proto calls clock_gettime" proto '#include <time.h>' 'clock_gettime(1, p)'
impure "getrandom in crypto" "pure crypto calls getrandom" crypto '#include <sys/random.h>' 'getrandom(p, 3, 0)'
impure "open in model" "pure model calls open" model '#include <fcntl.h>' 'open(p, 0)'
impure "errno in proto" "pure proto calls __errno_location" proto '#include <errno.h>' 'errno'
impure "puts in base" "pure base calls puts" base '#include <stdio.h>' 'puts(p)'
impure "a socket in proto" "pure proto calls socket" proto '#include <sys/socket.h>' 'socket(2, 2, 0)'
impure "a weak reference in proto" "pure proto calls getpid" proto 'extern int getpid(void) __attribute__((weak));' \
	'(getpid ? getpid() : 0)'
impure "time in check" "pure check calls time" check '#include <time.h>' 'time(p)'
impure "getenv in quick/diagnosis" "pure quick/diagnosis calls getenv" quick/diagnosis '#include <stdlib.h>' 'getenv(p)'
impure "a clock in quick/monitor" "pure quick/monitor calls time" quick/monitor '#include <time.h>' 'time(p)'
impure "read in quick/config" "pure quick/config calls read" quick/config '#include <unistd.h>' 'read(0, p, 1)'
impure "getenv in quick/plan" "pure quick/plan calls getenv" quick/plan '#include <stdlib.h>' 'getenv(p)'
impure "a function of quick/host in quick/plan" "pure quick/plan calls host" quick/plan 'long host(void *p);' 'host(p)'
case $("$CC" -dumpmachine) in
x86_64*) impure "the time stamp counter in proto" "rdtsc" proto '' '__builtin_ia32_rdtsc()' ;;
esac
compiled
archives
rm "$tree/libproto.a"
pure refuses "a missing archive" "libproto.a: not there"

# ---- cycles.sh ----

clean
header proto/routes.h '#include "trie.h"'
file src/proto/routes.c '#include "routes.h"'
header proto/trie.h 'int trie(void);'
file src/proto/trie.c '#include "routes.h"'
refuses cycles.sh "two files that include each other's header" 'proto/trie'
clean
header proto/routes.h 'int routes(void);'
file src/proto/routes_print.c '#include "tunnel.h"' '#include "routes.h"'
file src/proto/routes.c '#include "routes.h"'
file src/proto/tunnel.c '#include "tunnel.h"' '#include "routes.h"'
accepts cycles.sh "a file that includes the module's public header"
header proto/tunnel.h '#include "tunnel_types.h"' 'int tunnel(void);'
header proto/tunnel_types.h 'struct tunnel { int n; };'
accepts cycles.sh "a public header that includes another"
header proto/noise.h '#include "routes.h"'
plant src/proto/routes_print.c '#include "noise.h"'
refuses cycles.sh "a part of a file in a cycle" 'proto/routes'
clean
plant src/quick/config/keys.c '#include "quick/plan/step.h"'
refuses cycles.sh "two folders that include each other" 'quick/plan'
clean
file src/proto/a.c 'int b(void);' 'int a(void);' 'int a(void) { return b(); }'
file src/proto/b.c 'int b(void);' 'int a(void);' 'int b(void) { return a(); }'
for source in a b; do
	"$CC" -O2 -c -o "$tree/src/proto/$source.o" "$tree/src/proto/$source.c"
done
accepts cycles.sh "calls in a circle when it sees no objects"
refuses cycles.sh "calls in a circle" 'by symbols' "$tree" "$tree"

# ---- references.sh ----

outside() { # outside NAME FILE LINE TEXT
	clean
	file "$2" "$3"
	refuses references.sh "$1" "$4"
}
outside "a folder outside in src" src/wg/key.c '/* reference/protocol.md 15 */' 'src/wg/key.c:1:/* reference/protocol'
outside "a folder outside in man" man/wg.8 '.\" reference/handshake-vectors.json' 'man/wg.8:1:'
outside "a folder outside in tests" tests/unit/x_test.c '/* ../shared/vectors */' 'x_test.c:1:'
outside "a document outside in contrib" contrib/x.sh '# trust.md 61' 'trust.md is not in the tree'
outside "a document outside by its title" completion/wg.bash '# see DESIGN section 3' 'wg.bash:1:'
outside "the number of an issue" README.md 'As issue 9 asks.' 'README.md:1:'
outside "a moved file" README.md 'The parser is src/quick/file.c.' 'src/quick/file.c is not in the tree'
outside "a link to a document that is not there" README.md '[more](contrib/doc/more.md)' 'contrib/doc/more.md is not'

# ---- terms.sh ----

# One term on each line. The words are cut in two, so that the lint accepts this file.
clean
for word in ro''om Ro''oms do''or cre''w hand''over pok''ed re''marks 'take ba''ck' 'tak''es back' to''ld 'by ha''nd' \
	besi''de 'of its o''wn' an''ew who''ever some''body 'goes aw''ay' 'comes u''p' sa''y_error gro''w_text \
	fil''es_read ru''n_find rt_op''en fau''lt_here record_op''en wis''h h''e a''side hea''rs forg''ets \
	default_fa''te find_ri''val of_the_pa''st 'of the pa''st' of_ne''ws is_re''st is_aw''ay firewall_fra''mes 'wa''ys to the endpoints' \
	pages_''new data_ro''om_free DOO''R; do
	plant src/wg/terms.c "/* The $word is here. */"
done
terms=$(sed -n '$=' "$tree/src/wg/terms.c")
sh "$here/terms.sh" "$tree" > "$scratch/terms" 2>&1 || :
for line in $(seq "$terms"); do
	code=0
	grep -q "^src/wg/terms.c:$line:" "$scratch/terms" || code=1
	sed -n "${line}p" "$tree/src/wg/terms.c" > "$scratch/out"
	ok "$code" "terms.sh refuses: $(sed 's/.*The \(.*\) is here.*/\1/' "$scratch/out")"
done
clean
file tests/cli/x.bats "# waits in the lobby by the do""or"
refuses terms.sh "such a word in tests" 'tests/cli/x.bats:1:'
clean
file src/wg/key.c '/* mushroom, headroom, indoors, besides, untold, the, histogram */' 'int index_grow_commit(int saying);'
accepts terms.sh "words that contain such words"

# ---- the others ----

clean
plant src/model/model.h 'struct needs_size { size_t n; };'
refuses headers.sh "a header that needs another first" 'does not compile alone'
clean
plant src/model/model.h 'struct twice { int n; };'
refuses headers.sh "a header that cannot be included twice" 'does not compile alone'

clean
yes 'A line.' | head -151 > "$tree/README.md"
refuses sizes.sh "a README of 151 lines" 'README.md: 151 lines'
clean
yes 'A line.' | head -121 > "$tree/contrib/HACKING.md"
refuses sizes.sh "a HACKING of 121 lines" 'contrib/HACKING.md: 121 lines'
clean
yes 'int x;' | head -601 > "$tree/src/wg/long.c"
refuses sizes.sh "a file of 601 lines" '601 lines'
clean
{ printf 'int f(void)\n{\n'; yes '	f();' | head -61; printf '}\n'; } > "$tree/src/wg/f.c"
refuses sizes.sh "a function of 61 lines" 'f has 61 lines'
file tests/lint/long-functions 'src/wg/f.c f because it is the exception of this test'
accepts sizes.sh "a function that is on the list"

for word in 'TODO: the rest' 'FIXME' 'a stub for now' 'not implemented'; do
	clean
	file src/wg/main.c "/* $word */"
	refuses words.sh "\"$word\"" main.c
done
clean
file src/quick/host/dns.c '/* reads /run/systemd/resolve/stub-resolv.conf */'
accepts words.sh "a stub resolver"

for check in '! true' '[ 1 = 2 ] && [[ 1 = 1 ]]' 'for i in 1; do
	[ 1 = 2 ] && [ 1 = 1 ]
done'; do
	clean
	file tests/cli/x.bats '@test "x" {' "	$check" '	true' '}'
	refuses checks.sh "\"$(echo $check)\" in the middle of a test" 'x.bats:'
done
clean
file tests/cli/x.bats '@test "x" {' '	[ 1 ] && [ 2 ] || false' '	[[ 1 = 2 && 3 = 3 ]]' '	cat <<-END' '	! true' '	END' '	! false' '}'
accepts checks.sh "statements that can fail"

statements() { # statements LINE…: the page
	clean
	file contrib/doc/other-software.md "$@"
	file tests/netns/other_x.bats '# [one] [two]' '@test "x" {' '	# [three]' '}'
}
statements '- One. <!-- other_x: one -->' '- Two' '  lines. <!-- other_x: two -->' '' '  code' '- Three. <!-- other_x: three -->'
accepts statements.sh "statements with a test"
statements '- One. <!-- other_x: one -->' '- Two.' '- Three. <!-- other_x: three -->'
refuses statements.sh "a statement without a test" 'other-software.md:2: no test is named'
statements '- One. <!-- other_x: one -->' '- Two. <!-- other_x: two -->' '- Three. <!-- other_x: three -->' '- Four. <!-- other_x: four -->'
refuses statements.sh "a test that does not exist" '[four] is not in tests/netns/other_x.bats'
statements '- One. <!-- other_x: one -->' '- Two. <!-- other_x: two -->'
refuses statements.sh "a test without a statement" '[three] is no statement'

clean
plant contrib/HACKING.md 'The route is chosen by `route()` in `src/quick/host/route.c`, which fills a `struct step`.' \
	'A test of host/route.c is src/MODULE/X_test.c; see quick/plan/up.c and [this file](HACKING.md).'
accepts documents.sh "names that exist"
document() { # document NAME TEXT TEXT_IN_THE_OUTPUT
	clean
	plant contrib/HACKING.md "$2"
	refuses documents.sh "$1" "contrib/HACKING.md:2: $3"
}
document "a path that does not exist" 'in `src/base/gone.c`' 'src/base/gone.c does not exist'
document "a path below src that does not exist" 'in `quick/plan/route.c`' 'quick/plan/route.c does not exist'
document "a file name that does not exist" 'in gone.h' 'gone.h does not exist'
document "a function that does not exist" 'calls `base_b()`' 'base_b() is no function'
document "a structure that does not exist" 'a `struct route`' 'struct route is defined nowhere'
document "a link to a file that does not exist" '[here](doc/gone.md)' 'doc/gone.md is a link to nothing'
document "a case that the adversary does not have" 'case `h99`' 'h99 is no case'
document "a mutant that does not exist" 'mutants `replay-*`' 'replay-* is no mutant'

releases() { # releases VERSION NEWS-LINE…
	clean
	file src/base/version.h "#define WGSUITE_VERSION \"$1\""
	shift
	file contrib/NEWS.md "# News" "" "$@"
}
releases 1.1 '## 1.1 (2026-01-02)' '- New.' '' '## 1.0 (2026-01-01)' '- All.'
accepts release.sh "a version with an entry in NEWS"
releases 1.2 '## 1.1 (2026-01-02)' '- New.'
refuses release.sh "a version without an entry in NEWS" 'expected `## 1.2 (YYYY-MM-DD)'
releases 1.1 '## 1.1' '- New.'
refuses release.sh "an entry without a date" 'expected `## 1.1 (YYYY-MM-DD)'
releases 1.1 '## 1.1 (2026-01-02)' '## 1.2 (2026-01-02)'
refuses release.sh "an entry of a later version below" 'not sorted by version: 1.1 1.2'
releases 1.1 '## 1.1 (2026-01-02)' '## 1.1 (2026-01-01)'
refuses release.sh "two entries of a version" 'not sorted by version: 1.1 1.1'
releases 1.1 '## 1.1 (2026-01-02)'
file contrib/key "untrusted comment: minisign encrypted secret key" "RWRTY0Iy"
refuses release.sh "a secret key" 'contrib/key: a secret key'

# ---- library.sh ----

# library NAME TEXT DECLARATION EXPRESSION: the library with a function that is planted in it. TEXT empty: accepted.
library() {
	mkdir -p "$tree/library"
	file src/lib/lib.c "$3" 'long wgproto_f(char *p);' 'int blake2s(int x);' 'int blake2s(int x) { return x; }' \
		"long wgproto_f(char *p) { return (long)$4 + blake2s(2); }"
	rm -f "$tree/libwgproto.a"
	"$CC" -O0 -fPIC ${5--fvisibility=hidden} -c -o "$tree/library/whole.o" "$tree/src/lib/lib.c"
	objcopy --localize-hidden --globalize-symbol=wgproto_f "$tree/library/whole.o" "$tree/library/libwgproto.o"
	ar rcs "$tree/libwgproto.a" "$tree/library/libwgproto.o"
	"$CC" -shared -o "$tree/libwgproto.so.0" "$tree/library/libwgproto.o"
	if [ -n "$2" ]; then
		refuses library.sh "$1" "$2" "$tree" "$tree"
	else
		accepts library.sh "$1" "$tree" "$tree"
	fi
}
clean
library "a clean library" "" '#include <string.h>' 'strlen(p)'
library "abort" "libwgproto calls abort" '#include <stdlib.h>' '(abort(), 1)'
library "exit" "libwgproto calls exit" '#include <stdlib.h>' '(exit(1), 1)'
library "assert of the system" "libwgproto calls __assert_fail" '#include <assert.h>' '({ assert(p); 1; })'
library "printf" "libwgproto calls printf" '#include <stdio.h>' 'printf(p, 1)'
library "perror" "libwgproto calls perror" '#include <stdio.h>' '(perror(p), 1)'
library "signal" "libwgproto calls signal" '#include <signal.h>' '(signal(3, SIG_IGN), 1)'
library "a clock" "libwgproto calls time" '#include <time.h>' 'time(0)'
library "a global name" "libwgproto.a defines blake2s" '#include <string.h>' 'strlen(p)' -fvisibility=default
library "a name that is exported" "libwgproto.so.0 defines blake2s" '#include <string.h>' 'strlen(p)' -fvisibility=default
library "a trap" "an instruction that ends the program" '' '(__builtin_trap(), 1)'

clean
cp "$here/all.sh" "$tree/tests/lint/"
rm "$tree/tests/lint/purity.sh"
file tests/lint/new.sh 'exit 0'
code=0
sh "$tree/tests/lint/all.sh" "$tree" > "$scratch/out" 2>&1 && grep -qx 'ok 1 - new' "$scratch/out" || code=1
ok "$code" "all.sh finds a new lint"
file tests/lint/new.sh 'echo src/x.c:1: refused' 'exit 1'
code=0
! sh "$tree/tests/lint/all.sh" "$tree" > "$scratch/out" 2>&1 && grep -qx 'not ok 1 - new' "$scratch/out" || code=1
ok "$code" "all.sh fails if a lint does"

clean
file src/wg/main.c 'int f(void)' '{ static_assert(N < 3, "there are few");' '	report_error("cannot open %s" PRIu64 " of "' '		     "two lines", 1);' '}'
sh "$here/messages.sh" "$tree" > "$scratch/out"
code=0
grep -qxF 'src/wg/main.c:3: cannot open %s%PRIu64 of two lines' "$scratch/out" || code=1
ok "$code" "messages.sh joins the parts of a message"
code=0
! grep -F 'few' "$scratch/out" || code=1
ok "$code" "messages.sh leaves out assertions"

echo "1..$n"
exit $failed
