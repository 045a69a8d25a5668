"""Flatpak and Snap: what their programs may have done outside of a session is warned of, and refused by
nothing; names of a program that snapd has put back into the host's mounts are asked by the uplink."""

import os
import re
import socket

import nsutil
from lab import needs, params, write_file
from test_windows import warned
from test_work_done_outside import Programs

ID = "org.example.App"
HOST = "org.freedesktop.Flatpak"
OVERRIDE = f"[Session Bus Policy]\n{HOST}=%s\n"
METADATA = f"[Application]\nname={ID}\n\n[Context]\nshared=network;\n"

# `flatpak override` writes the file that flatpak-metadata(5) describes; all else runs.
FLATPAK = f"""#!/bin/sh
if [ "$1" = override ]; then
    file="$HOME/.local/share/flatpak/overrides/$4"
    mkdir -p "${{file%/*}}"
    [ "$2 $3" = "--user --no-talk-name={HOST}" ] && printf '[Session Bus Policy]\\n{HOST}=none\\n' >"$file"
else
    echo ran
fi
"""


class Flatpak(Programs):
    def __init__(self, lab):
        super().__init__(lab)
        write_file(f"{self.bin}/flatpak", FLATPAK)
        os.chmod(f"{self.bin}/flatpak", 0o755)
        self.data = f"{self.home}/.local/share/flatpak"

    def write(self, path, text):
        os.makedirs(os.path.dirname(f"{self.data}/{path}"), exist_ok=True)
        write_file(f"{self.data}/{path}", text)

    def app(self, more):
        self.write(f"app/{ID}/current/active/metadata", METADATA + more)

    def run(self, *words):
        done = self.via(*words, check=True)
        assert done.out == "ran\n", done
        return done


@params("policy", "bus", "override", "global")
def test_flatpak_that_starts_programs_outside(lab, by):
    """Such an app is warned of by run, exec and in a wrapper, by name and uplink, with a command that
    takes the permission from it."""
    flatpak = Flatpak(lab)
    flatpak.app({"policy": OVERRIDE % "talk", "bus": "sockets=x11;session-bus;\n"}.get(by, ""))
    if by in ("override", "global"):
        flatpak.write("overrides/" + (ID if by == "override" else "global"), OVERRIDE % "talk")
    start = ("flatpak", "run", "--branch=stable", f"{ID}/x86_64/stable", "x")
    held = lab.session(lab.spare, "--name", "game", env=flatpak.env())
    for words in ((lab.spare, "--"), ("--strict", lab.spare, "--"), ("exec", "game"), (lab.spare, "--", "env", "A=1")):
        told = flatpak.run(*words, *start)
        warned(told, f"{ID} may start programs outside of its sandbox", f"would not use {lab.spare}")
    assert flatpak.run("-q", lab.spare, "--", *start).err == ""
    held.finish()
    if by == "bus":
        return  # takes more than that option
    lab.run(["sh", "-c", re.search("`(.*)`", told.err).group(1)], env=flatpak.env(), check=True)
    assert flatpak.run(lab.spare, "--", *start).err == ""


def test_flatpak_that_does_not(lab):
    """Nothing is said of an app without that permission, of one that is not installed, nor of other verbs."""
    flatpak = Flatpak(lab)
    flatpak.app(OVERRIDE % "see" + f"org.example.Flatpak=talk\n[Policy other]\n{HOST}=talk\n")
    for words in (("run", ID), ("run", "org.example.Other"), ("run",), ("list",), ("run", "../../overrides/x")):
        assert flatpak.run(lab.spare, "--", "flatpak", *words).err == "", words
    flatpak.app("sockets=x11;!session-bus;\n")
    assert flatpak.run(lab.spare, "--", "flatpak", "run", ID).err == ""


def name_service(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    return server


@params(resolved="/run/systemd/resolve/io.systemd.Resolve", nscd="/run/nscd/socket")
def test_snap_that_sees_name_services(lab, path):
    """A snap is warned of where a name service of the host listens, by `snap run` and by the name that
    snapd makes for it; not where there is none, nor for other verbs."""
    nsutil.mount("none", "/var/lib", "tmpfs", 0)
    programs = Programs(lab)
    folder = "/var/lib/snapd/snap/bin"
    os.makedirs(folder)
    programs.add("snap", "firefox2")
    os.symlink(f"{programs.bin}/snap", f"{folder}/chat")
    env = {"PATH": f"{programs.bin}:{folder}:{os.environ['PATH']}"}
    lines = (["snap", "run", "--shell", "chat"], [f"{folder}/chat", "x"], ["chat"], ["env", "A=1", "chat"])
    for line in lines:
        assert programs.via("--strict", lab.spare, "--", *line, env=env, check=True).err == "", line
    server = name_service(path)
    for line in lines:
        for option in ((), ("--strict",)):
            told = programs.via(*option, lab.spare, "--", *line, env=env)
            name = "systemd-resolved" if "resolve" in path else "nscd"
            lines_of_snap = [line for line in told.err.splitlines() if " snap" in line]
            assert told.code == 0 and len(lines_of_snap) == 1, told
            for word in ("via-iface: warning: chat is a snap", name, f"would not use {lab.spare}"):
                assert word in lines_of_snap[0], told
    for line in (["snap", "list"], ["firefox2"]):
        told = programs.via(lab.spare, "--", *line, env=env, check=True)
        assert " snap" not in told.err, told
    server.close()


@needs("root")
@params("stub", "plain")
def test_snap_asks_by_the_uplink(lab, how):
    """snap-confine(8) enters the host's mounts from the session's: the servers of the host's resolv.conf
    and the stub of systemd-resolved stand for the uplink's, with the host's nsswitch.conf."""
    address = "127.0.0.53" if how == "stub" else lab.wired.gateway
    write_file("/run/lab/resolv.conf", f"nameserver {address}\n")
    wired = lab.capture_wired()
    hop = f"nsenter --mount=/proc/{os.getpid()}/ns/mnt"
    done = lab.via(lab.spare, "--", "sh", "-c", f"{hop} cat /etc/resolv.conf; {hop} getent ahostsv4 who.test")
    assert done.out.startswith(f"nameserver {address}\n{lab.spare.dns} "), done
    assert {router for router, _, _, name, _ in lab.dns_log() if name == "who.test"} == {"spare"}
    assert wired.leaks() == []
