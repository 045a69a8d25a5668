"""Programs that have their work done by a process outside of their session: each is told of before the
launch, with what can be done, and --strict, which menu entries have, refuses it. What is inside, or does
its work itself, is not spoken of."""

import os
import re
import shutil

from lab import needs, params, program, ship_apps, timeout, write_file
from test_attach_only_this_uplink import Container
from test_desktop import Desktop, simple, value
from test_windows import warned


class Programs:
    """Programs that do nothing but say that they ran, and where: by any name."""

    def __init__(self, lab):
        ship_apps()
        self.lab = lab
        self.bin = os.path.join(lab.tmp, "programs")
        self.run_dir = os.path.join(lab.tmp, "runtime")
        for folder in (self.bin, self.run_dir):
            os.makedirs(folder)
            os.chmod(folder, 0o755)
        self.home = os.path.join(lab.tmp, "home")
        os.makedirs(f"{self.home}/.ssh")

    def add(self, *names):
        for name in names:
            path = os.path.join(self.bin, name)
            write_file(path, "#!/bin/sh\necho ran\n")
            os.chmod(path, 0o755)

    def process(self, name, *before):
        """One that runs outside, or behind a command line."""
        path = os.path.join(self.bin, name)
        if not os.path.exists(path):
            shutil.copy("/bin/sleep", path)
        return self.lab.popen([*before, path, "60"])

    def env(self, **more):
        return {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": self.run_dir,
            "HOME": self.home, "TMUX": "", "STY": "", "TMUX_TMPDIR": self.run_dir, **more,
        }  # fmt: skip

    def via(self, *words, env=None, **more):
        return self.lab.via(*words, env=self.env(**(env or {})), **more)


# command line -> words of the warning; each has its work done outside, whatever runs
ALWAYS = {
    "docker_run": ("docker run --rm debian", "the Docker daemon", "via-iface attach", "docker inspect"),
    "docker_exec": ("docker exec -it box sh", "the Docker daemon", "--pid", "--replace-route wlp6s0"),
    "docker_pull": ("docker pull debian", "the Docker daemon"),
    "sudo_docker": ("sudo -u root docker start box", "docker", "the Docker daemon"),
    "podman_exec": ("podman exec box sh", "the network that it was started with", "podman inspect"),
    "podman_remote": ("podman --remote run debian", "the Podman service", "leave that option out"),
    "systemd_run": ("systemd-run --user curl", "systemd", "`systemd-run --scope`"),
    "run0": ("run0 curl", "systemd", "`sudo`"),
    "systemctl": ("systemctl --user restart x", "systemd", "NetworkNamespacePath="),
    "flatpak_spawn": ("flatpak-spawn --host curl", "outside the sandbox", "--host via-iface wlp6s0 --"),
    "flatpak_enter": ("flatpak enter org.example.App sh", "the sandbox that runs"),
    "screen": ("screen -x there", "the screen that it attaches to", "`screen -m`"),
    "zellij": ("zellij attach there", "the zellij session", "`zellij --session via`"),
    "lxc": ("lxc exec box sh", "the container's daemon"),
    "machinectl": ("machinectl shell box", "the machine or systemd"),
    "virsh": ("virsh start box", "libvirt's daemon"),
    "distrobox": ("distrobox enter box", "its container", "podman stop"),
    "at": ("at now", "atd", "`via-iface wlp6s0 -- PROGRAM`"),
    "batch": ("batch", "atd"),
    "xdg_open": ("xdg-open https://example.org/", "may run outside already", "name the program"),
    "gio": ("gio open https://example.org/", "may run outside already"),
    "resolvectl": ("resolvectl query example.org", "systemd-resolved", "getent hosts"),
    "snap": ("snap install x", "snapd"),
    "kak": ("kak -c 7", "the Kakoune session"),
}
WRAPPED = {"sudo": "exec \"$3\" \"$4\" \"$5\"\n"}


