"""Completions in the real shells, each on a terminal: what is typed, a tab, and the words that via-iface then gets."""

import glob
import os
import shutil
import stat

from lab import ROOT, Skip, needs, params, program, write_file
from test_help import podman_like

# Runs in via-iface's place: says which words it got. A Wi-Fi network, which a lab cannot have, is proposed here.
STAND_IN = """#!/bin/sh
last=; for last; do :; done
case $1-$last in
--complete-ssid*) case "ssid:Home Net" in "$last"*) printf 'ssid:Home Net\\twlp6s0\\n' ;; esac; exit ;;
--complete-*) exec "$REAL/via-iface" "$@" ;;
desktop-list) exec "$REAL/via-iface" "$@" ;;
esac
printf GOT; printf '<%s>' "$@"; echo
"""

# What is typed before each tab, and the words that come of it.
TYPED = [
    (("stat",), ("status",)),
    (("status ga",), ("status", "game")),
    (("stop gam",), ("stop", "game")),
    (("stop game oth",), ("stop", "game", "other")),
    (("pause --a",), ("pause", "--all")),
    (("mov", "ga", "enp"), ("move", "game", "enp7s0")),
    (("move game enp7s0 --on",), ("move", "game", "enp7s0", "--only")),
    (("list --js",), ("list", "--json")),
    (("list --color al",), ("list", "--color", "always")),
    (("uplinks --color=nev",), ("uplinks", "--color=never")),
    (("help mov",), ("help", "move")),
    (("wlp",), ("wlp6s0",)),
    (("run enp",), ("run", "enp7s0")),
    (("enp7s0,wl",), ("enp7s0,wlp6s0",)),
    (("--no-l", "wlp"), ("--no-lan", "wlp6s0")),
    (("wlp6s0 --host-a",), ("wlp6s0", "--host-access")),
    (("--ra", "10mbit wlp"), ("--rate", "10mbit", "wlp6s0")),
    (("--host-p", "80 wlp"), ("--host-port", "80", "wlp6s0")),
    (("--publ", "80 wlp"), ("--publish", "80", "wlp6s0")),
    (("--ipv6=o",), ("--ipv6=off",)),
    (("--ipv6 au",), ("--ipv6", "auto")),
    (("--share te", "wlp"), ("--share", "team", "wlp6s0")),
    (("--share=te", "wlp"), ("--share=team", "wlp6s0")),
    (("wlp6s0 -- fancyp",), ("wlp6s0", "--", "fancyprogram")),
    (("wlp6s0 fancyp",), ("wlp6s0", "fancyprogram")),
    (("-- fancyp",), ("--", "fancyprogram")),
    (("exec game fancyp",), ("exec", "game", "fancyprogram")),
    (("portal wlp",), ("portal", "wlp6s0")),
    (("top --onc", "--js"), ("top", "--once", "--json")),
    (("capture ga", "-w /dev/nul"), ("capture", "game", "-w", "/dev/null")),
    (("exec -v ga",), ("exec", "-v", "game")),
    (("attach wlp6s0 --netns boxe",), ("attach", "wlp6s0", "--netns", "boxed")),
    (("attach wlp6s0 --replace-r",), ("attach", "wlp6s0", "--replace-route")),
    (("attach wlp6s0 --container clo",), ("attach", "wlp6s0", "--container", "closed")),
    (("attach wlp6s0 --fo",), ("attach", "wlp6s0", "--follow")),
    (("detach atta",), ("detach", "attached")),
    (("doctor wlp",), ("doctor", "wlp6s0")),
    (("plan --name x wl",), ("plan", "--name", "x", "wlp6s0")),
    (("netns d",), ("netns", "del")),
    (("netns del boxe",), ("netns", "del", "boxed")),
    (("netns add n enp",), ("netns", "add", "n", "enp7s0")),
    (("desktop ad",), ("desktop", "add")),
    (("desktop add org.x.G",), ("desktop", "add", "org.x.Game")),
    (("desktop add org.x.Game enp",), ("desktop", "add", "org.x.Game", "enp7s0")),
    (("desktop add --acti",), ("desktop", "add", "--action")),
    (("desktop remove via-iface-org",), ("desktop", "remove", "via-iface-org.x.Game-wlp6s0.desktop")),
    (("ssid:Ho",), ("ssid:Home Net",)),
]  # fmt: skip

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SET_UP = {
    "bash": "bind 'set enable-bracketed-paste off'; . /usr/share/bash-completion/bash_completion; . {0}/via-iface.bash",
    "zsh": "fpath=({0} $fpath); autoload -Uz compinit; compinit -u -D; unsetopt PROMPT_SP",
    "fish": "source {0}/via-iface.fish; function fish_prompt; end",
}


