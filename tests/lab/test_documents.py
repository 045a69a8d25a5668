"""What README.md and the manual pages tell to type works as they say; test_recipes.py has docs/recipes.md.

Each command in them is run here, in their order, as root on the lab's host. Two things are put in
place of what a reader has: the address of a server that tells who asks (EXAMPLE_URL) is the lab's
server, and `steam` and its like are programs of the same name that ask that server and stay. What
cannot be run in a lab is listed in ELSEWHERE, with the test that runs it.
"""

import os
import re
import stat

from lab import ROOT, needs, params, program, ship_apps, timeout, write_file
from test_uplink_kinds import IFF_TUN, RELAY, tun_end
from test_who_may import NETDEV, STUDENTS, Site

EXAMPLE_URL = "https://ifconfig.me"
STAYING = ("steam", "qbittorrent")  # programs that run until they are stopped
VPN, TAP = "10.8.0.2", "10.8.1.2"

ELSEWHERE = {  # a command's beginning → what runs it
    "tools/demo": "test_demo",
    "tools/test": "the suite itself",
    "tools/package": "tests/machine/test_install.sh",
    "sudo apt install": "tests/machine/test_install.sh",
    "meson setup": "test_install",
    "sudo systemd-tmpfiles": "tests/machine/test_install.sh",
    "sudo systemctl": "tests/machine/test_install.sh",
}

STAY = """#!/bin/sh
# A program that asks who it is, keeps the answer, and stays.
curl -s --max-time 5 URL >"$0.$$.new" && mv "$0.$$.new" "$0.seen"
exec sleep 1000
"""

PODMAN = """#!/bin/sh
# The process of a container that runs already, or a container of this very process.
case $1 in
inspect) for name; do :; done; case $2 in -f) cat "BASE/$name.pid" ;; *) cat "BASE/$name.inspect" 2>/dev/null ;; esac ;;
run) shift; while [ "${1#-}" != "$1" ]; do [ "$1" = --network ] && shift; shift; done; shift; shift; shift; exec curl -s "$@" ;;
esac
"""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def commands(path):
    """The commands of a document: indented lines of Markdown, lines behind a tab in EXAMPLES of a manual."""
    text = read(path)
    if path.endswith(".scd"):
        text = text.partition("\n# EXAMPLES\n")[2]
        text = re.split(r"^# ", text, maxsplit=1, flags=re.M)[0]
        return [line.strip().replace("\\", "") for line in text.splitlines() if line.startswith("\t")]
    text = text.replace("\\\n", "")  # a command that goes on
    lines = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S).splitlines()
    found = [line.strip() for line in lines if line.startswith("    ")]
    return [re.split(r"  +(?=builds)", re.sub(r"\s+(?=--pid)", " ", command))[0] for command in found]


