"""Namespaces that programs make inside a session, and containers of theirs without root: each is made
or refused by the kernel as it is outside."""

import json
import os

import nsutil
from lab import needs, params
from test_inside_as_outside import install

NEW_SYSFS = "mount -t sysfs none /mnt && ls /mnt/class/net"

# What each prints outside is what it prints inside: nothing here depends on the devices of a session.
COMMANDS = {
    "sysfs": ["unshare", "-Urnm", "sh", "-c", NEW_SYSFS],
    "sysfs_ro": ["unshare", "-Urnm", "sh", "-c", NEW_SYSFS.replace("none", "-o ro none")],
    "sysfs_strictatime": ["unshare", "-Urnm", "sh", "-c", NEW_SYSFS.replace("none", "-o strictatime none")],
    "sysfs_twice": ["unshare", "-Urnm", "unshare", "-Unrm", "sh", "-c", NEW_SYSFS],
    "sysfs_of_the_netns": ["unshare", "-Urm", "sh", "-c", NEW_SYSFS],
    "proc": ["unshare", "-Urnpmf", "--mount-proc", "sh", "-c", "ls -d /proc/[0-9]*; ls /proc/sys/net"],
    "bwrap": "bwrap --unshare-all --dev-bind / / --proc /proc --dev /dev ls /proc/1/ns".split(),
    "ip_netns": ["unshare", "-Urnm", "sh", "-c",
                 "mount -t tmpfs none /run && ip netns add a && ip netns exec a ls /sys/class/net && ip netns"],
}  # fmt: skip

# a sysfs of a netns that another user namespace owns; other times of access than the one in sight has
REFUSED = {"sysfs_of_the_netns", "sysfs_strictatime"}

# the way into the session (test_inside.WAYS), by whom, and whether enter has its file capability
WHO = {
    "root": ((), None),
    "user": ((), 1000),
    "no_new_privs": (("setpriv", "--no-new-privs"), 1000),
}


def container(lab, uid):
    """A bundle (OCI runtime-spec, config.json) as `runc spec --rootless` describes it: with namespaces
    of its own, and a sysfs of those. Returns the command that runs it."""
    bundle = os.path.join(lab.tmp, "bundle")
    state = os.path.join(lab.tmp, "crun")
    for path in (bundle, state, f"{bundle}/rootfs"):
        os.makedirs(path, exist_ok=True)
        os.chown(path, uid, uid)
    mounts = [
        {"destination": path, "type": "none", "source": path, "options": ["rbind", "ro"]}
        for path in ("/usr", "/bin", "/lib", "/lib64")
        if os.path.exists(path)
    ]
    mounts += [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    ]
    ids = [{"containerID": 0, "hostID": uid, "size": 1}]
    config = {
        "ociVersion": "1.0.2",
        "process": {
            "cwd": "/", "args": ["/bin/sh", "-c", "id -u; ls /sys/class/net"], "user": {"uid": 0, "gid": 0},
            "env": ["PATH=/usr/bin:/bin"],
        },
        "root": {"path": "rootfs", "readonly": False},
        "mounts": mounts,
        "linux": {
            "namespaces": [{"type": t} for t in ("user", "mount", "network", "pid", "ipc", "uts")],
            "uidMappings": ids,
            "gidMappings": ids,
        },
    }  # fmt: skip
    with open(f"{bundle}/config.json", "w") as f:
        json.dump(config, f)
    return ["crun", "--root", state, "--cgroup-manager=disabled", "run", "--bundle", bundle, "box"]


class Place:
    """Runs a command outside and inside as the same user, by one of the ways in."""

    def __init__(self, lab, how):
        self.lab = lab
        self.before_it, self.user = WHO[how]
        self.via = install(lab)
        self.held = lab.session()

    def both(self, command):
        outside = self.lab.run([*self.before_it, *command], user=self.user)
        words = [*self.before_it, self.via, str(self.lab.spare), "--", *command]
        return outside, self.lab.run(words, user=self.user)

    def compare(self, name, command):
        """Returns what both said."""
        outside, inside = self.both(command)
        assert (inside.code, inside.out) == (outside.code, outside.out), f"{name}: {outside}\n{inside}"
        return outside


@needs("root", "tool:setcap", "tool:bwrap")
@params(**{how: how for how in WHO})
def test_namespaces(lab, how):
    """The kernel lets a user namespace mount a sysfs or a proc only where one is in sight as a whole
    (fs/namespace.c:mount_too_revealing)."""
    place = Place(lab, how)
    refused = {name for name, command in COMMANDS.items() if place.compare(name, command).code}
    assert refused == REFUSED, "the test shows nothing of what is refused outside too"
    place.held.finish()


@needs("root", "tool:setcap", "tool:crun")
@params(**{how: how for how in WHO})
def test_container_without_root(lab, how):
    nsutil.mount("cgroup2", "/sys/fs/cgroup", "cgroup2")  # which crun looks for, whoever manages it
    place = Place(lab, how)
    done = place.compare("crun", container(lab, place.user or 0))
    assert (done.code, done.out) == (0, "0\nlo\n"), done
    place.held.finish()


MASKS = {
    "masked": lambda: nsutil.mount("tmpfs", "/sys/firmware", "tmpfs"),
    "read_only": lambda: nsutil.mount("none", "/sys", None, nsutil.MS_REMOUNT | nsutil.MS_BIND | 1),
    "noatime": lambda: nsutil.mount("none", "/sys", None, nsutil.MS_REMOUNT | nsutil.MS_BIND | 1024),
    "strictatime": lambda: nsutil.mount("none", "/sys", None, nsutil.MS_REMOUNT | nsutil.MS_BIND | 1 << 24),
}


@needs("root", "tool:setcap")
@params(**{
    f"{mask}_{how}": (mask, how) for mask in MASKS for how in ("user", "no_new_privs")
    if (mask, how) != ("masked", "no_new_privs")  # there the session itself gets no sysfs
})  # fmt: skip
def test_what_is_hidden_stays_so(lab, case):
    """What a container's /sys hides, or protects from writing, no session shows."""
    mask, how = case
    place = Place(lab, how)
    MASKS[mask]()
    codes = [place.compare(name, COMMANDS[name]).code for name in ("sysfs", "sysfs_ro", "sysfs_strictatime")]
    assert any(codes), "nothing is refused outside: the test shows nothing"
    place.held.finish()
