#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the suite's root file system, without emulation (vm native): all that can be built, tray and
# tests with it, into build/, then the unit tests and the goldens. A warning is an error.
set -e
. /etc/os-release
echo "$PRETTY_NAME, $(cc --version | head -n 1)"
if [ ! -e build/build.ninja ]; then
    meson setup build -Dwerror=true -Dsystemd=enabled -Dcapture=enabled -Dseccomp=enabled -Ddesktop=enabled -Dtray=enabled -Dwindow=enabled -Dman=enabled >build.log 2>&1 || { cat build.log; rm -rf build; exit 1; }
fi
ninja -k 0 -C build >build.log 2>&1 || { grep -E -A 6 'warning:|error:|FAILED' build.log || tail -n 60 build.log; exit 1; }
grep -E -A 6 'warning:' build.log && exit 1
tests/run --only unit,golden >check.log 2>&1 || { grep -vE '^ok ' check.log | tail -n 60; exit 1; }
tail -n 1 check.log
