"""What --help, the README and the manual page claim is what the command line takes."""

import os
import re

from lab import ROOT, needs, params, program, write_file

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
LATER = "Not in this version"  # the README's section of what is refused
ABOUT = {"--help", "--version"}


def refusal(lab, option):
    """What the parser says of an option, without running anything. Each line ends in 125."""
    done = lab.via("plan", option)
    if "value is missing" in done.err:
        done = lab.via("plan", f"{option}=:")
    assert (done.code, done.out) == (125, "") and len(done.err.splitlines()) == 1, done
    return done.err


def is_known(lab, option):
    return "no such option" not in refusal(lab, option)


def works(lab, option):
    said = refusal(lab, option)
    return "no such option" not in said and "not in this version" not in said


def help_text(lab):
    done = lab.via("--help", check=True)
    assert done.err == "", done
    return done.out


def claimed(lab):
    return set(OPTION.findall(help_text(lab)))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def without_other_programs(text):
    """Lines without what is another program's: behind a `--` or in the call of a tool."""
    kept = []
    for line in text.splitlines():
        line = re.sub(r"(?<=\s)-- .*", "", line)
        line = re.sub(r"\*(aria2c|curl|wget) --[^*]*\*", "", line)
        if not re.search(r"\b(setpriv|meson|systemd-run|systemctl|systemd-tmpfiles|via-ifaced|via-iface-tray|tools/|tests/)", line):
            kept.append(line)
    return "\n".join(kept)


def test_help_options_exist(lab):
    text, _, _ = help_text(lab).partition("Options of other verbs")
    options = set(OPTION.findall(text.partition("Options of a run")[2]))
    assert {"--name", "--mtu", "--dns"} <= options, options
    assert [o for o in sorted(options) if not works(lab, o)] == []
    short = set(re.findall(r"(?<![\w-])-[a-z]\b", help_text(lab)))
    assert [o for o in sorted(short) if not works(lab, o)] == []


def test_help_verbs_exist(lab):
    verbs = re.findall(r"^  via-iface ([a-z]+) ", help_text(lab), re.M)
    assert {"run", "plan", "list"} <= set(verbs), verbs
    for verb in verbs:
        done = lab.via(verb, "--no-such-option")
        assert done.code == 125 and "--no-such-option" in done.err, done
        assert "not in this version" not in done.err, done


def test_options_of_verbs_exist(lab):
    """Each verb takes the options in its line: it is the one behind them that it does not know."""
    seen = set()
    for verb, line in re.findall(r"^  via-iface ([a-z]+) (.*)$", help_text(lab), re.M):
        options = OPTION.findall(line)
        seen |= set(options)
        options = [f"{o}=1" if verb in ("attach", "detach") else o for o in options]
        for option in options:
            done = lab.via(verb, option, "--no-such-option")
            assert done.code == 125 and "'--no-such-option'" in done.err, done
    assert seen == {"--json", "--follow", "--all", "--pid", "--netns"}, seen
    _, _, attach = help_text(lab).partition("Options of attach: ")
    for option in set(OPTION.findall(attach.partition("\n\n")[0])):
        words = (option, *(f"{option}={value}" for value in ("1", "off", "9.9.9.9")))
        tried = [lab.via("attach", word, "--no-such-option") for word in words]
        assert any("read option '--no-such-option'" in done.err for done in tried), tried
    for option in ("--replace", "--action", "--name=x", "--json", "-q", "--quiet"):
        done = lab.via("desktop", option, "--no-such-option")
        assert done.code == 125 and "'--no-such-option'" in done.err, done
    for option in ("-q", "-v", "--no-proxy-env", "--allow-inherited-sockets"):
        assert "'--no-such-option'" in lab.via("exec", option, "--no-such-option").err, option


def test_list_options_exist(lab):
    line = re.search(r"^  via-iface list (.*)$", help_text(lab), re.M).group(1)
    options = OPTION.findall(line)
    assert options
    for option in options:
        assert lab.via("list", option, check=True)


def test_every_option_is_in_the_help(lab):
    """The other way round: what the README and the manual page offer, --help does too."""
    for path in (("README.md",), ("data", "via-iface.1.scd")):
        offered, _, _ = read(*path).partition(f"## {LATER}")
        options = set(OPTION.findall(without_other_programs(offered))) - ABOUT
        assert options == claimed(lab), f"{path[-1]}: {sorted(options ^ claimed(lab))}"


def test_the_readme_knows_what_is_missing(lab):
    """Its section of what is not there yet names options that are refused as such."""
    text = read("README.md")
    _, found, later = text.partition(f"## {LATER}\n")
    assert found, f"README.md has no section '{LATER}'"
    later = later.partition("\n## ")[0]
    options = set(OPTION.findall(later)) - claimed(lab)
    for option in sorted(options):
        assert is_known(lab, option) and not works(lab, option), refusal(lab, option)


@needs("tool:scdoc")
@params("via-iface.1", "via-iface-access.conf.5", "via-iface-apps.conf.5", "via-ifaced.8")
def test_manual_page_compiles(lab, page):
    with open(os.path.join(ROOT, "data", page + ".scd"), encoding="utf-8") as f:
        done = lab.run(["scdoc"], input=f.read(), check=True)
    assert done.out.startswith(".\\\" Generated by scdoc") and ".TH" in done.out, done


COMPLETE = """
_init_completion() { words=("${given[@]}"); cword=$((${#given[@]} - 1)); cur=${words[cword]}; prev=${words[cword - 1]}; }
complete() { :; }
source "$1"
shift
given=("$@")
_via_iface
printf '%s\\n' "${COMPREPLY[@]}"
"""


@needs("tool:bash")
def test_completion_of_desktop(lab):
    """bash offers its verbs, the entries of the machine, the uplinks, and ours to be removed."""
    path = os.path.join(lab.tmp, "data/applications/org.x.Game.desktop")
    os.makedirs(os.path.dirname(path))
    write_file(path, "[Desktop Entry]\nType=Application\nName=Game\nExec=true\n")
    env = {"XDG_DATA_DIRS": f"{lab.tmp}/data", "PATH": f"{os.path.dirname(program('via-iface'))}:{os.environ['PATH']}"}
    script = os.path.join(ROOT, "data/completions/via-iface.bash")

    def offered(*words):
        done = lab.run(["bash", "-c", COMPLETE, "bash", script, "via-iface", *words], env=env, check=True)
        return done.out.split()

    assert offered("desktop", "") == ["add", "remove", "list"]
    assert "org.x.Game" in offered("desktop", "add", "org.")
    assert lab.spare.dev in offered("desktop", "add", "org.x.Game", "")
    assert offered("desktop", "add", "org.x.Game", f"{lab.wired},wlp") == [f"{lab.wired},{lab.spare}"]
    assert offered("desktop", "add", "--re") == ["--replace"]
    assert offered("desktop", "list", "--") == ["--json"]
    lab.via("desktop", "add", "org.x.Game", lab.spare, env=env, check=True)
    assert offered("desktop", "remove", "") == [f"via-iface-org.x.Game-{lab.spare}.desktop"]
    assert "desktop" in offered("de")
