"""A launch is short: one connection to the daemon, two programs before that of the user."""

import array
import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import threading

from lab import ROOT, needs, params, program, ship_apps, write_file
from test_who_may import configured

SOCKET = "/run/via-iface/socket"


def listen(path):
    os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen()
    return listener


class Relay:
    """Listens at the daemon's path, counts the connections, and passes on all messages with their
    descriptors to a daemon, for which everybody is root then."""

    def __init__(self, lab):
        self.connections = 0
        self.behind = SOCKET + ".behind"
        with listen(self.behind) as behind:
            line = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" 3<&{behind.fileno()} {behind.fileno()}<&-'
            self.daemon = lab.popen(
                ["bash", "-c", line, program("via-ifaced")], pass_fds=[behind.fileno()]
            )
        self.listener = listen(SOCKET)
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        self.daemon.stop()

    def _serve(self):
        served = []
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                self.connections += 1
                daemon = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                daemon.connect(self.behind)
                for ends in ((client, daemon), (daemon, client)):
                    served.append(threading.Thread(target=self._pass_on, args=ends))
                    served[-1].start()
        for thread in served:
            thread.join()

    @staticmethod
    def _pass_on(source, sink):
        with contextlib.suppress(OSError):
            while True:
                data, fds, _, _ = socket.recv_fds(source, 65536, 4)
                if not data:
                    break
                control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
                sink.sendmsg([data], control if fds else [])
                for fd in fds:
                    os.close(fd)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def during(self, action):
        before = self.connections
        action()
        return self.connections - before


@needs("root")
def test_connects_once(lab):
    """Whatever asks the daemon connects to it once, also as root, who may start it."""
    lab.netns("box")
    with Relay(lab) as relay:
        held = lab.session(lab.spare, "--name", "held")
        counted = {
            "run": relay.during(lambda: lab.via(lab.spare, "--", "true", check=True)),
            "exec": relay.during(lambda: lab.via("exec", "held", "--", "true", check=True)),
            "attach": relay.during(lambda: lab.via("attach", lab.spare, "--netns", "box", check=True)),
            "pause": relay.during(lambda: lab.via("pause", "held", check=True)),
            "detach": relay.during(lambda: lab.via("detach", "box", check=True)),
        }
        assert counted == dict.fromkeys(counted, 1), counted
        assert held.finish().code == 0


@needs("root")
def test_root_starts_a_daemon_that_died(lab):
    """A socket that nobody serves any more (its daemon was killed) costs root nothing: the launch
    starts another daemon, and its program finds no child, no signal and no descriptor of that."""
    listen(SOCKET).close()
    script = (
        "grep -E '^(SigPnd|ShdPnd)' /proc/self/status; cat /proc/self/task/*/children; ls /proc/self/fd"
    )
    bare = lab.run(["sh", "-c", script], check=True).out
    assert lab.via(lab.spare, "--", "sh", "-c", script, check=True).out == bare
    lab.wait_gone()


@needs("root")
def test_root_s_other_verbs_start_a_daemon(lab):
    """Sessions stay when their daemon was killed, and root's verbs start another one for them."""
    held = lab.session(lab.spare, "--name", "held")
    for verb in (("pause", "held"), ("resume", "held"), ("move", "held", lab.wired)):
        for pid in lab.daemon_pids():  # the one that would restart it first
            os.kill(pid, signal.SIGKILL)
        lab.wait(lambda: not lab.daemon_pids(), 5, "the daemon's end")
        lab.via(*verb, check=True)
    assert held.finish().code == 0
    lab.wait_gone()


SYSTEMD = "sudo systemctl enable --now via-iface.socket"
OPENRC = "sudo rc-update add via-iface default && sudo rc-service via-iface start"
BY_HAND = f"sudo -b {program('via-ifaced')} --stay --supervise"


