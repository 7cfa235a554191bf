# Not built: evaluated with Debian's nix, with stand-ins for nixpkgs (tests/cli/recipes.bats).
# nix-build -E 'with import <nixpkgs> { }; callPackage ./contrib/packaging/nix { }'; overlay.nix replaces wireguard-tools in NixOS.
{ lib, stdenv, pkg-config, iniparser, libcap, libmnl, libnl, libseccomp, patchelf
, libpng, ncurses, nftables, qrencode, systemd }:

let
  versionOf = name:
    builtins.head (builtins.match ".*#define ${name} \"([^\"]+)\".*" (builtins.readFile ../../../src/base/version.h));
  # Loaded when they are needed: no program is linked with them.
  loaded = [ libpng ncurses nftables qrencode systemd ];
in
stdenv.mkDerivation {
  pname = "wgsuite";
  version = versionOf "WGSUITE_VERSION";
  src = ../../..;

  nativeBuildInputs = [ pkg-config patchelf ];
  buildInputs = [ iniparser libcap libmnl libnl libseccomp ];

  enableParallelBuilding = true;
  makeFlags = [ "PREFIX=$(out)" "RUNSTATEDIR=/run" "SYSTEMDUNITDIR=$(out)/lib/systemd/system"
    "ZSHCOMPDIR=$(out)/share/zsh/site-functions" ];
  # The programs read /etc/wireguard, which is not in the store.
  buildFlags = [ "all" "SYSCONFDIR=/etc" ];
  installFlags = [ "SYSCONFDIR=$(out)/etc" ];
  postInstall = "rm -r $out/etc";
  postFixup = ''
    for program in $out/bin/wg $out/bin/wg-quick; do
      patchelf --add-rpath ${lib.makeLibraryPath loaded} $program
    done
  '';

  passthru.compatibleVersion = versionOf "WGSUITE_COMPATIBLE_VERSION";
  meta = {
    description = "WireGuard suite: wg, wg-quick and wireguardd";
    homepage = builtins.head (builtins.match ".*\nurl = ([^\n]+).*" (builtins.readFile ../maintainer));
    license = lib.licenses.mit;
    platforms = lib.platforms.linux;
    mainProgram = "wg";
  };
}
