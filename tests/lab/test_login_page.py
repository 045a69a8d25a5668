"""A network with a login page, as NetworkManager's check of connectivity finds it: its uplink counts as
one that cannot serve, sessions go to the next of their list or are blocked, and nothing gets there."""

import json
import os
import re
import signal

from lab import needs, write_file
from test_sources_of_name_servers import NM, NM_PATH, PROPERTIES, Services, variant
from test_who_may import Site

NONE, PORTAL, FULL = 1, 2, 4
REASON = "it is behind a login page"


def network_manager(lab, states):
    """Each card with its configuration, and what the check found: {dev: (IPv4, IPv6)}."""
    answers = {}
    for number, u in enumerate((lab.wired, lab.spare)):
        device, config = f"{NM_PATH}/Devices/{number}", f"{NM_PATH}/IP4Config/{number}"
        four, six = states[u.dev]
        answers[f"{NM_PATH} {NM}.GetDeviceByIpIface {u}"] = ["o", device]
        answers[f"{device} {PROPERTIES}.GetAll {NM}.Device"] = [
            "a{sv}",
            {"Ip4Config": variant("o", config), "Ip4Connectivity": variant("u", four), "Ip6Connectivity": variant("u", six)},
        ]
        answers[f"{config} {PROPERTIES}.GetAll {NM}.IP4Config"] = [
            "a{sv}",
            {"NameserverData": variant("aa{sv}", [{"address": variant("s", u.gateway)}]), "Gateway": variant("s", u.gateway)},
        ]
    url = f"http://{lab.spare.gateway}:8080/check"
    answers[f"{NM_PATH} {PROPERTIES}.GetAll {NM}"] = ["a{sv}", {"ConnectivityCheckUri": variant("s", url)}]
    return {"names": [NM], "answers": answers}


class Check:
    """What NetworkManager says of the spare card; the other one is always open."""

    def __init__(self, lab, four, six=FULL):
        self.lab = lab
        self.services = Services(lab, network_manager(lab, {lab.wired.dev: (FULL, FULL), lab.spare.dev: (four, six)}))

    def says(self, four, six=FULL):
        play = network_manager(self.lab, {self.lab.wired.dev: (FULL, FULL), self.lab.spare.dev: (four, six)})
        self.services.play(play, f"{NM_PATH}/Devices/1", f"{NM}.Device")


def session(lab, name):
    return next(s for s in lab.via("list", "--json").json() if s["name"] == name)


def uplink(lab, name):
    return next(u for u in lab.via("uplinks", "--json").json() if u["name"] == name)


@needs("tool:dbus-daemon")
def test_failover_and_block(lab):
    """In one family or both: who has another uplink goes there, who has none is blocked and told why, until
    the page is passed. Nothing of them leaves by that card meanwhile."""
    check = Check(lab, FULL)
    both = lab.session(f"{lab.spare},{lab.wired}", "--name", "both", script="exec sh")
    only = lab.session(lab.spare, "--name", "only", script="exec sh")
    assert uplink(lab, "wlp6s0")["portal"] is False and uplink(lab, "wlp6s0")["usable"]
    assert session(lab, "both")["uplink"] == "wlp6s0"
    check.says(PORTAL)
    lab.wait(lambda: session(lab, "both")["uplink"] == "enp7s0", 5, "the failover")
    lab.wait(lambda: session(lab, "only")["state"] == "blocked", 5, "the other one is blocked")
    told = session(lab, "only")
    assert (told["reason"], told["uplink"]) == (REASON, ""), told
    seen = uplink(lab, "wlp6s0")
    assert (seen["portal"], seen["usable"], seen["reason"]) == (True, False, REASON), seen
    assert uplink(lab, "enp7s0")["portal"] is False
    assert re.search(rf"^wlp6s0 .* no .*{REASON}", lab.via("uplinks").out, re.M), lab.via("uplinks").out
    assert REASON in lab.via("status", "only").out and REASON in lab.via("status", "both").out
    eye = lab.capture_spare()
    only.write(f"curl -s -m 2 {lab.url}; echo curl $?\n")
    only.expect("curl 7", 10)
    assert not [f for f in eye.stop() if lab.server in (f.src, f.dst)], "nothing leaves by it"
    done = lab.via(lab.spare, "--", "true")
    assert done.code == 125 and f"use uplink 'wlp6s0': {REASON}" in done.err, done
    moved = [json.loads(line) for line in lab.via("log", "both", "--json").out.splitlines()]
    assert [(e["event"], e["reason"]) for e in moved if e["event"] == "failover"] == [("failover", REASON)], moved
    check.says(FULL, PORTAL)
    lab.via("log", check=True)
    assert session(lab, "only")["state"] == "blocked", "one family will do"
    check.says(FULL)
    lab.wait(lambda: session(lab, "only")["state"] == "up", 5, "the block is over")
    only.write(f"curl -s -m 5 {lab.url}\n")
    only.expect(lab.spare.addr)
    lab.wait(lambda: session(lab, "both")["uplink"] == "wlp6s0", 15, "the return")
    check.says(NONE)
    assert session(lab, "only")["state"] == "up", "no connectivity is the failover's own to find"
    for held in (both, only):
        held.finish()


