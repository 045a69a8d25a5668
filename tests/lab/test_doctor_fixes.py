"""What `doctor` proposes can be typed: each test makes a situation, sees that finding with its object, runs
the command of its fix as it is printed, and sees the finding gone. Where no command can be right, the fix
says what a person has to do."""

import os

from lab import needs, params, program
from test_doctor_launch import command, mend, one, read


def doctor(lab, *words, **more):
    return read(lab.via("doctor", *words, "--json", **more))


def with_program(finding, words="true"):
    """The line with via-iface as it is found here, and a program in place of the word for one."""
    line = command(finding).replace("via-iface", program("via-iface"), 1)
    assert line.endswith(" -- PROGRAM"), finding
    return line.removesuffix("PROGRAM") + words


def paths(lab):
    return {"PATH": f"{os.path.dirname(program('via-iface'))}:{lab.env['PATH']}"}


def test_uplink_is_down(lab):
    lab.ip("link set wlp6s0 down")
    found = one(doctor(lab, lab.spare), "error", "no-uplink", "wlp6s0")
    assert "it is down" in found["text"] and command(found) == "sudo ip link set dev wlp6s0 up", found
    warned = one(doctor(lab, f"{lab.spare},{lab.wired}"), "warning", "uplink-unusable", "wlp6s0")
    assert command(warned) == command(found), warned
    mend(lab, found)
    lab.wait(lambda: not any("is down" in f["text"] for f in doctor(lab, lab.spare)), 5)


def test_uplink_has_no_gateway(lab):
    """Which gateway only a person can say: the word for it is to be replaced."""
    lab.ip("route flush default dev wlp6s0")
    lab.ip("-6 route flush default dev wlp6s0")
    for table in ("wlp6s0", "22016"):
        lab.ip(f"route flush table {table}", check=False)
    found = [f for f in doctor(lab, lab.spare) if f["id"] == "no-uplink"]
    assert [f["object"] for f in found] == ["wlp6s0"], found
    line = command(found[0])
    assert line == "sudo ip route add default via GATEWAY dev wlp6s0 metric 900", found
    lab.ip(line.removeprefix("sudo ip ").replace("GATEWAY", lab.spare.gateway))
    assert not [f for f in doctor(lab, lab.spare) if f["id"] == "no-uplink"]


def test_uplink_without_carrier_or_of_no_such_name(lab):
    """No command plugs in a cable; what there is, is shown by one."""
    ns, dev = lab.spare.far
    lab.ip(f"link set {dev} down", ns=ns)
    lab.wait(lambda: not lab.carrier("wlp6s0"), 5)
    found = one(doctor(lab, lab.spare), "error", "no-uplink", "wlp6s0")
    assert "it has no carrier" in found["text"] and found["fix"].startswith("plug in its cable"), found
    found = one(doctor(lab, "nosuch0"), "error", "no-uplink", "nosuch0")
    assert command(found) == "via-iface uplinks", found
    assert "enp7s0" in lab.run(command(found), env=paths(lab), check=True).out


def test_several_uplinks_of_which_none_serves(lab):
    for card in (lab.spare, lab.wired):
        lab.ip(f"link set {card} down")
    found = one(doctor(lab, "wlp6s0,enp7s0"), "error", "no-uplink", "wlp6s0,enp7s0")
    assert found["fix"] == "`via-iface uplinks` shows what there is, and what can serve", found


def test_proxy_variables(lab):
    env = {"http_proxy": "http://192.0.2.1:3128"}
    found = one(doctor(lab, lab.spare, env=env), "warning", "proxy", "environment")
    assert command(found) == "via-iface --no-proxy-env wlp6s0 -- PROGRAM", found
    done = lab.run(with_program(found, "env"), env=env, check=True)
    assert "http_proxy" not in done.out and "http_proxy" in lab.run("env", env=env).out, done
    done = lab.run(with_program(found, f"{program('via-iface-verbs')} live-once - -"), env=env, input="")
    assert done.code == 0, done


def test_ports_of_the_host(lab):
    lab.sysctl("net.ipv4.ip_local_port_range", "1024 65535")
    found = one(doctor(lab), "warning", "masquerade-ports", "net.ipv4.ip_local_port_range")
    mend(lab, found)
    assert doctor(lab) == []


