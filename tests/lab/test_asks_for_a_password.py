"""Where polkit wants a password and nobody asks for it, pkttyagent(1) does, on the terminal of the command."""

import os
import signal
import stat
import termios

import nsutil
from lab import needs, params, write_file
from test_who_may import NETDEV, POLKIT, POLKITD, Polkit, Site, start_polkitd

AGENT = "/usr/bin/pkttyagent"
NEEDS = (*POLKIT, f"tool:{AGENT}")

# Stands in for pkttyagent: writes down how it was started, says that polkitd knows it, and stays.
STAND_IN = """#!/usr/bin/python3 -I
import os, signal, sys
log = open({log!r}, "a", buffering=1)
pending = signal.pthread_sigmask(signal.SIG_BLOCK, [])
print("started", *sys.argv[1:], os.getppid(), os.getuid(), *pending, sorted(map(int, os.listdir("/proc/self/fd"))), os.getpid(), file=log)
{more}
signal.signal(signal.SIGTERM, lambda *_: (print("ended", file=log), os._exit(0)))
os.write(1, b"AGENT ASKS\\n")
os.close(3)
while True:
    signal.pause()
"""


class Agent:
    def __init__(self, lab, more="", mode=0o755):
        self.log = os.path.join(lab.tmp, "agent.log")
        path = os.path.join(lab.tmp, "pkttyagent")
        write_file(path, STAND_IN.format(log=self.log, more=more))
        os.chmod(path, mode)
        write_file(self.log, "")
        os.chmod(self.log, 0o666)
        os.chmod(lab.tmp, os.stat(lab.tmp).st_mode | stat.S_IXOTH)
        nsutil.mount(path, AGENT, flags=nsutil.MS_BIND)

    def lines(self):
        with open(self.log) as f:
            return f.read().splitlines()


def on_terminal(site, user, *words, groups=()):
    return site.lab.pty(site._as(user, groups, [f"{site.bin}/via-iface", *words]))


@needs(*NEEDS)
def test_run(lab):
    """The program runs in place; the agent was a child of the one that asked, and has ended before."""
    agent, polkit, site = Agent(lab), Polkit(lab, "challenge-first"), Site(lab)
    script = "read line < /proc/$$/task/$$/children; echo CHILDREN:$line.; curl -s $1; echo pid $$"
    with on_terminal(site, "bob", lab.spare, "--", "bash", "-c", script, "-", lab.url) as terminal:
        terminal.expect(rf"AGENT ASKS\nCHILDREN:\.\n{lab.spare.addr}\npid {terminal.pid}\n", 20)
    asked = [c["subject"]["pid"] for c in polkit.calls()]
    assert asked == [terminal.pid] * 2, asked
    started, *rest = agent.lines()
    assert started.startswith(f"started --notify-fd 3 {terminal.pid} 1001 [0, 1, 2, 3, 4"), started
    assert rest == ["ended"], rest


@needs(*NEEDS)
def test_move_and_attach(lab):
    agent, polkit, site = Agent(lab), Polkit(lab, "yes"), Site(lab)
    held = site.via_popen("bob", "--name", "game", lab.spare, "--", "sh", "-c", "echo ready; exec cat")
    held.expect("ready\n")
    polkit.tell("challenge-first")
    with on_terminal(site, "bob", "move", "game", str(lab.wired)) as terminal:
        terminal.expect(r"AGENT ASKS\n.*enp7s0", 20)
    polkit.tell("challenge-first")
    with lab.pty(site._as("bob", (), ["sh", "-c", "unshare -Urn sh -c 'echo INSIDE; exec sleep 30' & sleep 1; "
                                      f"exec {site.bin}/via-iface attach {lab.spare} --name box --pid $!"])) as terminal:
        terminal.expect("INSIDE", 20)
        terminal.expect(r"AGENT ASKS\n.*via-iface detach box", 20)
    assert [line.split()[0] for line in agent.lines()] == ["started", "ended"] * 2, agent.lines()
    held.finish()


NOT = ("--no-ask-password", "a pipe", "the background", "root", "allowed", "absent", "failing")


