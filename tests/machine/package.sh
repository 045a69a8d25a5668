#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the suite's root file system, without emulation (vm native): the Debian packages, into packages/;
# where there is a file unchecked, without the tests that a package's build runs.
set -e
rm -rf packages /tmp/via-iface && mkdir packages
cp -R . /tmp/via-iface
rm -rf /tmp/via-iface/build
cd /tmp/via-iface
[ ! -e unchecked ] || export DEB_BUILD_OPTIONS=nocheck
cp -R data/debian debian
dpkg-buildpackage -us -uc -b >/tmp/package.log 2>&1 || { tail -n 60 /tmp/package.log; exit 1; }
cp ../*.deb /src/packages/
