"""Small things that an attacker, or an odd caller, would find."""

import os
import re
import shutil
import signal
import socket
import struct

from hostile import OK, SUBSCRIBE, ask, message
from lab import needs, params, program, timeout, write_file
from test_who_may import Site
from test_desktop import Desktop, simple


def port_of(lab, name):
    return next(s for s in lab.via("list", "--json").json() if s["name"] == name)["ifname"]


def test_port_is_forgotten_by_index(lab):
    """A device that bears a port's name for a moment, and goes, takes no session along."""
    held = lab.session(lab.spare, "--name", "held")
    port = port_of(lab, "held")
    for _ in range(4):
        os.kill(lab.daemon_pid(), signal.SIGSTOP)  # it hears of all of it at once
        lab.run(
            ["ip", "-batch", "-"],
            input=f"link set dev {port} down\nlink set dev {port} name parked\n"
            f"link add {port} type veth peer name other\nlink del {port}\n"
            f"link set dev parked name {port}\nlink set dev {port} up\n",
            check=True,
        )
        os.kill(lab.daemon_pid(), signal.SIGCONT)
        lab.via("pause", "held", check=True)
        lab.via("resume", "held", check=True)
    assert port_of(lab, "held") == port
    second = lab.session(lab.spare)
    assert lab.via("exec", "held", "--", "curl", "-s", lab.url, check=True).out.strip() == lab.spare.addr
    second.finish()
    held.finish()
    lab.wait_gone()


def heard(lab, monitor):
    """Whether the monitor listens already."""
    lab.run("nft add table inet ready; nft delete table inet ready", check=True)
    try:
        return monitor.expect("table inet ready", 0.05)
    except AssertionError:
        return None


RTM_DELLINK, IFLA_IFNAME = 17, 3


def test_answers_are_the_kernel_s(lab):
    """A message of another process to the daemon's netlink sockets, about the end of a port, is not
    read: every port id but 0 is a process's (netlink(7))."""
    held, other = lab.session(lab.spare, "--name", "held"), lab.session(lab.spare)
    port = port_of(lab, "held")
    index = socket.if_nametoindex(port)
    name = port.encode() + b"\0"
    attr = struct.pack("=HH", 4 + len(name), IFLA_IFNAME) + name
    attr += bytes(-len(attr) % 4)
    body = struct.pack("=BxHiII", 0, 1, index, 0, 0xFFFFFFFF) + attr
    with open("/proc/net/netlink") as f:
        rows = [line.split() for line in f.read().splitlines()[1:]]
    known = set()
    monitor = lab.popen(["stdbuf", "-oL", "nft", "monitor"])
    lab.wait(lambda: heard(lab, monitor), 5, "nft monitor")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        for row in rows:
            if int(row[1]) != socket.NETLINK_ROUTE or int(row[2]) == 0:
                continue
            forged = struct.pack("=IHHII", 16 + len(body), RTM_DELLINK, 0, 0, 0) + body
            try:
                sock.sendto(forged, (int(row[2]), 0))
                known.add(int(row[2]))
            except ConnectionRefusedError:
                continue  # closed meanwhile
    assert lab.daemon_pid() in known or len(known) > 1, rows
    for _ in range(2):
        assert ask(message(SUBSCRIBE)).status == OK  # a turn of its loop has passed
    lab.run("nft add table inet marker; nft delete table inet marker", check=True)
    seen = monitor.expect("add table inet marker")
    assert "via_iface" not in seen, f"it took something away, or made it anew:\n{seen}"
    monitor.stop()
    other.finish()
    held.finish()
    lab.wait_gone()


