"""What differs on a terminal: colours, tables that are shown anew, lines about what takes long, a password's question."""

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
