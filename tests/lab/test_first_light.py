"""One program through one uplink: the right way out, in place, and nothing left behind."""

import os
import signal

from lab import needs, params, program, topology

JSON_KEYS = set(
    "name id uplink uplinks state reason uid user pids netns ifname ifindex device device_ifindex"
    " container address address6 rx_bytes tx_bytes since share host_ports limits published".split()
)


def one_line(result, code, *words):
    """It failed in the way it should: this status, nothing on standard output, one line that
    names the thing."""
    assert result.code == code, f"exit {result.code}, not {code}\n{result}"
    assert result.out == "", f"standard output should be empty\n{result}"
    lines = result.err.splitlines()
    assert len(lines) == 1 and len(lines[0]) > 20, f"not one line that explains\n{result}"
    for word in words:
        assert word in lines[0], f"{word!r} is not in the message\n{result}"
    return lines[0]


# --- the way out --------------------------------------------------------------------------------


def test_exit_addresses(lab):
    wired, spare = lab.capture_wired(token="by-the-spare"), lab.capture_spare()
    assert lab.curl() == lab.wired.addr

    done = lab.via(lab.spare, "--", "curl", "-s", "-A", "by-the-spare", lab.url)
    assert (done.code, done.out, done.err) == (0, lab.spare.addr + "\n", ""), done

    held = lab.session()
    assert lab.curl() == lab.wired.addr
    held.finish()
    assert lab.curl() == lab.wired.addr
    lab.wait_gone()
    assert lab.curl() == lab.wired.addr

    assert wired.leaks() == []
    assert wired.answers() == []
    assert sum(f.dport == 80 and "S" in f.flags for f in wired.stop()) == 4
    assert any(f.src == lab.spare.addr and f.dport == 80 for f in spare.stop())


def test_the_wired_card_is_an_uplink_too(lab):
    spare = lab.capture_spare()
    done = lab.via(lab.wired, "--", "curl", "-s", lab.url)
    assert (done.code, done.out) == (0, lab.wired.addr + "\n"), done
    assert [f for f in spare.stop() if f.eth == "ip" and f.dir == "in"] == []


def test_bulk(lab):
    wired = lab.capture_wired()
    data = os.path.join(lab.tmp, "data")
    with open(data, "wb") as f:
        f.write(os.urandom(1 << 20) * 20)
    size = str(20 << 20)
    script = f"curl -s {lab.url}bytes/{size} | wc -c; curl -s -T {data} {lab.url}; sha256sum {data}"
    done = lab.via(lab.spare, "--", "sh", "-c", script, timeout=30)
    down, up, sent, had, _ = done.out.split()
    assert (down, up, sent) == (size, size, had), done
    assert wired.leaks() == []


@params("wlp6s0", "wlp6s0 --", "run wlp6s0 --")
def test_ways_to_say_it(lab, words):
    done = lab.via(*words.split(), "curl", "-s", lab.url)
    assert (done.code, done.out, done.err) == (0, lab.spare.addr + "\n", ""), done


def test_two_at_once(lab):
    script = f"read x; curl -s {lab.url}; cat"
    one, two = lab.session(script=script), lab.session(lab.wired, script=script)
    for session, uplink in ((one, lab.spare), (two, lab.wired)):
        session.write("go\n")
        session.expect(uplink.addr + "\n")
    one.finish()
    assert two.running()
    two.finish()
    lab.wait_gone()


# --- in place -----------------------------------------------------------------------------------


def test_same_process(lab):
    started = lab.via_popen(lab.spare, "--", "sh", "-c", "echo $$; exec cat")
    assert started.expect("\n").strip() == str(started.pid)
    lab.wait(lambda: comm(started.pid) == "cat", 2, "sh has become cat")
    assert started.finish().code == 0


def test_same_environment(lab):
    """What a program can see of itself is what it would see without us."""
    script = (
        "env | sort; pwd; umask; cat /proc/$$/limits /proc/$$/personality /proc/$$/cgroup;"
        " grep -E '^(Uid|Gid|Groups|NoNewPrivs|Seccomp|Sig(Blk|Ign|Cgt)|Cap)' /proc/self/status;"
        " ls /proc/$$/fd; ps -o ppid=,pgid=,sid=,tty= $$"
    )
    env = {"LD_LIBRARY_PATH": "/nowhere", "ODD": "a\nb = c", "EMPTY": ""}
    more = {"env": env, "cwd": "/usr", "umask": 0o137}
    plain = lab.run(["sh", "-c", script], **more)
    inside = lab.via(lab.spare, "--", "sh", "-c", script, **more)
    assert plain.code == inside.code == 0, inside
    assert inside.out == plain.out, lab.difference({"self": plain.out}, {"self": inside.out})