@params(**ALWAYS)
def test_told_before_the_launch(lab, case):
    """One line, who does it and what to type; with --strict it is an error, and nothing has run."""
    command, *words = case
    programs = Programs(lab)
    argv = command.split()
    programs.add(*(argv[3:4] if argv[0] == "sudo" else argv[:1]))
    if argv[0] == "sudo":
        write_file(f"{programs.bin}/sudo", "#!/bin/sh\n" + WRAPPED["sudo"])
        os.chmod(f"{programs.bin}/sudo", 0o755)
    told = programs.via(lab.spare, "--", *argv)
    warned(told, *words, lab.spare.dev)
    assert told.out == "ran\n", told
    quiet = programs.via("-q", lab.spare, "--", *argv, check=True)
    assert (quiet.out, quiet.err) == ("ran\n", ""), quiet
    for more in ((), ("-q",)):
        refused = programs.via("--strict", *more, lab.spare, "--", *argv)
        assert (refused.code, refused.out) == (125, ""), refused
        assert refused.err == told.err.replace("warning: ", ""), refused


@needs("root")
@timeout(60)
@params("docker", "podman")
def test_advice_for_a_container(lab, engine):
    """Pasted with the container's name, it gives a running one with a network of its own the uplink."""
    programs = Programs(lab)
    container = Container(lab, device="eth0")
    process = lab.popen(["ip", "netns", "exec", container.name, "sh", "-c", "echo ready; exec cat"])
    process.expect("ready\n")
    inspect = f'[ "$1 $2 $3 $4" = "inspect -f {{{{.State.Pid}}}} x" ] && echo {process.pid} || echo ran'
    for name, text in ((engine, inspect), ("sudo", 'exec "$@"')):
        programs.add(name)
        write_file(f"{programs.bin}/{name}", f"#!/bin/sh\n{text}\n")
    os.symlink(program("via-iface"), f"{programs.bin}/via-iface")
    told = programs.via(lab.spare, "--", engine, "exec", "x", "sh")
    command = re.search("`(.*)`", told.err).group(1).replace("NAME", "x")
    assert container.curl() == lab.wired.addr
    lab.run(["/bin/sh", "-c", command], env=programs.env(), check=True)
    assert container.curl() == lab.spare.addr
    assert container.curl(lab.url6) == lab.spare.addr6


NEVER = (
    "docker ps", "podman run debian", "systemd-run --scope curl", "systemctl status x", "flatpak list",
    "zellij", "screen", "at -l", "flatpak run org.example.App", "ssh host", "snap list", "emacsclient x",
    "tmux new", "resolvectl status", "firefox", "dbus-run-session -- gnome-terminal",
)  # fmt: skip


def test_nothing_to_tell(lab):
    """It does its work itself, or nothing that would take it runs."""
    programs = Programs(lab)
    programs.add(*{c.split()[0] for c in NEVER})
    for command in NEVER:
        done = programs.via("--strict", lab.spare, "--", *command.split(), check=True)
        assert (done.out, done.err) == ("ran\n", ""), f"{command}: {done}"


@needs("tool:tmux")
@timeout(60)
def test_tmux(lab):
    """A real one. What a server outside starts uses the other card: told, with its pid. With a name that
    no server has it is started inside, and uses the uplink; there it is told of no more."""
    programs = Programs(lab)
    env = {"TERM": "xterm"}
    lab.run(["tmux", "-f", "/dev/null", "new", "-d", "-s", "out", "sleep 60"], env=programs.env(**env), check=True)
    pid = lab.run(["tmux", "display", "-p", "#{pid}"], env=programs.env(**env), check=True).out.strip()

    def ask(name, *words, verb=(lab.spare, "--")):
        path = os.path.join(lab.tmp, name)
        done = programs.via(*verb, "tmux", *words, "new", "-d", f"curl -s -m 5 {lab.url} > {path}.new; mv {path}.new {path}", env=env)
        lab.wait(lambda: os.path.exists(path), 10, "its answer")
        with open(path) as f:
            return done, f.read().strip()

    told, seen = ask("outside")
    assert seen == lab.wired.addr, "it is no server outside who does it: the test is wrong"
    warned(told, "the tmux server", f"(pid {pid})", lab.spare.dev, "`tmux -L via`")
    refused = programs.via("--strict", lab.spare, "--", "tmux", "new", "-d", "true", env=env)
    assert refused.code == 125 and pid in refused.err, refused
    held = lab.session(lab.spare, "--name", "game", env=programs.env(**env))
    inside, seen = ask("inside", "-L", "via", verb=("exec", "game", "--"))
    assert inside.err == "" and seen == lab.spare.addr, (inside, seen)
    server = ["tmux", "-L", "via", "-f", "/dev/null"]
    programs.via("exec", "game", "--", *server, "new", "-d", "-s", "in", "sleep 60", env=env, check=True)
    again, seen = ask("again", "-L", "via", verb=("exec", "game", "--"))
    assert again.err == "" and seen == lab.spare.addr, (again, seen)
    # for another session that server is outside, for one by the same uplink it is not
    other, _ = ask("other", "-L", "via", verb=(lab.wired, "--"))
    warned(other, "the tmux server", lab.wired.dev)
    same, seen = ask("same", "-L", "via")
    assert same.err == "" and seen == lab.spare.addr, (same, seen)
    around = {"TMUX": f"{programs.run_dir}/tmux-{os.geteuid()}/default,1,0", "TMUX_TMPDIR": "/nowhere", **env}
    warned(programs.via(lab.spare, "--", "tmux", "new", "-d", "true", env=around), "the tmux server", pid)
    for name in ("default", "via"):
        lab.run(["tmux", "-L", name, "kill-server"], env=programs.env(**env))
    held.finish()


