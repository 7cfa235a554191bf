#!/usr/bin/env bats
# Builds with other compilers, C libraries and kernel headers than those of this machine, and tests of the programs that
# result: on one day with what is older than on this machine, on the next with what is newer, musl, and 32 bits. The releases of
# Debian are made by tests/lib/get-releases.sh, which knows these days.
load ../lib/releases
. "$BATS_TEST_DIRNAME/../lib/days.bash"

# works BUILD [BATS_ARGUMENT…]: the programs of the folder pass these tests.
works() {
	local build=$1 tap
	shift
	tap=$(cd "$root" && WGSUITE_BUILD="$build" bats --tap "$@" 2>&1) || { echo "$tap"; return 1; }
	! grep '# skip' <<< "$tap" || skip "a test of the programs: $(grep -m 1 -o '# skip.*' <<< "$tap")"
}

# sample N: of the lines of standard input, one of N, others on each day of musl; with WGSUITE_COMPLETE=yes all.
sample() {
	local day=${WGSUITE_DAY:-$(($(date +%s) / 86400))}
	awk -v n="$1" -v day="$((day / 4))" -v all="${WGSUITE_COMPLETE-}" 'all == "yes" || NR % n == day % n'
}

fail() {
	echo "$*" >&2
	return 1
}

bullseye() {
	on_day 0 2
	make_in bullseye O=/out/gcc CC=gcc-10 OPT=-O0 CFLAGS=-g0 all
}

@test "Debian 11: gcc 10, glibc 2.31 (-ldl), kernel headers 5.10, libnl 3.4; the programs start" {
	bullseye
	for program in wg wg-quick wireguardd; do
		[[ $(in_release bullseye /out/gcc/$program --version) == *v[0-9]* ]]
	done
}

@test "Debian 11: systemd 247 accepts the units, and starts, reloads and stops tunnels" {
	bullseye
	WGSUITE_SYSTEM=$releases/bullseye works "$out/bullseye/gcc" tests/netns/systemd_slow.bats -f 'units|enable'
}

# No release of Debian has these headers: what Linux 5.5 to 5.10 added is removed from those of Debian 11. Pure modules and
# folders include none of them (tests/lint/layers.sh).
@test "kernel headers as of Linux 5.4" {
	on_day 0 2
	PREPARE='mount -t tmpfs tmpfs "$release/mnt"
		mkdir "$release/mnt/upper" "$release/mnt/work"
		mount -t overlay -o "lowerdir=$release/usr/include,upperdir=$release/mnt/upper,workdir=$release/mnt/work" overlay "$release/usr/include"
		sh "$sources/tests/build/headers_5.4.sh" "$release/usr/include"' \
		make_in bullseye O=/out/headers-5.4 CC=gcc-10 CFLAGS=-fsyntax-only \
		$(cd "$root" && find src -name '*.c' | grep -vE '^src/(base|crypto|model|check|proto|quick/(config|plan|diagnosis|journal|command))/' |
			sed 's|^|/out/headers-5.4/|; s|c$|o|')
}

# Debian 13: gcc 14, glibc 2.41, kernel headers 6.12, _FORTIFY_SOURCE=3; static programs run anywhere, also alone in a container.
debian_13() {
	local gcc="CC=gcc-14 OPT=-O1 CPPFLAGS=-D_FORTIFY_SOURCE=3" static=$out/trixie/tar/static
	make_in trixie O=/out/tar/static $gcc CFLAGS=-g0 LDFLAGS=-static-pie PREFIX=/usr/local all
	# What does not depend on static linking is not compiled again for programs with libraries.
	rm -rf "$out/trixie/gcc"
	cp -a "$static" "$out/trixie/gcc"
	rm "$out"/trixie/gcc/{wg,wg-quick,wireguardd} $(cd "$root" && grep -lrE 'WGSUITE_STATIC|dlopen_note|BINDIR' src --include='*.c' |
		sed "s|^|$out/trixie/gcc/|; s|c\$|o|")
	make_in trixie O=/out/gcc $gcc CFLAGS=-g0 all
	nm -D "$out/trixie/gcc/wg-quick" | grep -q _chk
	[[ $(in_release trixie /out/gcc/wg --version) == *v[0-9]* ]]
	tarball "$out/trixie/tar"
	works "$static" tests/cli/wg_conf.bats tests/netns/daemon_link.bats tests/netns/container_slow.bats
}

