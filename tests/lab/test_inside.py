"""What a program finds inside its session: its own devices and name servers, all else as outside;
and that a launch which cannot make it so does not happen."""

import os

import nsutil
from lab import params, write_file

OWN = "# of this session"  # the first line of a session's resolv.conf


def own_etc(lab):
    """A copy of /etc that the test may change."""
    copy = "/run/lab/etc"
    os.makedirs(copy)
    nsutil.mount("tmpfs", copy, "tmpfs", data="mode=755")
    # what a plain user cannot read is of no use here
    lab.run(["cp", "-a", "/etc/.", copy])
    nsutil.mount(copy, "/etc", flags=nsutil.MS_BIND)


def replace(path, text=None, link=None):
    """Makes it a file with this text, a link, or nothing."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    if link is not None:
        os.symlink(link, path)
    elif text is not None:
        write_file(path, text)


def tree(path):
    """Names and times of what lies there: any change would show."""
    found = {}
    for base, folders, names in os.walk(path):
        for name in (".", *folders, *names):
            full = os.path.join(base, name)
            st = os.lstat(full)
            found[full] = (st.st_ino, st.st_mode, st.st_size, st.st_mtime_ns, st.st_ctime_ns)
    return found


# --- resolv.conf --------------------------------------------------------------------------------

STUB = "/run/systemd/resolve/stub-resolv.conf"
HOSTS = "nameserver 192.0.2.53\n"


def plain():
    replace("/etc/resolv.conf", HOSTS)


def absolute():
    replace("/run/NetworkManager/resolv.conf", HOSTS)
    replace("/etc/resolv.conf", link="/run/NetworkManager/resolv.conf")


def relative():
    replace(STUB, HOSTS)
    replace("/run/systemd/resolve/resolv.conf", HOSTS)
    replace("/etc/resolv.conf", link="../run/systemd/resolve/stub-resolv.conf")


def chain():
    replace("/run/resolvconf/resolv.conf", HOSTS)
    replace("/run/one", link="resolvconf/resolv.conf")
    replace("/etc/two", link="/run/one")
    replace("/etc/resolv.conf", link="two")


def dangling_covered():
    os.makedirs(os.path.dirname(STUB), exist_ok=True)
    replace("/etc/resolv.conf", link="../run/systemd/resolve/stub-resolv.conf")


def dangling():
    replace("/etc/resolv.conf", link="../run/nowhere/resolv.conf")


def loop():
    replace("/etc/resolv.conf", link="resolv.conf")


def missing():
    replace("/etc/resolv.conf")


@params(
    plain=(plain, True),
    absolute=(absolute, True),
    relative=(relative, True),
    chain=(chain, True),
    dangling_covered=(dangling_covered, True),
    dangling=(dangling, False),
    loop=(loop, False),
    missing=(missing, False),
)
def test_resolv_conf(lab, case):
    """By whatever path a C library finds it, it is the session's; and none of the host's files is
    made or changed."""
    shape, found = case
    own_etc(lab)
    shape()
    before = {**tree("/etc"), **tree("/run/systemd")}
    mounts = lab.mounts()
    held = lab.session(script="cat /etc/resolv.conf; echo end; cat")
    text = held.expect("end\n")
    assert (OWN in text) == found, text
    assert HOSTS not in text, text
    if found:
        again = lab.via(lab.spare, "--", "stat", "-L", "-c", "%A", "/etc/resolv.conf", check=True)
        assert again.out == "-rw-r--r--\n", again
    held.finish()
    assert {**tree("/etc"), **tree("/run/systemd")} == before
    assert lab.mounts() == mounts


def test_own_files_are_read_only(lab):
    """Not even root inside changes them: set-id programs believe them."""
    own_etc(lab)
    relative()
    paths = "/etc/resolv.conf /etc/nsswitch.conf /run/systemd/resolve/resolv.conf"
    script = f"for f in {paths}; do (echo x >$f) && echo wrote $f; (chmod 666 $f) && echo $f; done"
    script += "; rm -f /run/systemd/resolve/* && echo removed; echo end"
    done = lab.via(lab.spare, "--", "sh", "-c", script)
    assert done.out == "end\n", done


# --- nsswitch.conf ------------------------------------------------------------------------------


def test_nsswitch(lab):
    own_etc(lab)
    hosts = "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n"
    rest = "passwd: files systemd # as it is\n\tnetworks:files\n"
    replace("/etc/nsswitch.conf", hosts + rest)
    done = lab.via(lab.spare, "--", "cat", "/etc/nsswitch.conf", check=True)
    assert done.out == "hosts: files myhostname dns\n" + rest, done
    replace("/etc/nsswitch.conf")
    gone = lab.via(lab.spare, "--", "cat", "/etc/nsswitch.conf")
    assert gone.code == 1 and gone.out == "", gone


# --- /sys ---------------------------------------------------------------------------------------


def test_devices(lab):
    """In /sys as in the netns: two devices, and their values; the rest of /sys is the host's."""
    script = (
        "ls /sys/class/net /sys/devices/virtual/net; cat /sys/class/net/eth0/operstate;"
        " readlink -f /sys/class/net/eth0; cat /proc/net/dev | wc -l"
    )
    done = lab.via(lab.spare, "--", "sh", "-c", script, check=True)
    assert done.out.split() == [
        "/sys/class/net:", "eth0", "lo", "/sys/devices/virtual/net:", "eth0", "lo",
        "up", "/sys/devices/virtual/net/eth0", "4",
    ], done  # fmt: skip
    assert lab.spare.dev in os.listdir("/sys/class/net")


def test_rest_of_sys(lab):
    nsutil.mount("tmpfs", "/sys/fs/cgroup", "tmpfs")
    write_file("/sys/fs/cgroup/mine", "of the host\n")
    script = "stat -c '%d %i %n' /sys /sys/* /sys/kernel/* /sys/fs/* /sys/class/block"
    script += "; cat /sys/fs/cgroup/mine"
    plain = lab.run(script, check=True)
    inside = lab.via(lab.spare, "--", "sh", "-c", script, check=True)
    assert inside.out == plain.out, lab.difference({"sys": plain.out}, {"sys": inside.out})
    assert "of the host" in inside.out


# --- mounts come in, and do not go out ----------------------------------------------------------


def test_propagation(lab):
    os.makedirs("/run/media")
    nsutil.mount("tmpfs", "/run/media", "tmpfs")
    nsutil.mount("none", "/run/media", flags=nsutil.MS_SHARED)
    os.makedirs("/run/media/stick")
    os.makedirs("/run/media/inner")
    script = "while read c; do eval \"$c\"; echo done; done"
    held = lab.session(script=script)
    nsutil.mount("tmpfs", "/run/media/stick", "tmpfs")
    write_file("/run/media/stick/file", "plugged in\n")
    before = lab.mounts()
    held.write("cat /run/media/stick/file\n")
    held.expect("plugged in\ndone\n")
    held.write("mount -t tmpfs inner /run/media/inner && touch /run/media/inner/x && echo made\n")
    held.expect("made\n")
    assert lab.mounts() == before
    assert os.listdir("/run/media/inner") == []
    lab.run("umount /run/media/stick", check=True)
    held.write("ls /run/media/stick | wc -l\n")
    held.expect("\n0\ndone\n")
    held.finish()