def test_files_of_the_users(lab):
    """They add a program, and take one back; a mistake ends the launch of what they name, and of nothing
    else; without the app policy the shipped list counts."""
    programs = Programs(lab)
    programs.add("docker", "newsclient", "true2")
    own = f"{programs.home}/.config/via-iface/apps"
    os.makedirs(own)
    write_file(f"{own}/x.conf", "[outside.docker]\noutside = no\n[outside.news]\nmatch = newsclient\n"
               "outside = server\noutside-when = fetch\noutside-who = the news daemon\n"
               "outside-advice = say `via-iface %u -- newsd`\n")  # fmt: skip
    assert programs.via("--strict", lab.spare, "--", "docker", "run", "x", check=True).err == ""
    assert programs.via("--strict", lab.spare, "--", "newsclient", "list", check=True).err == ""
    for before_it in ((), ("timeout", "9")):
        told = programs.via(lab.spare, "--", *before_it, "newsclient", "fetch")
        warned(told, "newsclient", "the news daemon", f"`via-iface {lab.spare} -- newsd`")
    held = lab.session(lab.spare, "--name", "game", env=programs.env())
    warned(programs.via("exec", "game", "--", "newsclient", "fetch"), "the news daemon")
    held.finish()
    warned(programs.via("--no-app-policy", lab.spare, "--", "docker", "run", "x"), "the Docker daemon")
    assert programs.via("--no-app-policy", lab.spare, "--", "newsclient", "fetch", check=True).err == ""
    write_file(f"{own}/x.conf", "[outside.news]\nmatch = newsclient\noutside = yes\n")
    done = programs.via(lab.spare, "--", "newsclient", "fetch")
    assert (done.code, done.out) == (125, "") and f"{own}/x.conf:3: outside 'yes'" in done.err, done
    assert programs.via(lab.spare, "--", "true2", check=True).err == ""


# the command, the process that would take it, and words of the warning
CLIENTS = {
    "emacs": ("emacsclient x", "emacs", "the Emacs that runs", "`emacs`"),
    "foot": ("footclient", "foot", "the foot server", "`foot`"),
    "mpc": ("mpc add http://example.org/", "mpd", "mpd", "an `mpd` inside"),
    "gpg": ("gpg --recv-keys 0x1", "dirmngr", "dirmngr", "--homedir"),
}


@params(**CLIENTS)
def test_server_that_runs(lab, case):
    """Told while one runs, and not after."""
    command, server, *words = case
    programs = Programs(lab)
    outside = programs.process(server)
    argv = command.split()
    if argv[0] != server:
        programs.add(argv[0])
    else:
        argv += ["0"]  # it is sleep(1)
    start = [lab.spare, "--", *argv]
    warned(programs.via(*start), f"pid {outside.pid}", lab.spare.dev, *words)
    assert programs.via("--strict", *start).code == 125
    outside.stop()
    assert programs.via("--strict", *start, check=True).err == ""


