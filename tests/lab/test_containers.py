"""Containers: found by name and id, as who runs them alone may, attached by one line, and again when
they are restarted; nothing leaves by another card.

A container here is what the kernel sees of one: a process in a cgroup that is called as the engine
calls it, in a netns of its own. The engine's command is a script that prints what the engine's would."""

import contextlib
import json
import os
import socket

import nsutil
from lab import needs, params, program, topology, timeout, write_file
from test_attach import listed
from test_attach_only_this_uplink import BEACON, Container, assert_closed

ID = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4


CGROUPS = "/sys/fs/cgroup"


def mount_cgroups():
    if not os.path.exists(f"{CGROUPS}/cgroup.procs"):
        nsutil.mount("cgroup2", CGROUPS, "cgroup2")


class Box:
    """A container: a cgroup, and in it what `script` runs in a netns of its own."""

    def __init__(self, lab, group, script="echo ready; exec cat", before="unshare -n", user=None):
        self.lab, self.script, self.before, self.user = lab, script, before, user
        mount_cgroups()
        self.top = f"{CGROUPS}/via-lab-{os.path.basename(lab.tmp)}"
        self.path = os.path.join(self.top, group)

    def start(self):
        os.makedirs(self.path, exist_ok=True)
        self.process = self.lab.popen(
            f"echo $$ >'{self.path}/cgroup.procs'; exec {self.before} sh -c '{self.script}'", user=self.user
        )
        self.process.expect("ready\n")
        return self

    def populated(self):
        with open(f"{self.path}/cgroup.events") as f:
            return "populated 1" in f.read()

    def stop(self):
        write_file(f"{self.path}/cgroup.kill", "1")
        self.lab.wait(lambda: not self.populated(), 10, "the end of its processes")
        self.process.finish()
        for path, _, _ in os.walk(self.path, topdown=False):
            os.rmdir(path)

    def run(self, command):
        return self.lab.run(["nsenter", "-t", str(self.process.pid), "-n", "sh", "-c", command])


@contextlib.contextmanager
def box(lab, group, **more):
    made = Box(lab, group, **more)
    try:
        yield made.start()
    finally:
        if os.path.exists(made.path):
            made.stop()
        with contextlib.suppress(OSError):  # another one is in it
            os.removedirs(os.path.dirname(made.path))


def engine(lab, name, **containers):
    """A command of that name in PATH: it knows those containers, and is the environment to use it."""
    place = os.path.join(lab.tmp, "engines")
    os.makedirs(os.path.join(place, name + ".d"), exist_ok=True)
    path = os.path.join(place, name)
    write_file(path, '#!/bin/sh\nfor last; do :; done\n[ "$3" != Leader ] || last=$2\nexec cat "$0.d/$last" 2>/dev/null\n')
    os.chmod(path, 0o755)
    for key, text in containers.items():
        write_file(os.path.join(place, name + ".d", key), text)
    return {"PATH": f"{place}:{os.environ['PATH']}"}


def inspected(pid, name="web", ports="{}", id=ID):
    return f"{id} {pid} {name} {ports}\n"


def daemon(lab):
    lab.daemon = lab.popen([program("via-ifaced"), "--linger", "30"])
    lab.wait(lambda: os.path.exists("/run/via-iface/socket"), 5, "the daemon's socket")


KINDS = {
    "docker": (f"system.slice/docker-{ID}.scope", "docker", "web", "web"),
    "docker_id": (f"system.slice/docker-{ID}.scope", "docker", ID[:12], "web"),
    "docker_whole_id": (f"docker/{ID}", "docker", ID, "web"),
    "podman": (f"machine.slice/libpod-{ID}.scope/container", "podman", "web", "web"),
    "no_engine": (f"machine.slice/libpod-{ID}.scope/container", None, ID, ID[:12]),
    "containerd": (f"kubepods.slice/cri-containerd-{ID}.scope", None, ID[:16], ID[:12]),
    "lxc": ("lxc.payload.web", None, "lxc:web", "web"),
    "nspawn": ("machine.slice/machine-my\\x2dweb.scope/payload", None, "my-web", "my-web"),
    "nspawn_unit": ("machine.slice/systemd-nspawn@web.service/payload", None, "nspawn:web", "web"),
}


