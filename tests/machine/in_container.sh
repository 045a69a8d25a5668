#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by systemd in the namespaces that tests/machine/container makes: brings up the uplinks, logs
# gamer in, and runs the test that /arguments names.
mapfile -d '' -t arguments </arguments
export HOME=/root USER=root LOGNAME=root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export ARTIFACTS=/out/artifacts
mkdir -p $ARTIFACTS
cp /src/tests/machine/lab.sh /usr/local/sbin/lab.sh
ends() { journalctl -b -o short-monotonic >/out/journal; echo "$1" >/out/exit; exit 0; }

# the far ends are there before lab.sh, which then makes no radios
ip link add rtw0 type veth peer name enp7s0
ip link add wlap0 type veth peer name wlp6s0
# NetworkManager leaves veth alone, where nothing tells it to take them
printf '[device]\nmatch-device=interface-name:enp7s0,interface-name:wlp6s0\nmanaged=1\n' >/etc/NetworkManager/conf.d/60-veth.conf
systemctl restart NetworkManager
lab.sh up || { nmcli device; ends 125; }

# a session at a seat without a terminal; its scope may be empty, so nothing is moved there
sed -i 's/^ *\(echo $$ >.*cgroup.procs\) || exit 125$/{ \1; } 2>\/dev\/null/' /usr/local/bin/as-gamer
systemd-run -q --unit=gamer-login -p PAMName=login -p User=gamer \
    -p Environment="XDG_SEAT=seat0 XDG_SESSION_TYPE=tty XDG_SESSION_CLASS=user" sleep infinity
for _ in $(seq 100); do [ -z "$(loginctl show-seat seat0 -p ActiveSession --value)" ] || break; sleep 0.1; done

# an overlay of rootless Podman cannot lie on an overlay
storage=/home/gamer/.local/share/containers
runuser -u gamer -- mkdir -p $storage
mount -t tmpfs -o "uid=$(id -u gamer),gid=$(id -g gamer),mode=700" none $storage

# what Podman's containers ask of the kernel and may not have here
{
    grep -qw pids /sys/fs/cgroup/cgroup.controllers || printf '[containers]\npids_limit = 0\n'
    prlimit --memlock=unlimited:unlimited true 2>/dev/null || printf '[engine]\nruntime = "runc"\n' # crun(1) insists on it
} >/etc/containers/containers.conf

cd /src || ends 125
bash "tests/machine/test_${arguments[0]}.sh" "${arguments[@]:1}" </dev/null
ends $?
