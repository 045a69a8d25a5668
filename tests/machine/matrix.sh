#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In the suite's root file system (tests/machine/suites --matrix): the tree by each compiler, and
# without each thing that it can do without; every warning is an error, and each build runs its unit
# tests. One line for each; the last one is the sum.
set -u
. /etc/os-release
echo "# $PRETTY_NAME, $(gcc --version | head -n 1), $(clang --version | head -n 1)"
passed=0 failed=0
all=(-Dsystemd=enabled -Dcapture=enabled -Dseccomp=enabled -Ddesktop=enabled -Dtray=enabled -Dwindow=enabled -Dman=enabled -Dopenrc=true -Dapparmor=true)

row() { # NAME COMPILER OPTION...
    local name=$1 compiler=$2 rc sum; shift 2
    rm -rf row
    if CC=$compiler meson setup row -Dwerror=true "${all[@]}" "$@" >row.log 2>&1 && ninja -k 0 -C row >row.log 2>&1 && ! grep -E -A 6 'warning:' row.log; then
        VIA_BUILD=$PWD/row tests/run --only unit,golden >row.log 2>&1; rc=$?
        sum=$(tail -n 1 row.log)
    else
        rc=1 sum='does not build'
    fi
    if [ $rc = 0 ]; then
        passed=$((passed + 1)); echo "ok $name: $sum"
    else
        failed=$((failed + 1)); echo "not ok $name: $sum"
        grep -vE '^ok |^\[[0-9]+/' row.log | tail -n 30 | sed 's/^/#   /'
    fi
}

command -v ccache >/dev/null && export CCACHE_DIR=$PWD/.ccache
row gcc gcc
row clang clang
row 'clang, optimized (-O3), no debugging' clang -Dbuildtype=release
row 'without libsystemd' gcc -Dsystemd=disabled
row 'without libseccomp' gcc -Dseccomp=disabled
row 'without libpcap' gcc -Dcapture=disabled
row 'without GLib' gcc -Ddesktop=disabled -Dtray=disabled -Dwindow=disabled
row 'without the tray' gcc -Dtray=disabled -Dwindow=disabled
row 'without GTK and libadwaita' gcc -Dwindow=disabled
row 'without scdoc' gcc -Dman=disabled
row 'launch linked dynamically' gcc -Dstatic_enter=false
row 'without all of these' gcc -Dsystemd=disabled -Dcapture=disabled -Dseccomp=disabled -Ddesktop=disabled -Dtray=disabled -Dwindow=disabled -Dman=disabled -Dstatic_enter=false -Dopenrc=false -Dapparmor=false
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