@needs("root")
@params(
    systemd=(["/run/systemd/system/", "/etc/systemd/system/via-iface.socket"], SYSTEMD),
    systemd_without_unit=(["/run/systemd/system/"], BY_HAND),
    openrc=(["/run/openrc/softlevel", "/etc/init.d/via-iface"], OPENRC),
    openrc_without_script=(["/run/openrc/softlevel"], BY_HAND),
    neither=([], BY_HAND),
)
def test_nobody_to_ask(lab, case):
    """A user whom no daemon serves gets one line, and no daemon is started. The line has the command
    that starts one here, and it is doctor's."""
    paths, command = case
    for path in paths:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not path.endswith("/"):
            write_file(path, "")
    for leave in (lambda: None, lambda: listen(SOCKET).close()):
        leave()
        done = lab.via(lab.spare, "--", "true", user="nobody")
        assert done.code == 125 and "it does not run" in done.err, done
        assert done.err.count("\n") == 1 and f"`{command}` starts it" in done.err, done
        assert f"`{command}`" in lab.via("doctor", user="nobody").out
        assert not lab.daemon_pids(), lab.daemon_pids()


# --- one program --------------------------------------------------------------------------------


class Installed:
    """The programs of a launch alone, in a directory where every other program of ours, when it is
    started, leaves its arguments in a file and fails."""

    def __init__(self, lab):
        self.lab = lab
        self.dir = os.path.join(lab.tmp, "launch")
        self.started = os.path.join(lab.tmp, "started")
        os.makedirs(self.dir)
        for name in ("via-iface", "via-iface-enter", "via-ifaced"):
            shutil.copy(program(name), self.dir)
        write_file(
            os.path.join(self.dir, "via-iface-verbs"), f'#!/bin/sh\necho "$@" >>{self.started}\nexit 99\n'
        )
        os.chmod(os.path.join(self.dir, "via-iface-verbs"), 0o755)

    def run(self, *words, **more):
        return self.lab.run([os.path.join(self.dir, "via-iface"), *map(str, words)], **more)

    def others(self):
        if not os.path.exists(self.started):
            return []
        with open(self.started) as f:
            return f.read().splitlines()


def named():
    """Every program that a shipped file of the app policy names."""
    names = set()
    for path in glob.glob(os.path.join(ROOT, "policies/apps/*.conf")):
        with open(path) as f:
            for line in f:
                key, _, value = line.partition("=")
                if key.strip() == "match":
                    names.update(value.split())
    return sorted(names)


@needs("root")
def test_no_second_program(lab):
    """Every program, also one that the app policy speaks of, is started by via-iface and enter alone:
    the launch reads the policy itself."""
    ship_apps(n for n in os.listdir(os.path.join(ROOT, "policies/apps")) if n.endswith(".conf"))
    installed = Installed(lab)
    folder = os.path.join(lab.tmp, "programs")
    os.makedirs(folder)
    names = named()
    assert {"tmux", "steam", "firefox", "sh"} & set(names) and len(names) > 40, names
    held = lab.session(lab.spare)  # so that the daemon stays
    for name in names:
        write_file(os.path.join(folder, name), f'#!/bin/dash\necho "{name} $#"\n')
        os.chmod(os.path.join(folder, name), 0o755)
        done = installed.run("--allow-handover", lab.spare, "--", os.path.join(folder, name))
        assert done.code == 0 and done.out.startswith(f"{name} "), done
    assert installed.run(lab.spare, "--", "sh", "-c", ":").code == 0
    assert installed.run(lab.spare, "--", "env", "A=b", "nice", "sh", "-c", ":").code == 0
    assert not installed.others(), installed.others()
    assert installed.run("list").code == 99 and installed.others() == ["list"]
    held.finish()


