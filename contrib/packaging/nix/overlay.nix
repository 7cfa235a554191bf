# Not built, see default.nix. nixpkgs.overlays = [ (import ./overlay.nix) ]; then networking.wg-quick of NixOS uses wgsuite.
final: prev: {
  wgsuite = final.callPackage ./default.nix { };
  wireguard-tools = final.wgsuite;
}
