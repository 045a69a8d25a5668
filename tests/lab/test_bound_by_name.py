"""Programs that are told to bind to the uplink by its name, or by an address: the device inside takes
the uplink's name, and one line says what else to type where that is not enough."""

import os

from lab import needs, params, write_file
from faults import nothing_left

BIND = """
import http.client, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
assert socket.if_nametoindex(sys.argv[1]) == socket.if_nametoindex("eth0")
s.settimeout(5)
s.connect((sys.argv[2], 80))
server = http.client.HTTPConnection(sys.argv[2])
server.sock = s
server.request("GET", "/")
print(server.getresponse().read().decode().strip())
"""


def programs(name, server, url):
    return {
        "curl": ["curl", "-sg", "-m", "5", "--interface", name, url],
        "curl_if": ["curl", "-sg", "-m", "5", "--interface", f"if!{name}", url],
        "python": ["/usr/bin/python3", "-c", BIND, name, server],
    }


def bound(lab, name, run, address, address6):
    for server, url, wanted in ((lab.server, lab.url, address), (lab.server6, lab.url6, address6)):
        for what, command in programs(name, server, url).items():
            done = run(command)
            assert (done.code, done.out.strip(), done.err) == (0, wanted, ""), f"{what}: {done}"


@needs("tool:curl")
def test_by_the_uplinks_name(lab):
    """As outside, both families; and the session that has moved still goes by that name."""
    u = lab.spare
    for command in programs(u.dev, lab.server, lab.url).values():
        if "/usr/bin/python3" not in command:  # there is no eth0 outside
            assert lab.run(command).out.strip() == u.addr
    bound(lab, u.dev, lambda command: lab.via(u, "--", *command), u.addr, u.addr6)
    held = lab.session(u, "--name", "game")
    lab.via("move", "game", lab.wired, check=True)
    bound(lab, u.dev, lambda command: lab.via("exec", "game", "--", *command), lab.wired.addr, lab.wired.addr6)
    held.finish()
    nothing_left(lab)


@needs("tool:curl", "tool:ping")
def test_address_of_the_host(lab):
    """It cannot be bound to inside: told, with what to leave out; without that it works."""
    u = lab.spare
    for address, server in ((u.addr, lab.server), (u.addr6, lab.server6), (lab.wired.addr, lab.server)):
        done = lab.via(u, "--", "ping", "-c", "1", "-W", "5", "-I", address, server)
        assert done.code != 0 and done.err.startswith("via-iface: warning: ping: "), done
        assert f"leave out `-I {address}`: all traffic leaves by {u}" in done.err, done
    done = lab.via(u, "--", "env", "A=b", "nice", "curl", "-s", "-m", "5", "--interface", u.addr, lab.url)
    assert done.code == 45 and f"leave out `--interface {u.addr}`" in done.err, done  # CURLE_INTERFACE_FAILED
    assert len(done.err.splitlines()) == 1, done
    done = lab.via(u, "--", "echo", f"--bind-address={u.addr}", check=True)
    assert f"leave out `--bind-address={u.addr}`: " in done.err, done
    assert lab.via("-q", u, "--", "echo", f"--bind-address={u.addr}", check=True).err == ""
    for words in (["--interface", "127.0.0.1"], ["-s", u.addr], ["--interface", "192.0.2.99"], [u.addr],
                  ["--", "--interface", u.addr]):  # fmt: skip
        done = lab.via(u, "--", "echo", *words, check=True)
        assert done.err == "", done


def test_device_that_is_listed(lab):
    """Programs that look for it in a list of all devices."""
    write_file(f"{lab.tmp}/ssh", "#!/bin/sh\n")
    os.chmod(f"{lab.tmp}/ssh", 0o755)
    told = lab.via(lab.spare, "--", f"{lab.tmp}/ssh", "-B", lab.spare, "host", check=True)
    assert told.err == (f"via-iface: warning: ssh: device '{lab.spare}': its list of devices has eth0 alone inside;"
                        f" leave out `-B {lab.spare}`: all traffic leaves by {lab.spare}\n"), told  # fmt: skip
    assert lab.via(lab.spare, "--", f"{lab.tmp}/ssh", "-B", "eth0", "host", check=True).err == ""


@needs("tool:ping")
def test_ping(lab):
    for server in (lab.server, lab.server6):
        done = lab.via(lab.spare, "--", "ping", "-c", "1", "-W", "5", "-I", lab.spare.dev, server)
        assert done.code == 0 and " 0% packet loss" in done.out, done


def test_first_of_the_list(lab):
    """It is what was asked for first, though it cannot serve now; a kind means the first of that kind."""
    lab.ip(f"link set {lab.spare} down")
    done = lab.via(f"{lab.spare},{lab.wired}", "--", "ip", "-j", "link", "show", "dev", "eth0", check=True)
    assert done.json()[0]["altnames"] == [lab.spare.dev], done


@params("eth0", "fifteen-letters", "it's*")
def test_odd_names(lab, name):
    """An uplink that is called as the device inside has no need of it."""
    lab.run(["ip", "link", "set", "dev", lab.spare.dev, "name", name], check=True)
    done = lab.via(name, "--", "curl", "-sg", "-m", "5", "--interface", name, lab.url)
    assert (done.code, done.out.strip()) == (0, lab.spare.addr), done


def test_nothing_else_inside(lab):
    """It is a name more, no device more; an attached netns, which is not ours, has none."""
    done = lab.via(lab.spare, "--", "ls", "/sys/class/net", "/proc/sys/net/ipv4/conf", check=True)
    assert lab.spare.dev not in done.out, done
    lab.netns("box")
    lab.via("attach", "--netns", "box", lab.spare, check=True)
    assert "altname" not in lab.ip("link", ns="box")
    lab.via("detach", "--netns", "box", check=True)