def test_exit_status(lab):
    seven = lab.via(lab.spare, "--", "sh", "-c", "exit 7")
    assert seven.code == 7, seven
    fault = lab.via(lab.spare, "--", "sh", "-c", "kill -SEGV $$")
    assert fault.code == -signal.SIGSEGV, fault
    quiet = lab.via(lab.spare, "--", "true")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", ""), quiet


def test_terminal(lab):
    """Ctrl-C, and Ctrl-Z with fg, as typed in a shell."""
    command = f"{program('via-iface')} {lab.spare} -- sh -c 'echo pid=$$.; exec sleep 60'\n"
    with lab.shell() as shell:
        shell.send(command)
        shell.expect(r"\npid=\d+\.")
        shell.send("\x03")
        shell.expect("prompt> ")
        shell.send("echo code=$?.\n")
        shell.expect(r"\ncode=130\.")

        shell.send(command)
        pid = shell.expect(r"\npid=(\d+)\.").group(1)
        shell.send("\x1a")
        shell.expect("Stopped")
        shell.expect("prompt> ")
        shell.send("jobs -p; ps -o stat= $(jobs -p)\n")
        shell.expect(rf"\n{pid}\nT")
        shell.expect("prompt> ")
        shell.send("fg\n")
        shell.expect("exec sleep 60'\n")
        lab.wait(lambda: state(pid) in "SR", 2, "the stopped program runs again")
        shell.send("\x03")
        shell.expect("prompt> ")
        shell.send("echo again=$?.\n")
        shell.expect(r"\nagain=130\.")
    lab.wait_gone()


def comm(pid):
    with open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


