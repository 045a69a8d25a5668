#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the suite's root file system, without emulation (vm native): the programs, into build/. A
# warning is an error.
set -e
[ -e build/build.ninja ] || meson setup build -Dwerror=true -Dtests=false -Dtray=disabled >build.log 2>&1 || { cat build.log; exit 1; }
ninja -C build >build.log 2>&1 || { tail -n 60 build.log; exit 1; }