# tarball FOLDER: make dist-static packs what was built there, the same bytes each time; the programs need no loader.
tarball() {
	local name machine files
	machine=$(gcc -dumpmachine)
	name=wgsuite-$(sh "$root/contrib/packaging/version.sh")-${machine%%-*}-static
	make -s -C "$root" CC=gcc O="$1" dist-static
	mv "$1/dist/$name.tar.gz" "$1/first.tar.gz"
	(umask 077 && TZ=Asia/Tokyo make -s -C "$root" CC=gcc O="$1" dist-static)
	cmp "$1/first.tar.gz" "$1/dist/$name.tar.gz"
	rm -rf "$1/unpacked"
	mkdir "$1/unpacked"
	tar -xzf "$1/first.tar.gz" -C "$1/unpacked"
	[ "$(readelf -l "$1/unpacked/$name/bin/"* | grep -c INTERP)" -eq 0 ]
	[ "$(tar -tvzf "$1/first.tar.gz" | awk '{ print $2 }' | sort -u)" = 0/0 ]
	files=$(cd "$1/unpacked/$name" && find . -type f)
	for file in README COPYING bin/wg bin/wg-quick bin/wireguardd share/man/man8/wg.8 share/man/man7/wgsuite.7 lib/systemd/system/wg-quick@.service \
		share/bash-completion/completions/wg-quick share/zsh/site-functions/_wg share/fish/vendor_completions.d/wg.fish; do
		grep -qx "./$file" <<< "$files"
	done
	grep -q /usr/local/bin/wg-quick "$1/unpacked/$name/lib/systemd/system/wg-quick@.service"
	# What needs a library says so.
	printf '[Interface]\nPrivateKey = oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=\nAddress = 10.8.0.2/24\n' > "$1/phone.conf"
	run -1 "$1/unpacked/$name/bin/wg-quick" qr -o "$1/phone.svg" "$1/phone.conf"
	[[ $output == *"cannot make a QR code: libqrencode cannot be loaded by a static program"* ]]
}

@test "Debian 13: the parser of AppArmor 4 accepts the profiles" {
	parse() { in_release trixie /usr/sbin/apparmor_parser -Q -K -T "$@"; }
	for profile in wg wg-quick wg-quick-run wireguardd; do
		parse "/wgsuite/contrib/apparmor/$profile"
	done
	# It knows the rule that lets an ordinary user have a user namespace, and would not accept another word.
	mkdir -p "$out/trixie"
	sed 's/userns,/usersns,/' "$root/contrib/apparmor/wg-quick-run" > "$out/trixie/profile"
	grep -q "usersns," "$out/trixie/profile"
	run ! parse /out/profile
}