def state(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


# --- nothing is left ----------------------------------------------------------------------------


def test_nothing_left(lab):
    before = lab.snapshot()
    lab.via(lab.spare, "--", "curl", "-s", lab.url, check=True)
    held = lab.session()
    assert lab.difference(before, lab.snapshot()), "a session that shows nowhere?"
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


def test_linger(lab):
    """One daemon serves launches in a row, and is gone a little after the last."""
    held = lab.session()
    pid = lab.daemon_pid()
    assert pid
    held.finish()
    lab.via(lab.spare, "--", "true", check=True)
    assert lab.daemon_pid() == pid
    lab.wait_gone(5, by_itself=True)


def test_daemon_is_on_its_own(lab):
    """Started by a launch, it holds nothing of the launcher's: no terminal, no session, no
    descriptor, no directory, none of its environment."""
    read, write = os.pipe()
    held = lab.session(env={"SECRET": "of-the-caller"}, pass_fds=(write,))
    pid = lab.daemon_pid()
    for each in lab.daemon_pids():
        assert os.getsid(each) != os.getsid(0)
        with open(f"/proc/{each}/environ") as f:
            assert "of-the-caller" not in f.read()
        assert os.readlink(f"/proc/{each}/cwd") == "/"
        kinds = [os.readlink(f"/proc/{each}/fd/{fd}") for fd in os.listdir(f"/proc/{each}/fd")]
        assert os.readlink(f"/proc/self/fd/{write}") not in kinds, kinds
        assert not [k for k in kinds if "pts" in k], kinds
    assert pid != held.pid
    os.close(read)
    os.close(write)
    held.finish()


# --- failures -----------------------------------------------------------------------------------

POOLS = ("10.209.", "10.213.", "172.29.", "100.99.")


def take_every_pool(lab):
    """Each in another way: a wider route, a narrower one in a table of its own, an address, and
    something unreachable."""
    lab.ip(f"route add 10.208.0.0/12 via {lab.wired.gateway}")
    lab.ip("route add 172.29.209.0/30 dev enp7s0 table 4711")
    lab.ip("addr add 100.99.211.7/32 dev lo")
    lab.ip("route add unreachable 10.213.2.0/24")


FAILURES = {
    "unknown": ("true", "nosuch0", ("nosuch0",)),
    "down": ("ip link set wlp6s0 down", "wlp6s0", ("wlp6s0", "down")),
    "no_address": ("ip addr flush dev wlp6s0", "wlp6s0", ("wlp6s0", "address")),
    "no_gateway": (
        "ip route del default dev wlp6s0; ip -6 route del default dev wlp6s0",
        "wlp6s0",
        ("wlp6s0", "gateway"),
    ),
    "pools_taken": (take_every_pool, "wlp6s0", ()),
    "foreign_bridge": ("ip link add via0 type bridge", "wlp6s0", ("via0",)),
    "foreign_veth": ("ip link add via0 type veth peer name other", "wlp6s0", ("via0",)),
}


@params(**FAILURES)
def test_refused(lab, case):
    prepare, uplink, words = case
    if callable(prepare):
        prepare(lab)
    else:
        lab.run(prepare, check=True)
    before = lab.snapshot()
    line = one_line(lab.via(uplink, "--", "echo", "it ran"), 125, *words)
    if prepare is take_every_pool:
        assert any(pool in line for pool in POOLS), line
    lab.wait(lambda: not lab.daemon_pids(), 6, "the daemon's end")
    lab.assert_same(before)


@needs("root")
def test_refused_to_a_user_without_daemon(lab):
    before = lab.snapshot()
    one_line(lab.via(lab.spare, "--", "echo", "it ran", user=1000), 125)
    assert lab.daemon_pids() == []
    lab.assert_same(before)


@params(
    missing=("no-such-program", 127),
    missing_path=("/no/such/program", 127),
    plain_file=("/etc/passwd", 126),
    directory=("/usr", 126),
)
def test_program_cannot_run(lab, case):
    name, code = case
    before = lab.snapshot()
    one_line(lab.via(lab.spare, "--", name), code, name)
    lab.wait_gone()
    lab.assert_same(before)


@params("", "wlp6s0", "wlp6s0 --", "--nonsense wlp6s0 -- true", "-- true")
def test_usage(lab, words):
    done = lab.via(*words.split())
    assert done.code == 125, done
    assert done.out == "" and done.err, done
    assert lab.daemon_pids() == []


# --- plan ---------------------------------------------------------------------------------------


def split_plan(text):
    do, mark, undo = text.partition("# to undo\n")
    assert mark, f"no '# to undo' line in:\n{text}"
    assert do.strip() and undo.strip()
    return do, undo


@params("plan", "--dry-run")
def test_plan_changes_nothing(lab, word):
    before = lab.snapshot()
    words = ["plan", lab.spare] if word == "plan" else ["--dry-run", lab.spare, "--", "true"]
    done = lab.via(*words)
    assert done.code == 0 and done.err == "", done
    do, undo = split_plan(done.out)
    for tool in ("ip ", "nft ", "sysctl "):
        assert any(line.startswith(tool) for line in do.splitlines()), f"no {tool} in\n{do}"
    assert "via0" in do and lab.spare.dev in do
    assert lab.daemon_pids() == []
    lab.assert_same(before)


@needs("root")
def test_plan_as_a_user(lab):
    before = lab.snapshot()
    mine = lab.via("plan", lab.spare, user=1000)
    assert mine.code == 0, mine
    split_plan(mine.out)
    assert lab.daemon_pids() == []
    lab.assert_same(before)


@needs("root")  # a user namespace that maps one group refuses ping_group_range
@topology("split", "same")
def test_plan_can_be_pasted(lab):
    before = lab.snapshot()
    do, undo = split_plan(lab.via("plan", lab.spare, check=True).out)
    wired = lab.capture_wired()
    known = set(os.listdir("/run/netns"))
    lab.run(["sh", "-e"], input=do, check=True)
    made = set(os.listdir("/run/netns")) - known
    assert len(made) == 1, f"the plan should make one namespace: {made}"
    seen = lab.run(
        ["ip", "netns", "exec", made.pop(), "curl", "-s", "--max-time", "5", lab.url], check=True
    )
    assert seen.out.strip() == lab.spare.addr, seen
    assert lab.curl() == lab.wired.addr
    lab.run(["sh", "-e"], input=undo, check=True)
    assert wired.leaks() == []
    lab.assert_same(before)


# --- list ---------------------------------------------------------------------------------------


def test_list_empty(lab):
    before = lab.snapshot()
    assert lab.via("list", "--json", check=True).json() == []
    assert lab.via("list", check=True).code == 0
    assert lab.daemon_pids() == []
    lab.assert_same(before)


def test_list(lab):
    held = lab.session()
    text = lab.via("list", check=True).out
    assert "wlp6s0" in text and "sh" in text, text
    sessions = lab.via("list", "--json", check=True).json()
    assert len(sessions) == 1, sessions
    one = sessions[0]
    assert set(one) == JSON_KEYS, set(one) ^ JSON_KEYS
    expected = {
        "name": "sh",
        "uplink": "wlp6s0",
        "uplinks": ["wlp6s0"],
        "state": "up",
        "uid": 0,
        "user": "root",
        "netns": os.stat(f"/proc/{held.pid}/ns/net").st_ino,
    }
    assert {key: one[key] for key in expected} == expected, one
    assert held.pid in one["pids"] and one["ifname"].startswith("viap"), one
    assert lab.link_exists(one["ifname"])
    held.finish()
    lab.wait(lambda: lab.via("list", "--json").json() == [], 2, "an empty list")
    lab.wait_gone()