@needs("tool:bash", "tool:zsh", "tool:fish")
@params(*SHELLS)
def test_completions(lab, shell):
    if shell == "bash" and not os.path.exists("/usr/share/bash-completion/bash_completion"):
        raise Skip("needs bash-completion")
    prepare(lab)
    env = {
        "PATH": f"{lab.tmp}/bin:{os.environ['PATH']}", "REAL": os.path.dirname(program("via-iface")),
        "XDG_DATA_DIRS": f"{lab.tmp}/data", "TERM": "xterm", "PS1": "", "COLUMNS": "200", "ENV": "", "MADE": f"{lab.tmp}/made",
    }  # fmt: skip
    with lab.pty(SHELLS[shell], env=env) as terminal:
        terminal.send(SET_UP[shell].format(os.path.join(ROOT, "data", "completions")) + "\n")
        terminal.send("stty columns 200; echo READY''NOW\n")
        terminal.expect("READYNOW", 20)
        for typed, words in TYPED:
            terminal.send("via-iface ")
            for part in typed:
                terminal.send(part + "\t")
            terminal.send("\n")
            try:
                match = terminal.expect(r"GOT((?:<[^<>]*>)*)\r?\n", 10)
            except AssertionError as error:
                raise AssertionError(f"{shell}: {typed}: {error}") from None
            got = tuple(match.group(1)[1:-1].split("><"))
            print(f"{shell}: {' TAB '.join(typed)} TAB: {got}")
            assert got == words, f"{shell}: {typed} became {got}, not {words}"
    assert not os.path.exists(f"{lab.tmp}/made"), "a name was run as a command"


def prepare(lab):
    os.makedirs(f"{lab.tmp}/bin")
    for name, text in (("via-iface", STAND_IN), ("fancyprogram", "#!/bin/sh\n")):
        write_file(f"{lab.tmp}/bin/{name}", text)
        os.chmod(f"{lab.tmp}/bin/{name}", stat.S_IRWXU)
    os.makedirs(f"{lab.tmp}/data/applications")
    write_file(f"{lab.tmp}/data/applications/org.x.Game.desktop", "[Desktop Entry]\nType=Application\nName=Game\nExec=true\n")
    env = {"XDG_DATA_DIRS": f"{lab.tmp}/data"}
    lab.via("desktop", "add", "org.x.Game", "wlp6s0", env=env, check=True)
    made = glob.glob(f"{lab.env['HOME']}/.local/share/applications/via-iface-org.x.Game*")[0]
    shutil.copy(made, os.path.join(os.path.dirname(made), "via-iface-x$(touch${IFS}$MADE).desktop"))
    lab.ip("netns add boxed")
    lab.via("attach", lab.spare, "--netns", "boxed", "--name", "attached", check=True)
    podman_like(lab, "closed")
    for name in ("game", "other"):
        lab.session(lab.spare, "--name", name, "--share", "team")


def test_help_names_what_completions_offer(lab):
    """Verbs, and the options of each, are the same in the help and in the completions."""
    offered = lab.via("--complete", "", check=True).out
    verbs = [line.split("\t")[0] for line in offered.splitlines()]
    for verb in ("run", "list", "move", "help", "desktop"):
        assert verb in verbs, offered
        text = lab.via("help", verb, check=True).out
        for line in lab.via("--complete", verb, "--", check=True).out.splitlines():
            option, _, what = line.partition("\t")
            assert option in text and what in text, (verb, line)
    assert lab.via("--complete", "wlp6s0", "--", "x", check=True).out == "!command 2\n"
    assert lab.via("--complete", "exec", "game", "", check=True).out == "!command 2\n"
    assert lab.via("--complete", "--user", "", check=True).out == "!users\n"
    assert lab.via("--complete", "detach", "--pid", "", check=True).out == "!pids\n"
    assert lab.via("--complete", "run", "--mtu", "", check=True).out == ""
    assert "ethernet\teach interface" in lab.via("--complete", "enp7s0,", check=True).out
    assert "enp7s0,enp7s0" not in lab.via("--complete", "enp7s0,", check=True).out


def test_a_name_is_no_instruction(lab):
    """A line that begins with '!' tells the shell what else to do: no file's name may become one."""
    os.makedirs(f"{lab.tmp}/data/applications")
    for name in ("!command a[$(touch made)]", "!users", "org.x.Game"):
        write_file(f"{lab.tmp}/data/applications/{name}.desktop", "[Desktop Entry]\nType=Application\nName=x\nExec=true\n")
    done = lab.via("--complete", "desktop", "add", "", env={"XDG_DATA_DIRS": f"{lab.tmp}/data"}, check=True)
    assert "org.x.Game" in done.out.splitlines(), done
    assert not [line for line in done.out.splitlines() if line.startswith("!")], done
