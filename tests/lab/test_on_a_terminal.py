"""What differs on a terminal: colours, tables that are shown anew, lines about what takes long, a password's question."""

import fcntl
import json
import re
import struct
import termios

from lab import params, program

COLOUR = "\033["


def shown(lab, *words, **env):
    """All that a command prints on a terminal."""
    with lab.pty([program("via-iface"), *words], env=env) as terminal:
        terminal.expect_end()
        return terminal.seen


# What is set, the option, and whether there are colours on a terminal and in a pipe.
COLOURS = {
    "a terminal": ({"TERM": "xterm"}, [], True, False),
    "dumb": ({"TERM": "dumb"}, [], False, False),
    "no TERM": ({"TERM": ""}, [], False, False),
    "NO_COLOR": ({"TERM": "xterm", "NO_COLOR": "0"}, [], False, False),
    "an empty NO_COLOR": ({"TERM": "xterm", "NO_COLOR": ""}, [], True, False),
    "never": ({"TERM": "xterm"}, ["--color=never"], False, False),
    "auto": ({"TERM": "xterm"}, ["--color", "auto"], True, False),
    "always": ({"TERM": "dumb", "NO_COLOR": "1"}, ["--color=always"], True, True),
}


@params(*COLOURS)
def test_colours(lab, case):
    """On a terminal that has them, unless somebody does not want them; the text is the same without."""
    env, options, terminal, pipe = COLOURS[case]
    lab.session(lab.spare, "--name", "steady")
    for verb in ("list", "status", "uplinks"):
        plain = shown(lab, verb, "--color=never")
        assert COLOUR not in plain, plain
        text = shown(lab, verb, *options, **env)
        assert (COLOUR in text) == terminal, (verb, text)
        for code in ("\033[32m", "\033[31m", "\033[33m", "\033[0m"):
            text = text.replace(code, "")
        assert words(text) == words(plain), (text, plain)
        piped = lab.via(verb, *options, env=env, check=True)
        assert (COLOUR in piped.out) == pipe, (verb, piped)


def words(text):
    """Without what counts seconds and bytes."""
    return [w for w in text.split() if not w[0].isdigit()]


def test_colours_of_findings(lab):
    lab.ip("link set dev wlp6s0 down")
    found = lab.via("doctor", "wlp6s0", "--color=always")
    assert "\033[31merror   \033[0m " in found.out, found
    assert COLOUR not in lab.via("doctor", "wlp6s0").out


def test_wrong_colour(lab):
    done = lab.via("list", "--color=green")
    assert (done.code, done.err) == (125, "via-iface: invalid --color 'green': it is auto, always or never\n"), done


# --- list --watch -------------------------------------------------------------------------------

FRAME = "\033[H\033[J"
LOAD = "python3 -c 'import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nwhile 1: s.sendto(bytes(1000), (\"203.0.113.1\", 9)); time.sleep(0.01)'"


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def last_frame(terminal):
    return terminal.seen.rpartition(FRAME)[2]


def test_watch_on_a_terminal(lab):
    """In place: sessions come and go, each with how fast it sends; a new size is taken at once."""
    with lab.pty([program("via-iface"), "list", "--watch=1"], env={"TERM": "xterm"}) as terminal:
        resize(terminal, 24, 80)
        terminal.expect("no session runs\n")
        lab.session(lab.spare, "--name", "sender", script=f"exec {LOAD}")
        terminal.expect(r"sender +\d+  wlp6s0 .*\n", 20)
        match = terminal.expect(r"sender +\d+  wlp6s0  \S+ +\S+ +\S+ +(\d+)K  ", 20)
        assert 40 <= int(match.group(1)) <= 130, terminal.seen
        others = [lab.session(lab.spare, "--name", f"idle{i}") for i in range(4)]
        terminal.expect("idle3", 20)
        resize(terminal, 5, 60)
        terminal.expect(re.escape(FRAME) + r"NAME[^\n]*\n(?:[^\n]*\n){2}and 3 more\n", 0.9 * lab.scale)
        assert max(map(len, re.sub(r"\033\[\d*m", "", last_frame(terminal)).splitlines())) <= 60, last_frame(terminal)
        resize(terminal, 24, 80)
        for held in others:
            held.finish()
        terminal.expect(re.escape(FRAME) + r"NAME[^\n]*\n[^\n]*sender[^\n]*\n$", 20)
        terminal.send("\x03")
        terminal.expect_end()
    assert terminal.code == -2, terminal.code


