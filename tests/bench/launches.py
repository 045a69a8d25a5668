"""What a launch costs: warm, cold, of many at once, of a shell; beside the floor, and peers."""

import os
import shutil
import signal
import time

from clock import Took, Turns, cpu_of, place_of, spawn

HAND = """
ip netns add hand$$
ip link add h$$ type veth peer name eth0 netns hand$$
ip addr add 10.218.0.1/24 dev h$$
ip link set h$$ up
ip -n hand$$ addr add 10.218.0.2/24 dev eth0
ip -n hand$$ link set eth0 up
ip -n hand$$ link set lo up
ip -n hand$$ route add default via 10.218.0.1
ip rule add iif h$$ lookup 500 priority 3000
nft add table ip hand$$
nft add chain ip hand$$ post '{ type nat hook postrouting priority srcnat; }'
nft add rule ip hand$$ post ip saddr 10.218.0.0/24 masquerade
ip netns exec hand$$ true
nft delete table ip hand$$
ip rule del iif h$$ lookup 500
ip netns del hand$$
"""

PEERS = {
    "hand recipe": ["sh", "-ec", HAND],
    "pasta": ["pasta", "--config-net", "--", "true"],
    "slirp4netns": [
        "sh", "-ec",
        "unshare -n sh -c 'read x; true' <>/dev/null & slirp4netns -c $! tap0 -r 3 3>&1 & wait %1",
    ],
    "firejail": ["firejail", "--quiet", "--noprofile", "--net=enp7s0", "true"],
}  # fmt: skip


def floor_up(lab):
    lab.netns("floor")
    lab.run(
        "ip link add floor0 type bridge; ip addr add 10.217.0.1/16 dev floor0;"
        " ip addr add fd17::1/64 dev floor0 nodad; ip link set floor0 up",
        ns="floor",
        check=True,
    )


def row_of(turns, part, name, command, floor="floor", aim=""):
    """One row: the clock's ratio, and the processor's."""
    return {
        "part": part, "name": name, "unit": "ms", "aim": aim,
        "without": turns.median(floor) * 1e3, "with": turns.median(command) * 1e3,
        "ratio": turns.ratio(command, floor), "cpu_ratio": turns.ratio(command, floor, "cpu"),
        "cpu_without": turns.median(floor, "cpu") * 1e3,
        "cpu_client": turns.median(command, "client") * 1e3,
        "cpu_daemon": turns.median(command, "daemon") * 1e3,
    }  # fmt: skip


def warm(bench):
    lab, true = bench.lab, bench.true
    held = lab.session()
    shell = ["/bin/sh", "-c", ":"]
    commands = {
        "alone": [true], "floor": [bench.tool("floor"), "floor0", true], "via": [*bench.via, true],
        "shell": shell, "via shell": [*bench.via, *shell],
    }  # fmt: skip
    turns = Turns(lab, commands).run(bench.args.launches)
    row = row_of(turns, "launch", "launch of `true`, warm", "via", aim="0.9 (spare), 1.5")
    yield row
    for what in ("wall", "cpu"):
        extra = [turns.median(a, what) - turns.median(b, what) for a, b in (("via shell", "shell"), ("via", "alone"))]
        row = {"part": "launch", "name": f"`sh -c :` beyond outside, against `true` ({what})", "unit": "ms"}
        yield {**row, "without": extra[1] * 1e3, "with": extra[0] * 1e3, "ratio": extra[0] / extra[1], "aim": "1.03"}
    held.finish()


def cold(bench):
    lab, true = bench.lab, bench.true

    def before(_):
        for pid in lab.daemon_pids():
            os.kill(pid, signal.SIGTERM)
        lab.wait(lambda: not lab.daemon_pids(), 10)

    commands = {"floor": [bench.tool("floor"), "floor0", true], "via": [*bench.via, true]}
    turns = Turns(lab, commands, before=before)
    turns.daemon = None
    yield row_of(turns.run(max(5, bench.args.launches // 8)), "launch", "launch of `true`, cold", "via", aim="3")


def at_once(lab, name, command, n):
    start, cpu = time.monotonic(), os.times()
    daemon = cpu_of(lab.daemon_pid())
    with lab.inside(place_of(name)):
        pids = [spawn(lab, command) for _ in range(n)]
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0, command
    wall, now = time.monotonic() - start, os.times()
    used = now.children_user + now.children_system - cpu.children_user - cpu.children_system
    return Took(wall / n, used / n, (cpu_of(lab.daemon_pid()) - daemon) / n)


def burst(bench):
    lab, true = bench.lab, bench.true
    held = lab.session()
    turns = Turns(lab, {"floor": [bench.tool("floor"), "floor0", true], "via": [*bench.via, true]})
    for _ in range(max(3, bench.args.launches // 20)):
        for name, command in turns.commands.items():
            turns.taken[name].append(at_once(lab, name, command, 20))
            time.sleep(0.3)
    held.finish()
    yield row_of(turns, "launch", "launch of `true`, 20 at once", "via", aim="1.5")


def peers(bench):
    lab = bench.lab
    needs = {name: "ip" if name == "hand recipe" else name for name in PEERS}
    there = {name: command for name, command in PEERS.items() if shutil.which(needs[name])}
    commands = {"floor": [bench.tool("floor"), "floor0", bench.true], **there}
    turns = Turns(lab, commands)
    turns.daemon = None
    turns.run(max(5, bench.args.launches // 15), warm_up=1)
    for name in there:
        yield row_of(turns, "peers", name, name)