@needs("root")
@topology("split", "same")
@params(**KINDS)
def test_one_line(lab, case):
    """By name or id: the session is called as the container, and all is gone by `detach`."""
    group, command, word, name = case
    mount_cgroups()
    before = lab.snapshot()
    with box(lab, group) as made:
        env = engine(lab, command, web=inspected(made.process.pid), **{ID: inspected(made.process.pid)}) if command else {}
        daemon(lab)
        wired = lab.capture_wired()
        done = lab.via("attach", lab.spare, "--container", word, env=env, check=True)
        first = name if not name.isdigit() else "run-" + name
        assert done.out.startswith(f"session '{first}' through {lab.spare}") and not done.err, done
        assert "default route" not in done.out, done
        for url, address in ((lab.url, lab.spare.addr), (lab.url6, lab.spare.addr6)):
            assert made.run(f"curl -sg --max-time 5 {url}").out == address + "\n"
        session = listed(lab)[first]
        with open(f"/sys/class/net/{session['ifname']}/iflink") as f:
            assert session["device_ifindex"] == int(f.read())
        assert made.run("ip -o link show eth0").out.count(f"{session['device_ifindex']}: eth0@") == 1
        assert session["ifindex"] == socket.if_nametoindex(session["ifname"]) and session["device"] == "eth0"
        kinds = {"docker": "docker", "libpod": "podman", "lxc.payload": "lxc", "machine-": "nspawn", "nspawn": "nspawn"}
        kind = next((kinds[part] for part in kinds if part in group), "container")
        assert session["container"]["engine"] == kind, session
        assert session["container"]["id"] == (ID if ID in group else ""), session
        text = lab.via("status", first, check=True).out
        assert f"{session['ifname']} (ifindex {session['ifindex']}), in it eth0 (ifindex {session['device_ifindex']})" in text
        again = lab.via("attach", lab.spare, "--container", word, env=env)
        assert again.code == 125 and f"it is of session '{first}' already" in again.err, again
        done = lab.via("detach", "--container", word, env=env, check=True)
        assert done.out == f"session '{first}' is detached\n", done
        assert made.run("ip route; nft list tables").out == ""
        assert [f for f in wired.leaks() if f.proto in ("tcp", "udp")] == []
    lab.daemon.stop()
    lab.assert_same(before)


@needs("root")
@topology("split", "same")
def test_its_own_route_and_ports(lab):
    """It has an eth0, a default route and published ports: what is replaced, and what is lost, is said;
    nothing leaves by its own route."""
    own = Container(lab, device="eth0")
    script = f"exec 3<>/dev/null; python3 {lab.tmp}/beacon.py {lab.server} {lab.server6} & echo ready; exec cat"
    write_file(f"{lab.tmp}/beacon.py", BEACON)
    with box(lab, f"docker-{ID}.scope", before="ip netns exec box", script=script) as made:
        ports = json.dumps({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "81/tcp": None})
        env = engine(lab, "docker", web=inspected(made.process.pid, "/web", ports))
        done = lab.via("attach", lab.spare, "--container", "web", env=env, check=True)
        assert "container 'web' has a default route by eth0 via 172.31.9.1, which is not used" in done.out, done
        assert "(8080->80/tcp)" in done.err and len(done.err.splitlines()) == 1, done
        capture = own.capture()
        assert (own.curl(), own.curl(lab.url6)) == (lab.spare.addr, lab.spare.addr6)
        lab.via("pause", "web", check=True)
        lab.via("resume", "web", check=True)
        lab.wait(lambda: own.curl() == lab.spare.addr, 5, "its uplink again")
        assert_closed(lab, capture)
        lab.via("detach", "web", check=True)
        assert own.curl() == lab.wired.addr, "as before"


@needs("root")
def test_device_names(lab):
    """eth0 and via are taken: the next one is."""
    with box(lab, f"docker-{ID}.scope") as made:
        made.run("ip link add eth0 type veth peer name via")
        daemon(lab)
        lab.via("attach", lab.spare, "--container", ID, check=True)
        assert "via1@" in made.run("ip link").out
        lab.via("detach", "--all", check=True)


REFUSED = {
    "nobody": ("web", "find container 'web': none of that name or id runs"),
    "short": (ID[:11], "none of that name or id runs"),
    "option": ("--help", "invalid --container '--help'"),
    "path": ("../web", "invalid --container '../web'"),
    "empty": ("", "invalid --container ''"),
    "engine": ("dockre:web", "before ':' it is docker, podman, lxc or nspawn"),
    "no_name": ("docker:", "invalid --container ''"),
}