@needs("root")
def test_policy_as_it_is_now(lab):
    """Files of the app policy that come, change, go or are links count for the launch that comes next."""
    own, site = os.path.join(lab.tmp, ".config/via-iface/apps"), f"{configured('VIA_SYSCONFDIR')}/apps.d"
    there, elsewhere = os.path.join(own, "x.conf"), os.path.join(lab.tmp, "elsewhere")
    ship_apps()  # a long file that has other programs alone
    os.makedirs(site)
    held = lab.session()

    def name(policy=None, path=there, program="cat"):
        """Of the next session; one that has not quite ended has a name as well."""
        if policy:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_file(path, f"[{policy}]\nmatch = less {program} more\nname = {policy}\n")
        done = lab.via(lab.spare, "--", "cat", "/etc/resolv.conf", check=True)
        return re.search(r"session \d+ ([a-z]+)", done.out)[1]

    assert name() == "cat", "no file has it"
    assert name("first") == "first", "the file came"
    assert name("second") == "second", "it changed"
    assert name("other", program="catalogue") == "cat", "a part of a word is none"
    assert name("site", path=os.path.join(site, "a.conf")) == "site", "another directory"
    assert name("own") == "own", "the caller's counts more"
    os.rename(there, elsewhere)
    assert name() == "site", "it went"
    os.symlink(elsewhere, there)
    assert name() == "own", "a link of root's"
    os.lchown(there, 1000, 1000)
    done = lab.via(lab.spare, "--", "cat", "/etc/resolv.conf")
    assert (done.code, done.out) == (125, "") and "does not follow a symbolic link" in done.err, done
    os.unlink(there)
    os.rename(own, elsewhere + ".d")
    os.rename(elsewhere, elsewhere + ".d/x.conf")
    os.symlink(elsewhere + ".d", own)
    assert name() == "own", "a link to a directory"
    os.chown(elsewhere + ".d", 1000, 1000)
    assert name() == "site", "another user's directory"
    os.unlink(os.path.join(site, "a.conf"))
    assert name() == "cat", "all went"
    held.finish()


@needs("root")
def test_policy_is_read_by_the_launch(lab):
    """What the app policy says of a program holds: its uplink, name and options; a mistake ends the
    launch of a program that a file names, and of no other."""
    installed = Installed(lab)
    own = os.path.join(lab.tmp, ".config/via-iface/apps")
    os.makedirs(own)
    write_file(
        f"{own}/tool.conf",
        f"[tool]\nmatch = tool\nuplink = {lab.spare}\nname = mine\nseparate-instance = --data=~/x/%u\n"
        "separate = always\n",
    )
    tool = os.path.join(lab.tmp, "tool")
    write_file(tool, f'#!/bin/sh\necho "$*"; exec curl -s {lab.url}\n')
    os.chmod(tool, 0o755)
    held = lab.session(lab.wired)
    done = installed.run("-v", "--", tool, "a")
    assert done.code == 0, done
    assert done.out.split() == [f"--data={lab.env['HOME']}/x/{lab.spare}", "a", lab.spare.addr], done
    assert "'mine'" in done.err, done
    assert installed.run(lab.wired, "--", tool).out.split()[-1] == lab.wired.addr
    assert installed.run("--", "true").code == 125  # no app is for it
    write_file(f"{own}/wrong.conf", "# of tool, too\n[other]\nmatch = other\nspeed = 3\n")
    done = installed.run("--", tool)
    assert done.code == 125 and "wrong.conf:4" in done.err, done
    assert installed.run(lab.spare, "--", "true").code == 0
    assert installed.run("--no-app-policy", lab.spare, "--", tool).code == 0
    done = installed.run("--", "true")  # no uplink but the policy's
    assert done.code == 125 and "wrong.conf:4" in done.err, done
    assert not installed.others(), installed.others()
    held.finish()


@needs("root", "tool:strace")
def test_capabilities_cost_no_file(lab):
    """enter asks the kernel by capget(2): /proc/PID/status would be read eight times."""
    held = lab.session()
    trace = os.path.join(lab.tmp, "trace")
    words = ["strace", "-f", "-o", trace, "-e", "trace=openat,capget,execve"]
    lab.run([*words, program("via-iface"), str(lab.spare), "--", "true"], check=True)
    with open(trace, encoding="utf-8") as f:
        lines = f.read().splitlines()
    assert any("capget" in line for line in lines), lines
    assert not [line for line in lines if "/status" in line], lines
    held.finish()
