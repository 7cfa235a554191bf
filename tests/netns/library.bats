#!/usr/bin/env bats
# libwgproto as another program uses it: `make install-lib` into a folder, and nothing but what pkg-config says of that. The
# example answers the pings of wireguardd.
load ../lib/netns

setup_file() {
	export LIB_ROOT="$BATS_FILE_TMPDIR/root"
	make -s -C "$BATS_TEST_DIRNAME/../.." O="${WGSUITE_BUILD:-build}" install-lib DESTDIR="$LIB_ROOT" PREFIX=/usr/local
}
setup() {
	net_begin
	root=$BATS_TEST_DIRNAME/../..
	export PKG_CONFIG_SYSROOT_DIR=$LIB_ROOT PKG_CONFIG_LIBDIR=$LIB_ROOT/usr/local/lib/pkgconfig
	flags=$(pkg-config --cflags --libs libwgproto)
}
teardown() { net_end; }

strict="-std=c11 -Wall -Wextra -Werror -pedantic -D_GNU_SOURCE"

@test "install-lib installs the header, both libraries, the manual page and the file of pkg-config" {
	cd "$LIB_ROOT/usr/local"
	[ "$(find . ! -type d -printf '%P %m %l\n' | sort)" = "include/wgproto.h 644 
lib/libwgproto.a 644 
lib/libwgproto.so 777 libwgproto.so.0
lib/libwgproto.so.0 777 libwgproto.so.0.1
lib/libwgproto.so.0.1 755 
lib/pkgconfig/libwgproto.pc 644 
share/man/man3/wgproto.3 644 " ]
	[ "$(pkg-config --modversion libwgproto)" = "$(sed -n 's/^#define WGSUITE_VERSION "\(.*\)"/\1/p' "$root/src/base/version.h")" ]
	[ "$(find "$LIB_ROOT" ! -type d | wc -l)" -eq 7 ]
}

@test "programs in C and C++ that have names of the library's inside link with either library" {
	cat > "$NET_DIR/clash.c" <<-'END'
		#include <wgproto.h>
		#include <stdio.h>
		int blake2s_init(void) { return 1; }
		int session_new(void) { return 2; }
		int tunnel_new(void) { return 3; }
		int main(void)
		{
			printf("%s %u\n", wgproto_version(), wgproto_api_version() + blake2s_init() + session_new() + tunnel_new());
			return wgproto_up(0, 0) != WGPROTO_INVALID;
		}
	END
	cp "$NET_DIR/clash.c" "$NET_DIR/clash.cc"
	gcc ${strict/c11/c99} -fsyntax-only -x c -include wgproto.h $flags /dev/null
	gcc $strict -o "$NET_DIR/shared" "$NET_DIR/clash.c" $flags
	g++ -Wall -Wextra -Werror -o "$NET_DIR/shared++" "$NET_DIR/clash.cc" $flags
	gcc $strict -static -o "$NET_DIR/static" "$NET_DIR/clash.c" $(pkg-config --static --cflags --libs libwgproto)
	readelf -d "$NET_DIR/shared" | grep -q 'NEEDED.*\[libwgproto.so.0\]'
	for program in shared shared++ static; do
		[ "$(LD_LIBRARY_PATH=$LIB_ROOT/usr/local/lib "$NET_DIR/$program")" = "$(pkg-config --modversion libwgproto) 7" ]
	done
}

@test "the example answers pings through the tunnel" {
	[ "$(wc -l < "$root/contrib/example/pong.c")" -le 150 ]
	gcc $strict -O1 -o "$NET_DIR/pong" "$root/contrib/example/pong.c" $flags
	host a b
	wire a veth0 192.0.2.1/24 b veth0 192.0.2.2/24
	on a wg genkey > "$NET_DIR/a.key"
	on b wg genkey > "$NET_DIR/b.key"
	on_bg b env LD_LIBRARY_PATH="$LIB_ROOT/usr/local/lib" sh -c 'exec "$0" "$@" < "'"$NET_DIR/b.key"'"' \
		"$NET_DIR/pong" 51820 10.0.0.2 "$(on a wg pubkey < "$NET_DIR/a.key")"
	on a wireguardd wg0
	on a wg set wg0 private-key "$NET_DIR/a.key" peer "$(on a wg pubkey < "$NET_DIR/b.key")" endpoint 192.0.2.2:51820 allowed-ips 10.0.0.2/31
	on a ip link set wg0 up
	on a ip address add 10.0.0.1/24 dev wg0
	in_net a ping -c 20 -i 0.01 -W 30 -s 1000 10.0.0.2 | grep -q ' 20 received'
	[ "$(on a wg show wg0 latest-handshakes | awk '$2 > 0' | wc -l)" -eq 1 ]
	run -1 in_net a ping -c 1 -W 0.3 10.0.0.3 # allowed, but not its address
	in_net a ping -c 1 -W 30 10.0.0.2 | grep -q ' 1 received'
}
