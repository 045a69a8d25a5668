# SPDX-License-Identifier: GPL-2.0-or-later
# services.via-iface.enable = true;
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.via-iface;
  package = cfg.package.override { enter = "${config.security.wrapperDir}/via-iface-enter"; };
in
{
  options.services.via-iface = {
    enable = lib.mkEnableOption "via-iface, which runs programs on a network uplink of their own";
    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The package; its argument `enter` is set here.";
    };
    accessPolicy = lib.mkOption {
      type = lib.types.nullOr lib.types.lines;
      default = null;
      description = "Who may use which uplink, via-iface-access.conf(5); null: as the package has it.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ package ];
    environment.etc."via-iface/access.conf" =
      if cfg.accessPolicy == null then
        { source = "${package}/etc/via-iface/access.conf"; }
      else
        { text = cfg.accessPolicy; };
    security.wrappers.via-iface-enter = {
      source = "${package}/libexec/via-iface/via-iface-enter.unwrapped";
      owner = "root";
      group = "root";
      capabilities = "cap_sys_admin=p";
    };
    services.udev.packages = [ package ];
    systemd.packages = [ package ];
    systemd.sockets.via-iface.wantedBy = [ "sockets.target" ];
    systemd.tmpfiles.packages = [ package ];
    users.groups.netdev = { };
  };
}
