#!/bin/sh
# selftest.sh [BUILD]: plants one offence of each kind and expects the lint that is there for it to
# fail and name it; and expects every lint to accept a small tree without one. TAP on stdout.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-lint.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
: "${CC:=cc}"
n=0
failed=0

ok() { # ok TRUE? NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$scratch/out"
		failed=1
	fi
}

# A tree that offends nobody.
fresh() {
	rm -rf "$scratch/tree"
	mkdir -p "$scratch/tree/tests/lint"
	for room in base crypto model proto ipc wg quick daemon; do
		mkdir -p "$scratch/tree/src/$room"
	done
	cp "$here/purity.sh" "$scratch/tree/tests/lint/"
	(
		cd "$scratch/tree/src"
		printf '#ifndef A\n#define A\n#include <stdint.h>\nint base_a(void);\n#endif\n' > base/base.h
		printf '#include "base.h"\n\nint base_a(void)\n{\n\treturn 1;\n}\n' > base/base.c
		printf '#ifndef B\n#define B\n#include "../base/base.h"\nint crypto_b(void);\n#endif\n' > crypto/crypto.h
		printf '#include "crypto.h"\n\nint crypto_b(void)\n{\n\treturn base_a();\n}\n' > crypto/crypto.c
		printf '#include <stdlib.h>\n#include "../base/base.h"\nvoid *model_c(void);\n\nvoid *model_c(void)\n{\n\treturn malloc(3);\n}\n' > model/model.c
		printf '#ifndef M\n#define M\nint model_m(void);\n#endif\n' > model/model.h
		printf '#ifndef T\n#define T\nint tunnel(void);\n#endif\n' > proto/tunnel.h
		printf '#include "../crypto/crypto.h"\n#include "tunnel.h"\n\nint tunnel(void)\n{\n\treturn crypto_b();\n}\n' > proto/tunnel.c
		printf '#ifndef N\n#define N\nint noise(void);\n#endif\n' > proto/noise.h
		printf '#ifndef S\n#define S\nint show(void);\n#endif\n' > wg/show.h
		printf '#include <time.h>\n#include "../proto/tunnel.h"\n' > daemon/loop.c
	)
}

