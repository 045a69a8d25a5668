# SPDX-License-Identifier: GPL-2.0-or-later
# For callPackage. A store holds no file capabilities: with `enter`, the path of a wrapper that has
# one (module.nix), via-iface-enter is a link to it, and the wrapper execs what is beside the link.
{
  lib,
  stdenv,
  cmocka,
  gettext,
  glib,
  gtk4,
  inih,
  json_c,
  libadwaita,
  libcap_ng,
  libmnl,
  libnftnl,
  libpcap,
  libseccomp,
  meson,
  ninja,
  pkg-config,
  scdoc,
  systemd,
  wrapGAppsHook3,
  enter ? null,
  withTray ? true,
}:
stdenv.mkDerivation {
  pname = "via-iface";
  version = builtins.head (
    builtins.match ".*\n  version: '([^']+)'.*" (builtins.readFile ../../meson.build)
  );
  src = lib.cleanSource ../..;

  nativeBuildInputs = [
    gettext
    meson
    ninja
    pkg-config
    scdoc
  ]
  ++ lib.optional withTray wrapGAppsHook3;
  buildInputs = [
    glib
    inih
    json_c
    libadwaita
    libcap_ng
    libmnl
    libnftnl
    libpcap
    libseccomp
    systemd
  ]
  ++ lib.optionals withTray [
    gtk4
  ];
  checkInputs = [ cmocka ];
  doCheck = true;

  # What the administrator changes is in /etc; what comes along is below share/.
  mesonFlags = [
    "--libexecdir=libexec"
    "--sysconfdir=/etc"
    "-Dfirewalld=disabled"
    "-Dstatic_enter=false"
    (lib.mesonEnable "tray" withTray)
  ];
  postPatch = ''
    patchShebangs data/post-install
  '';
  preInstall = ''
    export DESTDIR=$NIX_BUILD_TOP/image
  '';
  postInstall = ''
    mkdir -p $out
    cp -R $DESTDIR$out/. $out/
    cp -R $DESTDIR/etc $out/etc
    unset DESTDIR
  ''
  + lib.optionalString (enter != null) ''
    mv $out/libexec/via-iface/via-iface-enter $out/libexec/via-iface/via-iface-enter.unwrapped
    ln -s ${enter} $out/libexec/via-iface/via-iface-enter
  '';

  meta = {
    description = "Run a program on a network uplink of your choice";
    homepage = "https://via-iface.org/";
    license = lib.licenses.gpl2Plus;
    mainProgram = "via-iface";
    platforms = lib.platforms.linux;
  };
}