# Static programs with musl. The libraries are Debian's, built for glibc: tests/build/glibc_symbols.c has what they miss.
musl() {
	in_release trixie sh -eu -c 'm=/out/musl-headers
		mkdir -p $m/sys /out/musl-lib
		cd /usr/include
		ln -sfn $PWD/linux $PWD/asm-generic $PWD/libmnl $PWD/iniparser $PWD/seccomp.h $PWD/seccomp-syscalls.h \
			$PWD/libnl3/netlink $PWD/x86_64-linux-gnu/asm $m/
		ln -sfn $PWD/sys/capability.h $m/sys/
		cd /usr/lib/x86_64-linux-gnu
		for l in mnl nl-3 nl-route-3 iniparser cap seccomp; do ln -sfn $PWD/lib$l.a /out/musl-lib/; done
		musl-gcc -D_GNU_SOURCE -c -o /out/glibc_symbols.o /wgsuite/tests/build/glibc_symbols.c'
	cp /usr/include/cmocka.h "$out/trixie/musl-headers/"
	in_release trixie musl-gcc -idirafter /out/musl-headers -c -o /out/cmocka_musl.o /wgsuite/tests/build/cmocka_musl.c
	local units=$(cd "$root" && find tests/unit -name '*_test.c' | sort | sed 's/\.c$//' | sample 16)
	make_in trixie O=/out/musl CC=musl-gcc OPT=-O0 CFLAGS=-g0 PKG_CONFIG=false CPPFLAGS="-idirafter /out/musl-headers" \
		LDFLAGS="-static -L/out/musl-lib" LIBS=/out/glibc_symbols.o cmocka=/out/cmocka_musl.o all $(printf '/out/musl/%s ' $units)
	for unit in $units; do
		(cd "$root" && sh tests/lib/box.sh "$out/trixie/musl/$unit") || fail "$unit"
	done
	# Those without texts of strerror(3), which are others.
	works "$out/trixie/musl" $(printf 'tests/cli/%s.bats\n' check quick_graph wg_completion wg_json wg_key wg_names wg_show_settings wg_usage | sample 4)
	works "$out/trixie/musl" tests/netns/daemon_link.bats -f 'flags|moved|disabled'
	works "$out/trixie/musl" tests/netns/lifecycle.bats -f 'restore|killed'
}

@test "Debian 13: the programs pass tests" {
	on_day 1 4
	debian_13
}

@test "musl: the programs pass tests" {
	on_day 3 4
	musl
}

@test "32-bit: programs for i386 pass tests of checksums, the system call filter and the daemon" {
	on_day 1 2
	command -v i686-linux-gnu-gcc > /dev/null || skip "no i686-linux-gnu-gcc"
	[ -d "$releases/i386" ] || skip "no libraries for i386"
	local i=$releases/i386 usr=$releases/i386/usr units
	units="tests/unit/daemon/io/checksum_test tests/unit/daemon/process/sandbox_test tests/unit/daemon/process/descriptors_test"
	make -s -C "$root" -j"$(nproc)" O="$out/i386" CC=i686-linux-gnu-gcc AR=i686-linux-gnu-ar OPT=-O0 WERROR=1 PKG_CONFIG=false \
		CPPFLAGS="-isystem $usr/include -isystem $usr/include/libnl3" CFLAGS="-g0 -Wno-psabi" cmocka="$usr/lib/i386-linux-gnu/libcmocka.so" \
		LDFLAGS="-L$usr/lib/i386-linux-gnu -L$i/lib/i386-linux-gnu -Wl,-dynamic-linker,/usr/i686-linux-gnu/lib/ld-linux.so.2 \
			-Wl,-rpath,/usr/i686-linux-gnu/lib:$usr/lib/i386-linux-gnu:$i/lib/i386-linux-gnu" \
		"$out/i386/wg" "$out/i386/wireguardd" $(printf "$out/i386/%s " $units)
	# 126: the kernel was built without CONFIG_IA32_EMULATION. An emulator has no filters of system calls, and no network.
	local code=0
	"$out/i386/wg" --version > /dev/null 2>&1 || code=$?
	if [ "$code" = 126 ]; then
		qemu-i386-static "$out/i386/tests/unit/daemon/io/checksum_test"
		[[ $(qemu-i386-static "$out/i386/wg" --version) == *v[0-9]* ]]
		skip "this kernel does not run 32-bit programs; in an emulator, the test of checksums passed"
	fi
	for unit in $units; do "$out/i386/$unit"; done
	works "$out/i386" tests/netns/daemon_link.bats
}
