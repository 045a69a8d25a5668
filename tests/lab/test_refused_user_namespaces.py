"""Where via-iface-enter has no capability and may make no user namespace, it says whose word that is."""

import sys

from lab import needs
from test_doctor_launch import NO_USERNS
from test_who_may import NETDEV, Site

# A kernel with AppArmor's switch on: its file, in a mount namespace of the launch's own.
UBUNTU = """
mount -t tmpfs none /proc/sys/kernel
echo 65534 >/proc/sys/kernel/overflowuid
echo 1 >/proc/sys/kernel/apparmor_restrict_unprivileged_userns
exec "$@"
"""


# Debian's switch, which its kernels look at before they look at the flags, beside a harmless filter.
DEBIAN = """
mount -t tmpfs none /proc/sys/kernel
echo 65534 >/proc/sys/kernel/overflowuid
echo 0 >/proc/sys/kernel/unprivileged_userns_clone
exec "$@"
"""


def refusal(lab, *before, script=NO_USERNS):
    site = Site(lab)
    lab.run(["setcap", "-r", f"{site.bin}/via-iface-enter"], check=True)
    words = site._as("alice", [NETDEV], [f"{site.bin}/via-iface", lab.spare, "--", "true"])
    done = lab.run([*before, sys.executable, "-c", script, *words])
    assert done.code != 0 and "make a user namespace: Operation not permitted" in done.err, done
    return done.err


@needs("root", "tool:setcap")
def test_by_the_kernel(lab):
    said = refusal(lab)
    assert "user.max_user_namespaces" in said and "apparmor" not in said, said


@needs("root", "tool:setcap")
def test_by_apparmor(lab):
    said = refusal(lab, "unshare", "-m", "sh", "-ec", UBUNTU, "sh")
    assert "kernel.apparmor_restrict_unprivileged_userns is 1" in said, said
    assert "/etc/apparmor.d/via-iface-enter" in said, said


@needs("root", "tool:setcap")
def test_by_debians_switch(lab):
    script = NO_USERNS.replace("(0x45, 1, 0, 1)", "(0x45, 1, 0, 0)")
    said = refusal(lab, "unshare", "-m", "sh", "-ec", DEBIAN, "sh", script=script)
    assert "kernel.unprivileged_userns_clone" in said and "seccomp" not in said, said