class Reader:
    """Who has the machine of the documents, and types what they say."""

    def __init__(self, lab):
        self.lab, self.bin = lab, os.path.join(lab.tmp, "bin")
        os.makedirs(self.bin)
        for name in ("via-iface", "via-ifaced"):
            os.symlink(program(name), os.path.join(self.bin, name))
        os.makedirs(os.path.join(lab.tmp, "data/applications"))
        self.program("adb", "#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/5037\n")
        self.program("sudo", '#!/bin/sh\nexec "$@"\n')
        for name in STAYING:
            self.program(name, STAY.replace("URL", lab.url))
            write_file(
                os.path.join(lab.tmp, f"data/applications/{name}.desktop"),
                f"[Desktop Entry]\nType=Application\nName={name}\nExec={name}\n",
            )
        self.program("podman", PODMAN.replace("BASE", lab.tmp))
        self.env = {
            "PATH": f"{self.bin}:{lab.env['PATH']}",
            "XDG_DATA_DIRS": f"{lab.tmp}/data:/usr/share",
        }
        self.containers = []

    def program(self, name, text):
        path = os.path.join(self.bin, name)
        write_file(path, text)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def container(self, name, has_default_route):
        """A process in a namespace of its own, with the bridge of its engine or without any."""
        lab = self.lab
        process = lab.popen(["unshare", "-n", "sh", "-c", "echo ready; exec sleep 1000"])
        process.expect("ready\n")
        if has_default_route:
            # the kernel ends the namespace of the one before, and with it the pair, when it comes to it
            lab.wait(lambda: not lab.link_exists("engine0"), 10, "the end of the container before")
            for line in (
                f"link add engine0 type veth peer name eth0 netns {process.pid}",
                "addr add 10.88.0.1/16 dev engine0",
                "link set engine0 up",
            ):
                lab.ip(line)
            for line in ("link set eth0 up", "addr add 10.88.0.9/16 dev eth0", "route add default via 10.88.0.1"):
                lab.run(f"nsenter --net --target {process.pid} ip {line}", check=True)
        write_file(os.path.join(lab.tmp, f"{name}.pid"), f"{process.pid}\n")
        number = f"{len(self.containers):064x}"
        for called in (name, number):
            write_file(os.path.join(lab.tmp, f"{called}.inspect"), f"{number} {process.pid} {name} {{}}\n")
        self.containers.append(process)
        return process

    def type(self, command):
        """Runs one command as it stands there, and sees that it did what it is for."""
        lab = self.lab
        line = command.replace(EXAMPLE_URL, f"-s --max-time 5 {lab.url}")
        staying = re.search(r"^via-iface .*-- (" + "|".join(STAYING) + r")$", line)
        if staying:
            process = lab.popen(line, env=self.env)
            name = re.search(r"--name (\S+)", line)
            name = name.group(1) if name else staying.group(1)
            lab.wait(lambda: name in self.run("via-iface list").out, 10, f"the session of: {command}")
            seen = os.path.join(self.bin, staying.group(1) + ".seen")
            lab.wait(lambda: os.path.exists(seen), 10, f"an answer to: {command}")
            with open(seen) as f:
                assert f.read().strip() == lab.spare.addr, command
            os.unlink(seen)
            return process
        done = self.run(line)
        assert done.code == 0, f"{command}\n{done}"
        if EXAMPLE_URL in command:
            inside = re.search("via-iface|netns exec|nsenter", command)
            wanted = lab.spare.addr if inside else lab.wired.addr
            wanted = {" tun0 ": VPN, " tap0 ": TAP}.get(re.search(" (?:tun0|tap0|x) |$", command).group(), wanted)
            assert done.out.strip() == wanted, f"{command}\n{done}"
        return done

    def run(self, line):
        return self.lab.run(line, env=self.env, timeout=30)

    def vpn(self):
        """tun0, whose other end is at the spare card's router, as a VPN's might be."""
        lab = self.lab
        ends = tun_end(lab, None, "tun0", IFF_TUN), tun_end(lab, "rspare", "far", IFF_TUN)
        relay = lab.popen(["/usr/bin/python3", "-c", RELAY, *map(str, ends)], pass_fds=ends)
        for fd in ends:
            os.close(fd)
        relay.expect("ready\n")
        for ns, dev, address in ((None, "tun0", VPN), ("rspare", "far", "10.8.0.1")):
            lab.ip(f"addr add {address}/24 dev {dev}", ns=ns)
            lab.ip(f"link set {dev} up", ns=ns)
        lab.ip("route add 10.8.0.0/24 via 198.51.100.10", ns="inet")
        lab.set_dns(Device("tun0"), ["10.8.0.1"])
        return relay


def elsewhere(command):
    return any(command.startswith(beginning) for beginning in ELSEWHERE)


class Device:
    def __init__(self, dev):
        self.dev = dev


def prepare(lab):
    reader = Reader(lab)
    reader.container("box", True)
    reader.container("closed", False)
    reader.vpn()
    # An LTE stick that is plugged in and not connected.
    lab.ip("link add wwan0 type veth peer name far-wwan0 netns rspare")
    return reader