@needs("root")
@params(**REFUSED)
def test_refused(lab, case):
    word, reason = case
    with box(lab, f"docker-{ID}.scope"):
        done = lab.via("attach", lab.spare, f"--container={word}")
        assert (done.code, done.out) == (125, "") and len(done.err.splitlines()) == 1, done
        assert reason in done.err, done
        assert not lab.daemon_pids(), "nobody was asked"


def refused(lab, word, reason, **more):
    done = lab.via("attach", lab.spare, "--container", word, **more)
    assert (done.code, done.out) == (125, "") and reason in done.err, done
    assert listed(lab) == {}


@needs("root")
def test_two_of_one_name(lab):
    """Neither is taken; the message's own words choose."""
    with box(lab, "lxc.payload.web"), box(lab, "machine-web.scope/payload"):
        refused(lab, "web", "several are called so: ")
        done = lab.via("attach", lab.spare, "--container", "lxc:web", check=True)
        assert "session 'web'" in done.out, done
        lab.via("detach", "web", check=True)


@needs("root")
def test_what_a_refusal_proposes(lab):
    """Pasted, it works: each name of several, the process of an engine that nobody knows, the way back."""
    with box(lab, "lxc.payload.web"), box(lab, "machine-web.scope/payload"), box(lab, "own.slice/web") as other:
        several = lab.via("attach", lab.spare, "--container", "web").err
        words = several.split("several are called so: ")[1].partition(";")[0].split(", ")
        assert len(words) == 2 and "say one of these in its place" in several, several
        commands = [("--container", word) for word in words]
        unknown = lab.via("attach", lab.spare, "--container", "own").err
        assert "say --pid PID where its engine is another one" in unknown, unknown
        commands.append(("--pid", other.process.pid))
        for words in commands:
            done = lab.via("attach", lab.spare, *words, check=True)
            back = done.out.split("`")[1]
            assert back.startswith("via-iface detach ") and len(listed(lab)) == 1, done
            lab.run(back.replace("via-iface", program("via-iface"), 1), check=True)
            assert listed(lab) == {}, back


@needs("root")
def test_number_that_is_used_again(lab):
    """The engine says a process that is another container's by now, or none's; or one that has ended."""
    with box(lab, f"docker-{ID}.scope") as made, box(lab, f"docker-{OTHER}.scope") as other:
        gone = "f" * 64
        for pid in (made.process.pid, other.process.pid, os.getpid()):
            env = engine(lab, "docker", web=inspected(pid, id=gone))
            refused(lab, "web", "is not its own, or no longer", env=env)
        env = engine(lab, "docker", web=inspected(4194304, id=gone))
        refused(lab, "web", "find its process 4194304", env=env)
        env = engine(lab, "docker", web=inspected(0, id=gone))
        refused(lab, "web", "it does not run", env=env)
        # by the id the process table knows better
        env = engine(lab, "docker", web=inspected(other.process.pid))
        lab.via("attach", lab.spare, "--container", "web", env=env, check=True)
        assert made.process.pid in listed(lab)["web"]["pids"]
        lab.via("detach", "web", check=True)


ANSWERS = {
    "nothing": "",
    "text": "no such container\n",
    "short_id": "abc 1 web {}\n",
    "negative": ID + " -1 web {}\n",
    "name": ID + " 1 -web {}\n",
    "json": ID + " 1 web {{{{\n",
    "long": ID + " 1 web " + "[" * 70000,
    "control": ID + ' 1 web {"80/tcp": [{"HostPort": "\\u001b[31m"}]}\n',
}


@needs("root")
@params(**ANSWERS)
def test_what_an_engine_may_say(lab, text):
    """Nothing of it is believed without the kernel, and nothing of it harms a terminal."""
    with box(lab, f"docker-{OTHER}.scope"):
        env = engine(lab, "docker", web=text)
        done = lab.via("attach", lab.spare, "--container", "web", env=env)
        assert done.code == 125 and len(done.err.splitlines()) == 1, done
        assert done.err.isprintable() or "\x1b" not in done.err, done


@needs("root")
def test_network_of_the_host(lab):
    with box(lab, f"docker-{ID}.scope", before="env"):
        refused(lab, ID, "it has no network namespace of its own")


