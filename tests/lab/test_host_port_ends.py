"""The ports of `--host-port` end with the session, whatever ends first: a program, all of them, the process
that serves them, the daemon. Who joins the session has the same ones."""

import os
import signal

from lab import needs, params
from test_host_port import HELPER, TCP, TOKEN, UDP, Servers, ask, helpers_gone, row_of


def test_nobody_listens(lab):
    """Where nobody listens on the host a connection is reset, and a server that comes later serves."""
    held = lab.session(lab.spare, "--name", "one", "--host-port", f"{TCP},{UDP}/udp")
    what = ("tcp", "127.0.0.1", TCP), ("tcp", "::1", TCP), ("udp", "127.0.0.1", UDP)
    told = ask(lab, "one", *what)
    assert told == ["ConnectionResetError", "ConnectionResetError", "TimeoutError"], told
    servers = Servers()
    servers.tcp("::1", TCP)
    servers.udp("::1", UDP)
    token = " " + TOKEN.decode()
    assert ask(lab, "one", *what) == ["tcp ::1" + token, "tcp ::1" + token, "udp ::1" + token]
    held.finish()
    servers.close()


def test_its_end(lab):
    """The ports end with the last program of the session, not with the first: a child goes on, and so
    does what `exec` brought. None of it is left afterwards."""
    before = lab.snapshot()
    servers = Servers()
    servers.tcp("127.0.0.1", TCP)
    first = lab.via_popen("--name", "one", "--host-port", TCP, lab.spare, "--", "sh", "-c", "echo ready; cat")
    first.expect("ready\n")
    (helper,) = lab.processes(HELPER)
    second = lab.via_popen("exec", "one", "--", "sh", "-c", "echo ready; cat")
    second.expect("ready\n")
    first.finish()
    answer = ["tcp 127.0.0.1 " + TOKEN.decode()]
    assert ask(lab, "one", ("tcp", "127.0.0.1", TCP)) == answer
    third = lab.via_popen("exec", "one", "--", "sh", "-c", "exec 3<&0; (echo ready; exec cat <&3) & exit 0")
    third.expect("ready\n")
    second.finish()
    assert ask(lab, "one", ("tcp", "127.0.0.1", TCP)) == answer
    assert lab.processes(HELPER) == [helper]
    third.finish()
    helpers_gone(lab)
    lab.wait_gone()
    lab.assert_same(before)
    servers.close()


@params("stop", "programs", "daemon")
def test_kills(lab, what):
    """After `stop`, or SIGKILL of all programs, no helper and no port is left; a killed daemon
    changes nothing."""
    servers = Servers()
    servers.tcp("127.0.0.1", TCP)
    held = lab.session(lab.spare, "--name", "one", "--host-port", TCP)
    if what == "daemon":
        os.kill(lab.daemon_pid(), signal.SIGKILL)
        assert ask(lab, "one", ("tcp", "127.0.0.1", TCP)) == ["tcp 127.0.0.1 " + TOKEN.decode()]
        held.finish()
    elif what == "stop":
        with lab.namespace_of(held.pid, "inside"):
            lab.via("stop", "one", check=True)
            helpers_gone(lab)
            listening = lab.run("ss -Htuln", ns="inside", check=True).out
            assert not [l for l in listening.splitlines() if f":{TCP} " in l], listening
        held.finish()
    else:
        for pid in row_of(lab, "one")["pids"]:
            os.kill(pid, signal.SIGKILL)
    helpers_gone(lab)
    lab.wait_gone()
    servers.close()


def test_helper_is_killed(lab):
    """The session goes on, and the port refuses; a launch that joins it with the option serves the
    port again, while one beside a helper leaves it as it is."""
    servers = Servers()
    servers.tcp("127.0.0.1", TCP)
    held = lab.session(lab.spare, "--name", "one", "--host-port", TCP)
    (helper,) = lab.processes(HELPER)
    answer = ["tcp 127.0.0.1 " + TOKEN.decode()]
    lab.via("--join", "one", "--host-port", TCP, lab.spare, "--", "true", check=True)
    lab.wait(lambda: lab.processes(HELPER) == [helper], 5, "the end of the one that was not needed")
    os.kill(helper, signal.SIGKILL)
    helpers_gone(lab)
    assert ask(lab, "one", ("tcp", "127.0.0.1", TCP)) == ["ConnectionRefusedError"]
    assert lab.via("exec", "one", "--", "curl", "-s", lab.url, check=True).out.strip() == lab.spare.addr
    joined = lab.via_popen("--join", "one", "--host-port", TCP, lab.spare, "--", "sh", "-c", "echo ready; cat")
    joined.expect("ready\n")
    assert ask(lab, "one", ("tcp", "127.0.0.1", TCP)) == answer
    joined.finish()
    assert ask(lab, "one", ("tcp", "127.0.0.1", TCP)) == answer  # the first program is still there
    held.finish()
    helpers_gone(lab)
    servers.close()


def test_join(lab):
    """Who joins a session has the same ports, and says so."""
    held = lab.session(lab.spare, "--name", "game", "--host-port", f"{TCP},{UDP}/udp")
    plain = lab.session(lab.spare, "--name", "plain")
    done = lab.via("--join", "game", lab.spare, "--", "true")
    assert done.code == 125 and f"it has --host-port, which was not asked for; give --host-port {TCP},{UDP}/udp" in done.err
    done = lab.via("--join", "game", "--host-port", f"{TCP},{UDP}/udp", lab.spare, "--", "true", check=True)
    for name, ports in (("game", f"{TCP}"), ("plain", f"{TCP}"), ("game", f"{TCP},{UDP}")):
        done = lab.via("--join", name, "--host-port", ports, lab.spare, "--", "true")
        assert done.code == 125 and "it runs without this --host-port" in done.err, done
    held.finish()
    plain.finish()


@needs("root")
def test_not_with_keep(lab):
    done = lab.via("--keep", "--host-port", TCP, lab.spare, "--", "true")
    assert done.code == 125 and "leave out --host-port or --keep" in done.err, done
    assert not lab.processes(HELPER)


def test_ended_by_a_failed_launch(lab):
    """A launch that fails after the helper was started leaves none."""
    for words in (["--host-port", TCP, "--mtu", 1280, "nosuchuplink0", "--", "true"], ["--host-port", TCP, lab.spare, "--", "/dev/null"]):
        assert lab.via(*words).code in (125, 126)
        helpers_gone(lab)
    lab.wait_gone()