def test_device_of_the_name_of_ours(lab):
    lab.ip("link add via0 type bridge")
    lab.ip("link set via0 up")
    found = one(doctor(lab), "error", "foreign-bridge", "via0")
    assert "who made it has to give it another name" in found["fix"], found
    mend(lab, found)
    assert doctor(lab) == [] and lab.link_exists("other0")


def test_addresses_that_came_later(lab):
    held = lab.session()
    lab.ip("route add 10.209.1.0/24 via 192.168.1.1 dev enp7s0")
    found = [f for f in doctor(lab) if f["id"] == "pool-overlap"]
    if not found:  # the pool is another one here
        pool = next(w for w in lab.ip("-4 -br addr show via0").split() if "/22" in w)
        lab.ip(f"route add {pool.rsplit('.', 2)[0]}.{int(pool.split('.')[2])}.128/25 via 192.168.1.1 dev enp7s0")
        found = [f for f in doctor(lab) if f["id"] == "pool-overlap"]
    assert len(found) == 1 and "route" in found[0]["object"], found
    assert "`sudo via-iface stop --all`" in found[0]["fix"], found
    lab.run(found[0]["fix"].split("`")[1].removeprefix("sudo "), env=paths(lab), check=True)
    held.finish()
    lab.wait_gone()
    again = lab.session()
    assert doctor(lab) == []
    again.finish()


@params("paused", "blocked")
def test_sessions(lab, state):
    held = lab.session(lab.spare, "--name", "game")
    if state == "paused":
        lab.via("pause", "game", check=True)
        found = one(doctor(lab), "info", "session-paused", "game")
        assert command(found) == "via-iface resume game", found
    else:
        lab.ip("link set wlp6s0 down")
        lab.wait(lambda: "session-blocked" in [f["id"] for f in doctor(lab)], 5)
        found = one(doctor(lab), "error", "session-blocked", "game")
        assert command(found) == "via-iface move game enp7s0", found
    lab.run(command(found), env=paths(lab), check=True)
    lab.wait(lambda: doctor(lab) == [], 5)
    held.finish()


def test_session_named_like_one_of_doctors(lab):
    """What a run of `doctor --live` starts is that run's to report; a session that a user named so is not."""
    held = lab.session(lab.spare, "--name", "doctor-1")
    lab.via("pause", "doctor-1", check=True)
    one(doctor(lab), "info", "session-paused", "doctor-1")
    held.finish()
    lab.wait_gone()
    lab.via("netns", "add", "doctor-2", "wlp6s0", check=True)
    lab.via("pause", "doctor-2", check=True)
    one(doctor(lab), "info", "session-paused", "doctor-2")
    lab.via("netns", "del", "doctor-2", check=True)


@needs("root")
@params("ip", "ip -6")
def test_routing_rule_at_zero(lab, ip):
    """In front of it no rule can be: the same rule behind is what its owner can live with."""
    held = lab.session()
    lab.run(f"{ip} route add blackhole default table 77", check=True)
    lab.run(f"{ip} rule add pref 0 fwmark 0x0/0x1000000 iif via0 lookup 77", check=True)
    found = [f for f in doctor(lab) if f["id"] == "routing-rule-first"]
    assert [f["object"] for f in found] == ["ip rule 0"], found
    assert "from all fwmark 0x0/0x1000000 iif via0 lookup 77) is asked before" in found[0]["text"], found
    mend(lab, found[0])
    assert "lookup 77" in lab.run(f"{ip} rule").out
    lab.wait(lambda: not [f for f in doctor(lab) if f["id"] == "routing-rule-first"], 5)
    held.finish()


def test_no_name_servers(lab):
    """The server that the line names is the one that the session asks."""
    lab.set_dns(lab.spare, [])
    lab.ip("addr flush dev wlp6s0")
    lab.ip("addr add 198.51.100.10/24 dev wlp6s0")
    lab.ip("route add default via 198.51.100.1 dev wlp6s0 metric 600")
    found = [f for f in doctor(lab, lab.spare) if f["id"] == "no-name-servers"]
    assert [(f["severity"], f["object"]) for f in found] == [("error", "wlp6s0")], found
    assert command(found[0]) == "via-iface --dns 9.9.9.9 wlp6s0 -- PROGRAM", found
    done = lab.run(with_program(found[0]), check=True)
    assert done.err == "", done