@params(*(f"{n:03b}" for n in range(8)))
def test_closed_descriptors(lab, closed):
    """With 0, 1 or 2 closed all works as with the program alone, and the program finds the same of
    them closed."""
    shut = " ".join(f"{fd}>&-" for fd in range(3) if closed[fd] == "1")
    look = 's=; for i in 0 1 2; do [ -e /proc/self/fd/$i ] && s=$s$i; done; echo "$s" >"$1"'

    def run(*words):
        return lab.run(["sh", "-c", f'exec "$@" {shut}', "sh", *map(str, words)])

    def seen(name, *words):
        path = os.path.join(lab.tmp, name)
        done = run(*words, "sh", "-c", look, "sh", path)
        assert done.code == 0, done
        with open(path) as f:
            return f.read()

    assert seen("direct") == "".join(str(fd) for fd in range(3) if closed[fd] == "0") + "\n"
    via = program("via-iface")
    for name in ("first", "second"):  # with and without a daemon that runs already
        assert seen(name, via, lab.spare, "--") == seen("direct"), name
    held = lab.session(lab.spare, "--name", "held")
    number = str(port_of(lab, "held")).removeprefix("viap")
    assert seen("exec", via, "exec", "held", "--") == seen("direct")
    assert seen("run", via, "run", lab.spare, "--") == seen("direct")
    for words in (
        ("pause", "held"), ("resume", number), ("move", "held", lab.wired), ("list",), ("list", "--json"),
        ("status", "held"), ("uplinks",), ("plan", lab.spare), ("log",), ("doctor", lab.spare), ("doctor", "lo"),
        ("desktop", "list"), ("help",), ("help", "list"), ("list", "--help"), ("--version",),
    ):  # fmt: skip
        done = run(via, *words)
        assert done.code == (1 if words == ("doctor", "lo") else 0), done
    listed = run(via, "list", "--json")
    assert closed[1] == "1" or "held" in listed.out, listed
    stopped = run(via, "stop", "held")
    assert stopped.code == 0, stopped
    held.finish(close=False)


@needs("root", "tool:setcap", "tool:setpriv")
def test_nothing_is_printed_with_the_capability(lab):
    """enter tells of a failure when its capability is gone: held up in the middle of the message, it
    has none. The mounts inside fail, since no file may be written."""
    site = Site(lab)
    site.policy("[*]\nuplinks = *\n")
    os.rename(f"{site.bin}/via-iface-enter", f"{site.bin}/enter")
    script = f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 0\nexec {site.bin}/enter \"$@\"\n"
    write_file(f"{site.bin}/via-iface-enter", script)
    os.chmod(f"{site.bin}/via-iface-enter", 0o755)
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write, True)
    words = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "--"]
    process = lab.popen(
        [*words, "bash", "-c", f'exec "$@" 2>&{write}', "bash", f"{site.bin}/via-iface", str(lab.spare), "--", "true"],
        pass_fds=(write,),
    )
    os.close(write)

    def held_up():
        with open(f"/proc/{process.pid}/stat") as f:
            stat = f.read()
        with open(f"/proc/{process.pid}/syscall") as f:
            call = f.read().split()
        # write(2) or writev(2) to standard error
        return "(enter)" in stat and call[0] in ("1", "20", "64", "66") and int(call[1], 16) == 2

    lab.wait(held_up, 10, "enter writes to its standard error")
    with open(f"/proc/{process.pid}/status") as f:
        caps = {line.split()[0]: int(line.split()[1], 16) for line in f if line.startswith("Cap")}
    with open(read, "rb", buffering=0) as pipe:
        said = b""
        while data := pipe.read(65536):
            said += data
    done = process.finish()
    assert done.code == 125 and b"via-iface: " in said and b"File too large" in said, (done, said[-300:])
    assert caps["CapEff:"] == 0, caps


@needs("root", "tool:setcap", "tool:setpriv")
@params("effective", "ambient")
def test_capability_is_raised_for_the_netns_alone(lab, how):
    """While enter waits for the daemon its capability is not effective, and no program that it starts has
    it: also where the file has the effective bit, or a wrapper made it ambient (NixOS's do)."""
    site = Site(lab)
    site.policy("[*]\nuplinks = *\n")
    enter = f"{site.bin}/via-iface-enter"
    if how == "effective":
        lab.run(["setcap", "cap_sys_admin=ep", enter], check=True)
    else:
        os.rename(enter, f"{site.bin}/enter")
        lab.run(["setcap", "-r", f"{site.bin}/enter"], check=True)
        shutil.copy(shutil.which("setpriv"), f"{site.bin}/wrapper")
        os.chmod(f"{site.bin}/wrapper", 0o4755)
        more = "--reuid 1000 --inh-caps -all,+sys_admin --ambient-caps -all,+sys_admin"
        write_file(enter, f'#!/bin/sh\nexec {site.bin}/wrapper {more} {site.bin}/enter "$@"\n')
        os.chmod(enter, 0o755)
    words = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "--", f"{site.bin}/via-iface"]
    lab.run([program("via-iface"), str(lab.spare), "--", "true"], check=True)  # the daemon runs
    os.kill(daemon := lab.daemon_pid(), signal.SIGSTOP)
    try:
        process = lab.popen([*words, str(lab.spare), "--", "grep", "^Cap[IPEA]", "/proc/self/status"])

        def waits():
            with open(f"/proc/{process.pid}/stat") as f, open(f"/proc/{process.pid}/syscall") as call:
                return "enter)" in f.read() and call.read().split()[0] in ("47", "212")  # recvmsg(2)

        lab.wait(waits, 10, "enter waits for the daemon")
        with open(f"/proc/{process.pid}/status") as f:
            caps = {line.split()[0]: int(line.split()[1], 16) for line in f if line.startswith("Cap")}
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert (caps["CapPrm:"], caps["CapEff:"], caps["CapAmb:"], caps["CapInh:"]) == (1 << 21, 0, 0, 0), caps
    done = process.finish()
    assert done.code == 0 and set(re.findall(r"[0-9a-f]{16}", done.out)) == {"0" * 16}, done