@params("same", "other", "exec")
def test_instance_inside(lab, where):
    """An instance in the session itself or in one by the same uplinks takes a second start to the right
    uplink; one in a session by another does not."""
    programs = Programs(lab)
    shutil.copy("/bin/sleep", f"{programs.bin}/firefox")
    held = lab.session(lab.spare, "--name", "game", script=f"{programs.bin}/firefox 60 & cat; kill $!")
    lab.wait(lambda: lab.processes("firefox"), 5, "the first firefox")
    (pid,) = lab.processes("firefox")
    words = {
        "same": (lab.spare, "--"),
        "exec": ("exec", "game", "--"),
        "other": (lab.wired, "--"),
    }[where]
    done = programs.via(*words, "firefox", "0")
    if where == "other":
        assert done.code == 125 and f"(pid {pid}) already runs" in done.err and lab.wired.dev in done.err, done
    else:
        assert (done.code, done.err) == (0, ""), done
    held.finish()


def test_flatpak_app_that_runs(lab):
    """Its sandboxes have a directory each below XDG_RUNTIME_DIR (flatpak-ps(1))."""
    programs = Programs(lab)
    programs.add("flatpak")
    outside = lab.popen(["sleep", "60"])
    folder = os.path.join(programs.run_dir, ".flatpak", "4711")
    os.makedirs(folder)
    write_file(f"{folder}/info", "[Application]\nname=org.example.App\nruntime=runtime/x\n\n[Instance]\n")
    write_file(f"{folder}/pid", f"{outside.pid}\n")
    start = (lab.spare, "--", "flatpak", "run", "--branch=stable")
    done = programs.via(*start, "org.example.App/x86_64/stable", "x")
    assert done.code == 125 and f"org.example.App (pid {outside.pid}) already runs" in done.err, done
    assert "`flatpak kill org.example.App`" in done.err, done
    assert "`flatpak run --branch=stable org.example.App/x86_64/stable`" in done.err, done
    assert programs.via(*start, "org.example.Ap", check=True).err == ""
    assert programs.via("--allow-handover", *start, "org.example.App", check=True).err == ""
    outside.stop()
    assert programs.via(*start, "org.example.App", check=True).err == "", "it has ended"


@params(config="config", option="option", none="none", quiet="quiet")
def test_ssh_by_a_shared_connection(lab, how):
    """Where ControlPath is set, an ssh outside may have the connection open."""
    programs = Programs(lab)
    programs.add("scp")
    running = programs.process("ssh")
    if how in ("config", "none"):
        write_file(f"{programs.home}/.ssh/config", "Host *\n  ControlMaster auto\n  ControlPath ~/.ssh/%C\n")
    options = {"option": ["-o", "ControlPath=/x/%C"], "none": ["-o", "ControlPath=none"]}.get(how, [])
    done = programs.via(lab.spare, "--", "scp", *options, "a", "host:")
    if how in ("config", "option"):
        warned(done, "scp", f"ssh (pid {running.pid})", "ControlPath=none")
    else:
        assert (done.code, done.err) == (0, ""), done
    running.stop()


@needs("tool:gio", "tool:desktop-file-validate")
@timeout(60)
def test_refused_from_a_menu(lab):
    """Nobody reads a warning there: an entry of ours starts nothing whose work would be done outside."""
    desktop = Desktop(lab)
    programs = Programs(lab)
    programs.add("docker", "steam")
    for name, exec_ in (("box", "docker run box"), ("steam", "steam")):
        desktop.install(name, simple(name, name, exec_))
    held = lab.session()
    paths = {name: desktop.add(name, "wlp6s0") for name in ("box", "steam")}

    def start(name):
        line = value(paths[name], "Exec").replace(" %U", "")
        assert line.startswith("via-iface desktop start wlp6s0 -- "), line
        return programs.via(*line.split()[1:])

    refused = start("box")
    assert (refused.code, refused.out) == (125, "") and "the Docker daemon" in refused.err, refused
    assert start("steam").out == "ran\n"
    os.unlink(f"{programs.bin}/steam")
    outside = programs.process("steam")
    refused = start("steam")
    assert (refused.code, refused.out) == (125, "") and f"pid {outside.pid}" in refused.err, refused
    outside.stop()
    held.finish()