@timeout(120)
@params("README.md", "data/via-iface.1.scd")
def test_each_command_works(lab, path):
    reader = prepare(lab)
    found = [command for command in commands(path) if not elsewhere(command)]
    assert len(found) >= 4, found
    wired = lab.capture_wired()
    for command in found:
        print("#", command)
        reader.type(command)
    leaks = wired.leaks()
    assert leaks == [], leaks


def test_nothing_is_elsewhere_in_vain(lab):
    typed = [c for path in ("README.md", "docs/recipes.md") for c in commands(path)]
    assert [b for b in ELSEWHERE if not any(c.startswith(b) for c in typed)] == []


def test_links_lead_somewhere(lab):
    documents = [name for name in os.listdir(os.path.join(ROOT, "docs")) if name.endswith(".md")]
    for path in ("README.md", *(f"docs/{name}" for name in documents)):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", read(path)):
            if "://" not in target:
                there = os.path.join(ROOT, os.path.dirname(path), target)
                assert os.path.exists(there), f"{path}: {target}"


PAGES = sorted(n.removesuffix(".scd") for n in os.listdir(os.path.join(ROOT, "data")) if n.endswith(".scd"))


def sections(page):
    """The page's sections by heading."""
    parts = re.split(r"^# ([A-Z].+)$", read(f"data/{page}.scd"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def samples(page):
    return re.findall(r"^```\n(.*?)^```$", sections(page)["EXAMPLES"], re.M | re.S)


@params(*PAGES)
def test_manual_page_is_whole(lab, page):
    """What a reader looks for is there, references lead to pages, and an option is explained once."""
    part = sections(page)
    wanted = {"NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "SEE ALSO"}
    if page[-1] not in "57":
        wanted |= {"OPTIONS", "EXIT STATUS"}
    assert wanted <= set(part), wanted - set(part)
    ours = set(re.findall(r"\*(via-iface[\w.-]*)\*\((\d)\)", read(f"data/{page}.scd")))
    assert {f"{name}.{number}" for name, number in ours} <= set(PAGES), ours
    others = {p for p in PAGES if p != page} if page == "via-iface.1" else {"via-iface.1"}
    named = {".".join(m) for m in re.findall(r"\*(via-iface[\w.-]*)\*\((\d)\)", part["SEE ALSO"])}
    assert others <= named, others - named
    explained = re.findall(r"^(?:\*-\w\*, )?\*(--[\w-]+)\*", part.get("OPTIONS", ""), re.M)
    assert sorted(set(explained)) == sorted(explained), explained


@needs("root", "tool:setcap", "tool:setpriv")
def test_access_policies_of_the_manual(lab):
    """The examples of via-iface-access.conf(5) allow and refuse whom they say."""
    site = Site(lab)
    first, second = samples("via-iface-access.conf.5")
    site.policy(first, "access.d/50-students.conf")
    site.refused("alice", "50-students.conf", groups=[NETDEV, STUDENTS])
    site.allowed("bob", groups=[NETDEV])
    site.policy(second)
    site.allowed("alice")
    site.refused("alice", "access.conf", uplink=lab.wired)


def test_app_policies_of_the_manual(lab):
    """The examples of via-iface-apps.conf(5) are read without a mistake, and do what they say."""
    ship_apps(n for n in os.listdir(os.path.join(ROOT, "policies/apps")) if n.endswith(".conf"))
    mail, firefox = samples("via-iface-apps.conf.5")
    folder = os.path.join(lab.tmp, ".config/via-iface/apps")
    os.makedirs(folder)
    write_file(f"{folder}/mail.conf", mail)
    write_file(f"{folder}/firefox.conf", firefox)
    reader = Reader(lab)
    for name in ("thunderbird", "firefox"):
        reader.program(name, "#!/bin/sh\n")
    done = reader.run("via-iface run -- firefox")
    assert done.code == 125 and "ssid:Guests" in done.err, done  # no card is connected to it
    done = reader.run("via-iface run -- thunderbird")
    assert done.code == 125 and "wwan" in done.err, done  # no such card is here


def test_readme_is_one_screen(lab):
    assert len(read("README.md").splitlines()) <= 150