def test_watch_in_a_pipe(lab):
    """One block each time, without any code; and one line of JSON."""
    lab.session(lab.spare, "--name", "sender", script=f"exec {LOAD}")
    process = lab.via_popen("list", "--watch=1")
    process.expect("\n\nNAME", 20)
    text = process.expect("K  ", 20)
    assert "\033" not in text and re.match(r"NAME +ID .*RX/s .*\nsender .* - +- .*\n\nNAME", text), text
    assert process.stop(2).code == -2
    process = lab.via_popen("list", "--watch=1", "--json")
    lab.wait(lambda: process._read(0.1) and process.out.count(b"\n") >= 3, 20, "three lines")
    first, second, third = (json.loads(line)[0] for line in process.out.splitlines()[:3])
    assert (first["name"], first["rx_rate"], first["tx_rate"]) == ("sender", None, None), first
    for line in (second, third):
        assert 40000 <= line["tx_rate"] <= 130000 and line["tx_bytes"] > first["tx_bytes"], line
    process.stop()


def test_watch_ends(lab):
    """When nobody reads, and when what it prints cannot be written."""
    lab.session(lab.spare, "--name", "steady")
    reader = lab.run("$0 list --watch=1 | head -n 1".replace("$0", program("via-iface")), timeout=10)
    assert reader.out.startswith("NAME"), reader
    process = lab.via_popen("list", "--watch=3600")
    process.expect("steady")
    process.popen.stdout.close()
    process._open = {}
    lab.wait(lambda: process.popen.poll() is not None, 5, "the end")
    full = lab.run(f"exec {program('via-iface')} list --watch=1 >/dev/full")
    assert (full.code, full.err) == (125, "via-iface: write to standard output: No space left on device\n"), full


def test_watch_wrong(lab):
    for value in ("0", "x", "-1", "86401"):
        done = lab.via("list", f"--watch={value}")
        assert done.code == 125 and f"invalid --watch '{value}': it is a number of seconds, 1 to 86400" in done.err, done


# --- what takes long ----------------------------------------------------------------------------

STUBBORN = "trap '' TERM; echo stubborn; while :; do sleep 1; done"


def test_stop_says_what_it_waits_for(lab):
    """On a terminal alone, and not when it is quick."""
    lab.session(lab.spare, "--name", "quick")
    with lab.pty([program("via-iface"), "stop", "quick"]) as terminal:
        terminal.expect("session 'quick' is stopped")
        terminal.expect_end()
    assert "waiting" not in terminal.seen, terminal.seen
    for name in ("first", "second"):
        lab.session(lab.spare, "--name", name, script=STUBBORN).expect("stubborn")
    with lab.pty([program("via-iface"), "stop", "--all"]) as terminal:
        terminal.expect(r"via-iface: session 'first': waiting for \d processe?s? ?to end; SIGKILL follows in 5 s\n", 4 * lab.scale)
        terminal.expect("session 'first' is stopped\nvia-iface: stop: 1 of 2 sessions are done\nvia-iface: session 'second': waiting", 20)
        terminal.expect("session 'second' is stopped", 20)
    lab.session(lab.spare, "--name", "third", script=STUBBORN).expect("stubborn")
    piped = lab.via("stop", "third", check=True)
    assert (piped.out, piped.err) == ("session 'third' is stopped\n", ""), piped


def test_doctor_says_what_it_waits_for(lab):
    lab.ip("addr flush dev lan", ns=lab.spare.router)
    lab.ip("neigh flush dev wlp6s0")
    with lab.pty([program("via-iface"), "doctor", "--live", "wlp6s0"]) as terminal:
        terminal.expect("via-iface: packets leave by wlp6s0; waiting for answers, 10 s at most\n", 20)
        terminal.expect("no answer from the gateway", 30)
    assert lab.via("doctor", "--live", "wlp6s0").err == ""