# Behind the uplink: whatever is asked leads to the page, until somebody has logged in.
LOGIN = """
import http.server
passed = set()
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/login?room=12":
            passed.add(True)
        at_page = passed or self.path.startswith("/login")
        self.send_response(200 if at_page else 302)
        if not at_page:
            self.send_header("Location", "/login")
        self.end_headers()
        self.wfile.write(b"welcome\\n" if passed else b"please log in\\n" if at_page else b"")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("", 8080), Page)
print("ready", flush=True)
server.serve_forever()
"""
# As its page could do: the login, then whatever else there is.
BROWSER = """#!/bin/sh
for url; do :; done
echo "words $*"
for word; do case $word in --user-data-dir=*) dir=${word#*=}; mkdir -p "$dir/a"; touch "$dir/a/cookies"; ls -ld "$dir";; esac; done
getent ahostsv4 who.test
curl -s -L -m 5 "$url"
for to in $ATTACK; do curl -s -m 2 -o /dev/null "http://$to/"; echo "attack $to $?"; done
curl -s -m 5 "${url%check}login?room=12"
echo done
exec cat
"""


def open_page(lab, start, *words, env=None):
    """The verb, once its browser has done all it does; what that printed, and its profile."""
    run_dir = os.path.join(lab.tmp, "run")
    if not os.path.exists(run_dir):
        os.makedirs(run_dir)
        os.chmod(run_dir, 0o777)
    bin_dir = os.path.join(lab.tmp, "browsers")
    os.makedirs(bin_dir, exist_ok=True)
    write_file(os.path.join(bin_dir, "chromium"), BROWSER)
    os.chmod(os.path.join(bin_dir, "chromium"), 0o755)
    env = {"PATH": f"{bin_dir}:{lab.env['PATH']}", "XDG_RUNTIME_DIR": run_dir, "http_proxy": "http://10.0.0.1:3", **(env or {})}
    opened = start("portal", *words, lab.spare, env=env)
    opened.expect("done\n", 30)
    (profile,) = os.listdir(run_dir)
    return opened, opened.out.decode(), os.path.join(run_dir, profile)


def login_server(lab, u):
    """The login page of that uplink's network, on its gateway and on a machine of its LAN."""
    near = f"{u.gateway.rpartition('.')[0]}.77"
    lab.ip(f"addr add {near}/24 dev lan", ns=u.router)
    server = lab.popen(["python3", "-c", LOGIN], ns=u.router)
    server.expect("ready\n")
    return f"{near}:8080"