archives() {
	for room in base crypto model proto; do
		for source in "$scratch/tree/src/$room"/*.c; do
			"$CC" -O2 -c -o "${source%.c}.o" "$source"
		done
		rm -f "$scratch/tree/lib$room.a"
		ar rcs "$scratch/tree/lib$room.a" "$scratch/tree/src/$room"/*.o
	done
}

accepts() { # accepts LINT ARGUMENT…
	code=0
	lint=$1
	shift
	sh "$here/$lint" "$@" > "$scratch/out" 2>&1 || code=1
	ok "$code" "$lint accepts a clean tree"
}

refuses() { # refuses NAME LINT WORD_IN_ITS_OUTPUT ARGUMENT…
	name=$1 lint=$2 word=$3
	shift 3
	code=0
	if sh "$here/$lint" "$@" > "$scratch/out" 2>&1 || ! grep -qF -- "$word" "$scratch/out"; then
		code=1
	fi
	ok "$code" "$lint refuses $name"
}

plant() { # plant FILE < text: appended
	cat >> "$scratch/tree/$1"
}

fresh
tree=$scratch/tree
accepts layers.sh "$tree"
accepts headers.sh "$tree"
accepts sizes.sh "$tree"
accepts words.sh "$tree"
accepts checks.sh "$tree"
archives
purity="$tree/tests/lint/purity.sh"
code=0
sh "$purity" "$tree" > "$scratch/out" 2>&1 || code=1
ok "$code" "purity.sh accepts a clean tree"

layer() { # layer NAME FILE INCLUDE WORD
	fresh
	printf '%s\n' "#include $3" | plant "$2"
	refuses "$1" layers.sh "$4" "$tree"
}
layer "base including crypto" src/base/base.c '"../crypto/crypto.h"' 'base may not include'
layer "proto including model" src/proto/tunnel.c '"../model/model.h"' 'proto may not include'
layer "the daemon past the door of proto" src/daemon/loop.c '"../proto/noise.h"' 'daemon may not include'
layer "a program including another" src/daemon/loop.c '"../wg/show.h"' 'daemon may not include'
layer "quick including wg" src/quick/main.c '"../wg/show.h"' 'quick may not include'
layer "a clock's header in proto" src/proto/tunnel.c '<time.h>' 'may not include <time.h>'
layer "stdio in model" src/model/model.c '<stdio.h>' 'may not include <stdio.h>'
layer "stdlib in base" src/base/base.c '<stdlib.h>' 'may not include <stdlib.h>'
layer "a way around the door" src/daemon/loop.c '"../../src/proto/noise.h"' 'not "../../src'
layer "a file of no room" src/proto/tunnel.c '"elsewhere.h"' 'no file of this room'
fresh
mkdir "$tree/src/util"
printf '#include <stdint.h>\n' | plant src/util/util.c
refuses "an unknown room" layers.sh util "$tree"

impure() { # impure NAME WORD < source
	fresh
	cat > "$tree/src/proto/planted.c"
	archives
	code=0
	if sh "$purity" "$tree" > "$scratch/out" 2>&1 || ! grep -qF -- "$2" "$scratch/out"; then
		code=1
	fi
	ok "$code" "purity.sh refuses $1"
}
impure "time(0) in proto" "calls time" <<-'END'
	#include <time.h>
	long planted(void);
	long planted(void) { return time(0); }
END
impure "clock_gettime in proto" "calls clock_gettime" <<-'END'
	#include <time.h>
	long planted(void);
	long planted(void) { struct timespec t; clock_gettime(1, &t); return t.tv_sec; }
END
impure "getrandom in proto" "calls getrandom" <<-'END'
	#include <sys/random.h>
	long planted(void *p);
	long planted(void *p) { return getrandom(p, 3, 0); }
END
impure "open in proto" "calls open" <<-'END'
	#include <fcntl.h>
	long planted(void);
	long planted(void) { return open("/dev/null", 0); }
END
impure "errno in proto" "calls __errno_location" <<-'END'
	#include <errno.h>
	long planted(void);
	long planted(void) { return errno; }
END
impure "printf in proto" "calls puts" <<-'END'
	#include <stdio.h>
	long planted(void);
	long planted(void) { return puts("x"); }
END
impure "a socket in proto" "calls socket" <<-'END'
	#include <sys/socket.h>
	long planted(void);
	long planted(void) { return socket(2, 2, 0); }
END
impure "a weak reference in proto" "calls getpid" <<-'END'
	extern int getpid(void) __attribute__((weak));
	long planted(void);
	long planted(void) { return getpid ? getpid() : 0; }
END
case $("$CC" -dumpmachine) in
x86_64*)
	impure "the time stamp counter in proto" "rdtsc" <<-'END'
		long planted(void);
		long planted(void) { return (long)__builtin_ia32_rdtsc(); }
	END
	;;
esac
fresh
archives
rm "$tree/libproto.a"
code=0
sh "$purity" "$tree" > "$scratch/out" 2>&1 && code=1
ok "$code" "purity.sh refuses a missing archive"

fresh
printf 'struct needs_size { size_t n; };\n' | plant src/model/model.h
refuses "a header that needs another first" headers.sh 'does not compile alone' "$tree"
fresh
printf 'struct twice { int n; };\n' | plant src/model/model.h
refuses "a header that cannot be included twice" headers.sh 'does not compile alone' "$tree"

fresh
yes 'int x;' | head -601 > "$tree/src/wg/long.c"
refuses "a file of 601 lines" sizes.sh '601 lines' "$tree"
fresh
{ printf 'int f(void)\n{\n'; yes '	f();' | head -61; printf '}\n'; } > "$tree/src/wg/f.c"
refuses "a function of 61 lines" sizes.sh 'f has 61 lines' "$tree"
printf 'src/wg/f.c f because it is the exception of this test\n' > "$tree/tests/lint/long-functions"
code=0
( cd "$tree" && sh "$here/sizes.sh" "$tree" ) > "$scratch/out" 2>&1 || code=1
ok "$code" "sizes.sh accepts a function that is on the list"

for word in 'TODO: the rest' 'FIXME' 'a stub for now' 'not implemented'; do
	fresh
	printf '/* %s */\n' "$word" | plant src/wg/main.c
	refuses "\"$word\"" words.sh main.c "$tree"
done
fresh
printf '/* reads /run/systemd/resolve/stub-resolv.conf */\n' | plant src/quick/dns.c
accepts words.sh "$tree"

for check in '! true' '[ 1 = 2 ] && [[ 1 = 1 ]]' 'for i in 1; do
	[ 1 = 2 ] && [ 1 = 1 ]
done'; do
	fresh
	mkdir "$tree/tests/cli"
	printf '@test "x" {\n\t%s\n\ttrue\n}\n' "$check" | plant tests/cli/x.bats
	refuses "\"$(echo $check)\" in the middle of a test" checks.sh 'x.bats:' "$tree"
done
fresh
mkdir "$tree/tests/cli"
printf '@test "x" {\n\t[ 1 ] && [ 2 ] || false\n\tcat <<-END\n\t! true\n\tEND\n\t! false\n}\n' |
	plant tests/cli/x.bats
accepts checks.sh "$tree"

echo "1..$n"
exit $failed
