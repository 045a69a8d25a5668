"""A program whose second start would be handed to an instance outside is not started: the line names
three commands, and each does what it says."""

import os
import re
import stat

from lab import needs, params, program, ship_apps, write_file
from test_work_done_outside import Programs

NOBODY = 65534
OWN = os.readlink("/proc/self/ns/net")

# With "hold" it is the instance outside; else it says where it is, its bus, and with what it was started.
SCRIPT = """#!/bin/sh
[ "$1" = hold ] && { echo up; read end; exit; }
echo "$(readlink /proc/self/ns/net)" "$DBUS_SESSION_BUS_ADDRESS"
for word; do echo "$word"; done
"""


class Apps(Programs):
    def __init__(self, lab, name):
        super().__init__(lab)
        self.name = name
        write_file(f"{self.bin}/{name}", SCRIPT)
        os.chmod(f"{self.bin}/{name}", 0o755)
        os.symlink(program("via-iface"), f"{self.bin}/via-iface")

    def hold(self):
        outside = self.lab.popen([f"{self.bin}/{self.name}", "hold"])
        outside.expect("up\n")
        return outside

    def paste(self, command):
        """(outside, bus, words) of what it started."""
        done = self.lab.run(["sh", "-c", command], env=self.env(), check=True)
        # a dbus-daemon(1) of the lab's root may not raise its limit
        assert not [line for line in done.err.splitlines() if "Failed to set fd limit" not in line], done
        first, *words = done.out.splitlines()
        netns, _, bus = first.partition(" ")
        return netns == os.readlink("/proc/self/ns/net"), bus, words


def commands(refused):
    """The three of the line: separate, the one outside, handed over."""
    assert (refused.code, refused.out) == (125, "") and refused.err.count("\n") == 1, refused
    found = re.findall("`(.*?)`", refused.err)
    assert len(found) == 3, refused
    return found


@params("run", "exec", "quiet", "strict")
def test_refused_with_what_to_type(lab, how):
    apps = Apps(lab, "epiphany")
    outside = apps.hold()
    held = lab.session(lab.spare, "--name", "game", env=apps.env())
    start = {
        "run": ("--name", "web", "--no-lan", lab.spare, "--"),
        "exec": ("exec", "game"),
        "quiet": ("-q", lab.spare),
        "strict": ("run", "--strict", lab.spare, "--"),
    }[how]
    refused = apps.via(*start, "epiphany", "--new-tab", "a b'c")
    assert f"epiphany (pid {outside.pid}) already runs outside" in refused.err, refused
    separate, plain, handed = commands(refused)
    for option, command in (("--separate", separate), ("--allow-handover", handed)):
        words = [start[0], option, *start[1:]] if start[0] in ("exec", "run") else [option, *start]
        assert command == " ".join(["via-iface", *map(str, words), "epiphany --new-tab 'a b'\\''c'"]), command
    profile = f"{apps.home}/.local/share/via-iface/{lab.spare}/epiphany"
    assert not os.path.exists(profile)
    assert apps.paste(separate) == (False, "", ["--private-instance", f"--profile={profile}", "--new-tab", "a b'c"])
    assert stat.S_IMODE(os.stat(profile).st_mode) == 0o700 and os.stat(profile).st_uid == os.geteuid()
    assert apps.paste(plain) == (True, "", [])
    assert apps.paste(handed) == (False, "", ["--new-tab", "a b'c"])
    # an instance of that session is not outside
    outside.finish()
    assert apps.via(*start, "epiphany", check=True).err == ""
    held.finish()


@needs("tool:dbus-run-session", "tool:dbus-daemon")
@params("kgx", "gnome-terminal")
def test_a_bus_of_its_own(lab, name):
    """Where the bus would hand it over (kgx: to who has its name; gnome-terminal: to a process that the bus
    starts): the separate one has a bus, which is inside as well."""
    apps = Apps(lab, name)
    if name == "kgx":
        apps.hold()
    separate, plain, handed = commands(apps.via(lab.spare, "--", name, "x"))
    is_outside, bus, words = apps.paste(separate)
    assert not is_outside and bus.startswith("unix:"), (is_outside, bus)
    assert words == (["--wait", "x"] if name == "gnome-terminal" else ["x"]), words
    assert apps.paste(plain) == (True, "", [])
    assert apps.paste(handed) == (False, "", ["x"])