@needs("root")
def test_of_another_user(lab):
    """root's are root's, a user's are the user's: by the kernel, whatever the cgroup is called."""
    with box(lab, f"docker-{ID}.scope", before="setpriv --reuid 1000 --clear-groups unshare -Urn"):
        refused(lab, ID, "it belongs to uid 1000")
    with box(lab, f"user.slice/user-1000.slice/user@1000.service/libpod-{ID}.scope"):
        refused(lab, ID, "it belongs to uid 1000")
    with box(lab, f"user.slice/user-1000.slice/user@1000.service/machine-web.scope"), box(lab, "lxc.payload.web"):
        done = lab.via("attach", lab.spare, "--container", "web", check=True)
        assert "session 'web'" in done.out, "a name that another user takes is in nobody's way"
        lab.via("detach", "web", check=True)


@needs("root")
def test_inside_another_one(lab):
    """Who is in a container makes cgroups of any name in its own: the outermost counts."""
    with box(lab, f"docker-{OTHER}.scope/docker-{ID}.scope"):
        refused(lab, ID, "none of that name or id runs")


@needs("root")
def test_the_engine_hangs(lab):
    """Its command is ended; what is known without it is used."""
    with box(lab, f"machine.slice/libpod-{ID}.scope"):
        env = engine(lab, "podman")
        path = os.path.join(lab.tmp, "engines", "podman")
        write_file(path, "#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x; exec sleep 600\n")
        done = lab.via("attach", lab.spare, "--container", ID, env=env, check=True)
        assert f"session 'run-{ID[:12]}'" in done.out or f"session '{ID[:12]}'" in done.out, done
        lab.via("detach", "--all", check=True)


# --- restarts ------------------------------------------------------------------------------------


@needs("root")
@timeout(240)
@topology("split", "same")
def test_restarts(lab):
    """50 restarts of a container without a network, which sends all the time: each time it is attached
    again, and not one packet leaves by another card."""
    mount_cgroups()
    before = lab.snapshot()
    write_file(f"{lab.tmp}/beacon.py", BEACON)
    daemon(lab)
    script = f"python3 {lab.tmp}/beacon.py {lab.server} {lab.server6} & echo ready; exec cat"
    with box(lab, f"machine.slice/libpod-{ID}.scope/container", script=script) as made:
        wired, spare = lab.capture_wired(), lab.capture_spare()
        follow = lab.via_popen("attach", lab.spare, "--container", ID, "--name", "web", "--follow")
        follow.expect(f"following container '{ID[:12]}'\n")
        for i in range(50):
            made.stop()
            made.start()
            follow.expect(f"session 'web' through wlp6s0, port viap{i + 2} again\n")
            if i % 10 == 0:
                by_it = lambda: made.run(f"curl -s --max-time 5 {lab.url}").out == lab.spare.addr + "\n"
                lab.wait(by_it, 10, "its uplink")
        lab.wait(lambda: sum(f.dport == 7777 for f in spare.peek()) > 50, 10, "its traffic")
        leaks = [f for f in wired.stop() if f.proto in ("tcp", "udp") and f.dst in (lab.server, lab.server6)]
        assert not leaks, f"{len(leaks)} by the wired card: {leaks[:4]}"
        follow.stop()
        assert "web" in listed(lab), "it stays attached"
    lab.wait(lambda: listed(lab) == {}, 10, "the end of the session")
    lab.daemon.stop()
    lab.assert_same(before)


def test_only_containers_are_followed(lab):
    done = lab.via("attach", lab.spare, "--netns", "x", "--follow")
    assert done.code == 125 and "invalid option '--follow'" in done.err, done


@needs("root", "tool:bash")
def test_podman_without_a_cgroup(lab):
    """Rootless Podman may run without cgroups: conmon, which it starts for each container, has its id and
    name in its command line, and the container's first process is its child."""
    script = 'unshare -n sh -c "echo ready; exec cat"; :'
    held = lab.popen(
        ["bash", "-c", f"exec -a /usr/bin/conmon bash -c '{script}' --api-version 1 -c {ID} -u {ID} -n web"]
    )
    held.expect("ready\n")
    done = lab.via("attach", lab.spare, "--container", "web", check=True)
    assert "session 'web'" in done.out, done
    done = lab.via("attach", lab.spare, "--container", "web", "--follow")
    assert done.code == 125 and "no cgroup of its own" in done.err, done
    lab.via("detach", "web", check=True)
    held.finish()
