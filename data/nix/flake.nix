# SPDX-License-Identifier: GPL-2.0-or-later
# In a checkout: nix build ./data/nix#via-iface (a flake of a subdirectory reads the whole repository).
{
  description = "Run a program on a network uplink of your choice";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "aarch64-linux"
        "x86_64-linux"
      ];
      each = nixpkgs.lib.genAttrs systems;
    in
    {
      packages = each (system: rec {
        via-iface = nixpkgs.legacyPackages.${system}.callPackage ./package.nix { };
        default = via-iface;
      });
      nixosModules.default = ./module.nix;
    };
}