@needs(*NEEDS)
@params(*NOT)
def test_not_started(lab, case):
    """As where there is no agent: refused at once, with what to do."""
    agent = Agent(lab, more="sys.exit(1)" if case == "failing" else "", mode=0o644 if case == "absent" else 0o755)
    Polkit(lab, "challenge")
    site = Site(lab)
    options = ["--no-ask-password"] if case == "--no-ask-password" else []
    words = [f"{site.bin}/via-iface", *options, str(lab.spare), "--", "echo", "RUNS"]
    refusal = "polkit wants a password, and no agent of yours can ask for it"
    if case == "a pipe":
        assert refusal in site.via("bob", lab.spare, "--", "true").err
    elif case == "root":
        with lab.pty(words) as terminal:
            terminal.expect("RUNS")
    elif case == "allowed":
        with lab.pty(site._as("alice", [NETDEV], words)) as terminal:
            terminal.expect("RUNS")
    elif case == "the background":
        with lab.pty(site._as("bob", (), ["bash", "--norc", "-i"])) as terminal:
            terminal.send(" ".join(words) + " & wait; echo DO''NE\n")
            terminal.expect(refusal)
            terminal.expect("DONE")
    else:
        with lab.pty(site._as("bob", (), words)) as terminal:
            terminal.expect(refusal)
            terminal.expect_end()
        assert "RUNS" not in terminal.seen
    started = [line for line in agent.lines() if line.startswith("started")]
    assert len(started) == (case == "failing"), started


@needs(*NEEDS)
@params("ctrl-c", "term", "kill")
def test_interrupted(lab, how):
    """Nobody is left on the terminal, and the question is taken back."""
    agent, polkit, site = Agent(lab), Polkit(lab, "hold-second"), Site(lab)
    terminal = on_terminal(site, "bob", lab.spare, "--", "true")
    terminal.expect("AGENT ASKS", 20)
    polkit.next(call="check")
    second = polkit.next(call="check")
    if how == "ctrl-c":
        terminal.send("\x03")
    else:
        os.kill(terminal.pid, signal.SIGTERM if how == "term" else signal.SIGKILL)
    terminal.expect_end()
    terminal.close()
    assert terminal.code == {"ctrl-c": -2, "term": -15, "kill": -9}[how], terminal.code
    assert polkit.next(call="cancel")["id"] == second["id"]
    lab.wait(lambda: not os.path.exists(f"/proc/{agent.lines()[0].split()[-1]}"), 5, "the agent's end")


RULES = """
polkit.addRule(function(action, subject) {
    if (action.id.indexOf("org.via_iface.") == 0)
        return polkit.Result.AUTH_SELF;
});
"""
def type_password(lab, terminal, text):
    """When it asks: what is typed before the echo is off, it throws away."""
    terminal.expect("Password: ", 20)
    lab.wait(lambda: not termios.tcgetattr(terminal.fd)[3] & termios.ECHO, 5, "the echo off")
    terminal.send(text + "\n")


PAM = "auth required pam_unix.so\naccount required pam_unix.so\n"


@needs(*NEEDS, f"tool:{POLKITD}", "tool:openssl")
def test_with_polkit_itself(lab):
    """The real polkitd and the real pkttyagent: the wrong password is refused, the right one starts the program."""
    Polkit(lab, "", answers=False)
    site, _ = start_polkitd(lab, RULES)
    hashed = lab.run(["openssl", "passwd", "-6", "sesame"], check=True).out.strip()
    with open("/etc/shadow", "a") as f:
        f.write(f"bob:{hashed}:19000:0:99999:7:::\n")
    for name in ("polkit-1", "other"):
        write_file(f"/etc/pam.d/{name}", PAM)
    with on_terminal(site, "bob", lab.spare, "--", "curl", "-s", lab.url) as terminal:
        terminal.expect("AUTHENTICATING FOR org.via_iface.run", 20)
        type_password(lab, terminal, "sesame")
        terminal.expect("AUTHENTICATION COMPLETE", 20)
        terminal.expect(lab.spare.addr, 20)
    with on_terminal(site, "bob", lab.spare, "--", "echo", "RUNS") as terminal:
        type_password(lab, terminal, "wrong")
        terminal.expect("AUTHENTICATION FAILED", 20)
        terminal.expect("polkit", 20)
        terminal.expect_end()
    assert "RUNS" not in terminal.seen, terminal.seen