def test_without_a_separate_one(lab):
    """Steam has no such option: so it says, and what is left; nothing is known of others."""
    apps = Apps(lab, "steam")
    apps.hold()
    refused = apps.via(lab.spare, "--", "steam")
    assert re.findall("`(.*?)`", refused.err) == ["steam", f"via-iface --allow-handover {lab.spare} -- steam"], refused
    assert "end that one first" in refused.err
    for name in ("steam", "sh"):
        done = apps.via("--separate", lab.spare, "--", name)
        assert done.code == 125 and "outside-separate" in done.err and done.err.count("\n") == 1, done
    done = apps.via("--separate", "--allow-handover", lab.spare, "--", "steam")
    assert done.code == 125 and "either --separate or --allow-handover" in done.err, done
    # too long for a line: the options by their names
    refused = apps.via(lab.spare, "--", "steam", "x" * 600)
    assert refused.code == 125 and "--allow-handover" in refused.err and "`" not in refused.err, refused


@params("policy", "asked")
def test_its_directory_is_made(lab, how):
    """Firefox says "Profile Missing" where the directory of --profile is not there. It is made as the
    user's, and nothing outside ~/.local/share/via-iface is."""
    ship_apps()
    apps = Apps(lab, "firefox")
    ship_apps(("outside.conf", "firefox.conf"))
    own = f"{apps.home}/.config/via-iface/apps"
    os.makedirs(own)
    write_file(f"{own}/x.conf", "[x]\nmatch = env2\nseparate-instance = --config=~/elsewhere/x\nseparate = always\n")
    os.symlink(f"{apps.bin}/firefox", f"{apps.bin}/env2")
    profile = f"{apps.home}/.local/share/via-iface/{lab.spare}/firefox"
    if how == "policy":
        apps.hold()
        done = apps.via(lab.spare, "--", "firefox", "x", check=True)
        assert "a separate one is started" in done.err, done
    else:
        done = apps.via("--separate", lab.spare, "--", "firefox", "x", check=True)
        assert done.err == "", done
    assert done.out.splitlines()[1:] == ["--profile", profile, "x"], done
    assert os.path.isdir(profile)
    done = apps.via(lab.spare, "--", "env2", check=True)
    assert done.out.splitlines()[1:] == [f"--config={apps.home}/elsewhere/x"], done
    assert not os.path.exists(f"{apps.home}/elsewhere")


@needs("root")
@params("home", "link", "group")
def test_directory_of_another_user(lab, where):
    """With --user it is that user's; nothing is made where that user could not."""
    apps = Apps(lab, "firefox")
    home = os.path.join(lab.tmp, "nobody")
    os.makedirs(f"{home}/.local")
    write_file(f"{lab.tmp}/passwd", f"root:x:0:0::/root:/bin/sh\nnobody:x:{NOBODY}:{NOBODY}::{home}:/bin/sh\n")
    if where == "home":
        for path in (home, f"{home}/.local"):
            os.chown(path, NOBODY, NOBODY)
    else:
        os.makedirs(f"{lab.tmp}/roots")
        os.chmod(f"{lab.tmp}/roots", 0o775 if where == "group" else 0o755)
    if where == "link":
        os.symlink(f"{lab.tmp}/roots", f"{home}/.local/share")
    elif where == "group":
        os.rename(f"{lab.tmp}/roots", f"{home}/.local/share")
    os.chmod(lab.tmp, 0o755)
    lab.run(["mount", "--bind", f"{lab.tmp}/passwd", "/etc/passwd"], check=True)
    words = "--user", "nobody", "--separate", lab.spare, "--", f"{apps.bin}/firefox"
    done = apps.via(*words, extra_groups=[0])
    if where == "home":
        assert done.code == 0, done
        made = os.stat(f"{home}/.local/share/via-iface/{lab.spare}/firefox")
        assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (NOBODY, 0o700)
    else:
        assert done.code == 125 and "make directory" in done.err, done
        assert os.listdir(f"{home}/.local/share") == []