@needs("root", "tool:prlimit", "tool:nice")
def test_limits_of_who_starts_the_daemon(lab):
    """The daemon is everybody's: what root's first caller may write, or for how long it may run, and
    how nice it is, do not hold for the daemon."""
    limits = ["nice", "-n", "15", "prlimit", "--fsize=1000000:", "--cpu=60:", "--stack=1000000:", "--"]
    lab.run([*limits, program("via-iface"), str(lab.spare), "--", "true"], check=True)
    pid = lab.daemon_pid()
    with open(f"/proc/{pid}/limits") as f:
        told = {line[:25].strip(): line[25:].split()[:2] for line in f}
    for name in ("Max file size", "Max cpu time"):
        assert told[name][0] == told[name][1], told
    assert told["Max stack size"][0] == "8388608", told
    with open(f"/proc/{pid}/stat") as f:
        assert f.read().rsplit(")", 1)[1].split()[16] == "0"  # nice, the 19th


@needs("root")
@params("directory", "parent", "made", "entry")
def test_desktop_follows_no_link_of_others(lab, case):
    """`sudo` leaves HOME: root neither writes, nor removes, nor reads where another user's link leads;
    its own links it follows, and that user theirs."""
    desktop = Desktop(lab)
    desktop.install("game", simple())
    secret = os.path.join(lab.tmp, "secret")
    os.makedirs(os.path.join(secret, "applications"), 0o700)
    link, target = {
        "directory": (desktop.own, f"{secret}/applications"),
        "parent": (os.path.dirname(desktop.own), secret),
        "made": (os.path.dirname(os.path.dirname(desktop.own)), f"{secret}/new"),
        "entry": (os.path.join(desktop.own, "game.desktop"), f"{secret}/applications/x.desktop"),
    }[case]
    mine = os.path.join(secret, "applications", "via-iface-game-wlp6s0.desktop")
    listed = desktop.via("desktop", "add", "game", "wlp6s0", check=True).out.strip()
    with open(listed) as f:
        ours = f.read()
    os.unlink(listed)
    write_file(mine, ours)
    write_file(f"{secret}/applications/x.desktop", simple("Secret"))
    for path in (desktop.own, os.path.dirname(desktop.own), os.path.dirname(os.path.dirname(desktop.own))):
        if path in (link, os.path.dirname(link)):
            break
        os.rmdir(path)
    if case == "made":
        os.makedirs(f"{secret}/new")
    if os.path.isdir(link):
        os.rmdir(link)
    os.symlink(target, link)
    os.lchown(link, 1000, 1000)

    def tree():
        return sorted((base, tuple(dirs), tuple(files)) for base, dirs, files in os.walk(secret))

    before = tree()
    for words in (("add", "game", "wlp6s0"), ("add", link if case == "entry" else "game", "enp7s0", "--replace"),
                  ("remove", "via-iface-game-wlp6s0"), ("list", "--json")):  # fmt: skip
        done = desktop.via("desktop", *words)
        assert "Secret" not in done.out and (case == "entry" or "wlp6s0" not in done.out), done
        if case != "entry" and words[0] in ("add", "list"):
            assert done.code == 125 and "symbolic link of another user" in done.err, done
        if case == "entry" and words[0] == "add":
            with open(done.out.strip() or "/dev/null") as f:
                assert "Secret" not in f.read()
        assert tree() == before, f"{words} led root astray: {tree()}"
    if case == "entry":
        return
    os.lchown(link, 0, 0)
    done = desktop.via("desktop", "add", "game", "wlp6s0", check=True)
    assert tree() != before or case != "made", done


@timeout(150)
def test_a_second_try_keeps_its_name(lab):
    """A launch that others disturb is tried again inside the daemon: it finds nothing of its first
    try, neither a session of its name nor one that only the kernel knows."""
    for n in range(40):
        for _ in range(3):  # their ends disturb
            lab.via(lab.spare, "--", "true", check=True)
        held = lab.session(lab.wired, "--name", f"held{n}")
        lab.via("move", f"held{n}", lab.spare, check=True)
        held.finish()