@needs("tool:dbus-daemon")
def test_the_page_is_opened(lab):
    """With the uplink's name servers, in a throw-away profile; of the LAN its session reaches the gateway alone,
    and nothing of other sessions, the host or another uplink. The others stay blocked until the page is passed."""
    near = login_server(lab, lab.spare)
    check = Check(lab, FULL)
    other = lab.session(lab.spare, "--name", "other", script="exec sh")
    other.write(f"curl -s -m 5 -L http://{near}/\n")
    other.expect("please log in")  # an ordinary session reaches that host
    with lab.namespace_of(other.pid, "other"):
        inner = lab.popen(["python3", "-m", "http.server", "80"], ns="other")
        outer = lab.popen(["python3", "-m", "http.server", "8081"])
        lab.wait(lambda: lab.run(["ss", "-Hltn", "sport = 80"], ns="other").out, 10, "the server of a session")
    lab.wait(lambda: lab.run(["ss", "-Hltn", "sport = 8081"]).out, 10, "the host's server")
    check.says(PORTAL)
    lab.wait(lambda: session(lab, "other")["state"] == "blocked", 5, "it is blocked")
    refused = lab.via(lab.spare, "--", "true")
    assert refused.code == 125 and f"{REASON}; log in by `via-iface portal wlp6s0`" in refused.err, refused
    for verb in (("status", "other"), ("uplinks",), ("doctor", lab.spare)):
        assert "log in by `via-iface portal wlp6s0`" in lab.via(*verb).out, verb
    there = session(lab, "other")
    targets = [near, f"{there['address']}:80", f"[{there['address6']}]:80", f"{lab.spare.addr}:8081", f"{lab.wired.addr}:8081"]
    targets += [f"{lab.wired.gateway}:53", f"[{lab.wired.addr6}]:8081", "10.0.0.1:80"]
    wired, eye = lab.capture_wired(), lab.capture_spare()
    opened, shown, profile = open_page(lab, lab.via_popen, env={"ATTACK": " ".join(targets)})
    assert f" --user-data-dir={profile} http://{lab.spare.gateway}:8080/check\n" in shown and "drwx------" in shown, shown
    assert "please log in\n" in shown and shown.endswith("welcome\ndone\n"), shown
    assert lab.spare.dns in shown, shown
    results = dict(re.findall(r"^attack (\S+) (\d+)$", shown, re.M))
    assert set(results) == set(targets) and "0" not in results.values(), shown
    assert not [f for f in eye.stop() if f.dst in ("10.0.0.1", near.partition(":")[0])], "nothing to the LAN"
    own = session(lab, "portal")
    assert (own["state"], own["uplink"]) == ("up", "wlp6s0"), own
    assert "portal" in re.search(r"^ *options (.*)", lab.via("status", "portal").out, re.M)[1]
    assert session(lab, "other")["state"] == "blocked"
    assert not wired.leaks(), wired.leaks()
    opened.kill()
    opened.popen.wait()
    assert os.path.exists(f"{profile}/a/cookies") and session(lab, "portal")["state"] == "up"
    opened.popen.stdin.close()
    lab.wait(lambda: not os.path.exists(profile), 10, "the profile is gone")
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 10, "its session ends")
    check.says(FULL)
    lab.wait(lambda: session(lab, "other")["state"] == "up", 5, "the page is passed")
    other.write(f"curl -s -m 5 {lab.url}\n")
    other.expect(lab.spare.addr)
    for helper in (inner, outer):
        helper.kill()
    other.finish()


@needs("tool:dbus-daemon")
def test_browser(lab):
    """One that is named; it is ended with the verb, and the profile with it. With --lan it reaches the LAN."""
    near = login_server(lab, lab.spare)
    Check(lab, PORTAL)
    opened, shown, profile = open_page(lab, lab.via_popen, "--browser", "chromium", "--lan", env={"ATTACK": near})
    assert f"attack {near} 0\n" in shown, shown
    assert re.search(r"options  .*portal --lan", lab.via("status", "portal").out)
    opened.kill(signal.SIGTERM)
    assert opened.finish(close=False).code == 128 + signal.SIGTERM
    assert not os.path.exists(profile) and "please log in" in shown
    for words, why in (
        ((lab.spare, "--browser", "no-such-browser"), "no-such-browser"),
        ((f"{lab.spare},{lab.wired}",), "name one uplink"),
        (("nowhere9", "--browser", "true"), "no such interface"),
        ((), "UPLINK"),
    ):
        done = lab.via("portal", *words, env={"XDG_RUNTIME_DIR": os.path.dirname(profile)})
        assert done.code == 125 and why in done.err and not os.listdir(os.path.dirname(profile)), done


@needs("root", "tool:setcap", "tool:setpriv", "tool:dbus-daemon")
def test_who_may(lab):
    """Whom the access policy lets use that uplink, with its LAN; and nobody else's session is reached by it."""
    login_server(lab, lab.spare)
    site = Site(lab)
    site.policy("[alice]\nuplinks = wlp6s0\n[bob]\nuplinks = enp7s0\n[carol]\nuplinks = wlp6s0\nlan = no\n")
    Check(lab, PORTAL)
    opened, shown, profile = open_page(lab, lambda *w, env: lab.popen(site._as("alice", (), [f"{site.bin}/via-iface", *w]), env=env))
    assert "please log in" in shown and os.stat(profile).st_uid == 1000, shown
    assert session(lab, "portal")["uid"] == 1000
    for user, why in (("bob", "wlp6s0"), ("carol", "lan")):
        done = site.via(user, "portal", "--browser", "true", lab.spare)
        assert done.code == 125 and why in done.err, done
    stopped = site.via("bob", "exec", "portal", "--", "true")
    assert stopped.code == 125 and "belongs to uid 1000" in stopped.err, stopped
    opened.finish()
    lab.wait(lambda: not os.path.exists(profile), 10, "the profile is gone")
