"""What the help and the manual page claim is what the command line takes."""

import os
import re

from lab import ROOT, needs, params, program, write_file

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
ABOUT = {"--help", "--version"}

# Examples of the help are run as they stand, with these names of the lab in the place of others.
LAB = {"https://example.org": "http://203.0.113.1/", "1234": "PID", "firefox": "org.x.Game"}


def help_of(lab, *verb):
    done = lab.via("help", *verb, check=True)
    assert done.err == "", done
    return done.out


def verbs(lab):
    _, _, lines = help_of(lab).partition("Verbs:\n")
    found = re.findall(r"^  ([a-z]+)  ", lines.partition("\n\n")[0], re.M)
    assert {"run", "plan", "list", "help"} <= set(found), found
    return found


def options_of(lab, verb):
    """(option, what stands behind it) of the part Options of its help."""
    _, _, part = help_of(lab, verb).partition("\nOptions:\n")
    lines = re.findall(r"^  (?:-[a-z], )?(--[a-z0-9-]+)( [A-Za-z[|,…\]:/]+|\[=[A-Z]+\])?(?:  .*)?$", part.partition("\n\n")[0], re.M)
    assert ("--help", "") in lines, part
    return lines


def claimed(lab):
    return {option for verb in verbs(lab) for option, _ in options_of(lab, verb)}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def without_other_programs(text):
    """Lines without what is another program's: behind a `--` or in the call of a tool."""
    kept = []
    for line in text.splitlines():
        line = re.sub(r"(?<=\s)-- .*", "", line)
        line = re.sub(r"\*(aria2c|curl|wget|docker run|podman run|systemd-nspawn|flatpak-spawn) --[^*]*\*", "", line)
        line = re.sub(r"\*iptables -[^*]*\*", "", line)
        if not re.search(r"\b(setpriv|meson|systemd-run|systemctl|systemd-tmpfiles|podman run -|via-ifaced|via-iface-tray|tools/|tests/)", line):
            kept.append(line)
    return "\n".join(kept)


def test_options_of_verbs_exist(lab):
    """Each verb takes the options of its help: it is the one behind them that it does not know."""
    values = ("1", "off", "9.9.9.9", "auto", "1mbit")
    for verb in verbs(lab):
        if verb in ("help", "version"):
            continue
        done = lab.via(verb, "--no-such-option")
        assert done.code == 125 and f"unknown option '--no-such-option' of {verb}" in done.err, done
        for option, takes in options_of(lab, verb):
            if option == "--help":
                continue
            words = [f"{option}={value}" for value in values] if takes else [option]
            tried = [lab.via(verb, word, "--no-such-option") for word in words]
            assert any("unknown option '--no-such-option'" in done.err for done in tried), tried
            if takes.startswith("["):  # a value behind a "=", or none
                assert "unknown option" in lab.via(verb, option, "--no-such-option").err
            elif takes:
                done = lab.via(verb, option)
                assert done.code == 125 and "its value is missing" in done.err, done
            else:
                done = lab.via(verb, f"{option}=x")
                assert done.code == 125 and "takes no value" in done.err, done


def test_help_of_verbs(lab):
    """`help VERB`, `VERB --help` and `VERB -h` are the same: usage, text, options, examples, manual."""
    for verb in verbs(lab):
        text = help_of(lab, verb)
        assert text.startswith(f"Usage: via-iface {verb}"), text
        assert text.count("\n  via-iface ") >= 2 and "\nExamples:\n" in text and "via-iface(1)" in text, text
        assert max(map(len, text.splitlines())) <= 100, text
        for words in ((verb, "--help"), (verb, "-h"), ("--help", verb)):
            done = lab.via(*words)
            assert (done.code, done.out, done.err) == (0, text, ""), done
    general = help_of(lab)
    assert "man via-iface" in general and max(map(len, general.splitlines())) <= 100
    for word in ("--help", "-h"):
        assert lab.via(word, check=True).out == general
    assert lab.via("version", check=True).out == lab.via("--version", check=True).out
    # what follows is the program's
    assert "not in PATH" in lab.via(lab.spare, "no-such-program", "--help").err
    assert lab.via("exec", "nobody", "--", "true", "--help").code == 125


def test_every_option_is_in_the_manual(lab):
    options = set(OPTION.findall(without_other_programs(read("data", "via-iface.1.scd")))) - ABOUT
    known = claimed(lab) - ABOUT
    assert options == known, sorted(options ^ known)


def test_every_verb_is_in_the_manual(lab):
    synopsis = read("data", "via-iface.1.scd").partition("# SYNOPSIS")[2].partition("# DESCRIPTION")[0]
    named = set(re.findall(r"\*via-iface ([a-z]+)", synopsis)) | {"resume"}
    assert set(verbs(lab)) == named, named ^ set(verbs(lab))


def podman_like(lab, name):
    """A container as Podman's without a cgroup: a child of conmon, whose command line has its name."""
    script = 'unshare -n sh -c "echo ready; exec cat"; :'
    held = lab.popen(["bash", "-c", f"exec -a conmon bash -c '{script}' -c {'a' * 64} -n {name}"])
    held.expect("ready\n")
    return held


def test_examples_of_the_help(lab):
    """Each is run as it stands, but for the names in LAB, where a session and a netns are there for it."""
    path = os.path.join(lab.tmp, "data/applications/org.x.Game.desktop")
    os.makedirs(os.path.dirname(path))
    write_file(path, "[Desktop Entry]\nType=Application\nName=Game\nExec=true\n")
    lab.run(["ip", "netns", "add", "box"], check=True)
    bin_dir = os.path.dirname(program("via-iface"))
    browsers = os.path.join(lab.tmp, "browsers")
    os.makedirs(browsers)
    write_file(os.path.join(browsers, "chromium"), "#!/bin/sh\n")
    os.chmod(os.path.join(browsers, "chromium"), 0o755)
    env = {"PATH": f"{browsers}:{bin_dir}:{os.environ['PATH']}", "XDG_DATA_DIRS": f"{lab.tmp}/data", "SHELL": "/bin/true"}
    ran = 0
    for verb in verbs(lab):
        _, _, part = help_of(lab, verb).partition("\nExamples:\n")
        for line in re.findall(r"^  (via-iface .*)$", part, re.M):
            holder = lab.session(f"{lab.spare},{lab.wired}", "--name", "curl")
            alone = lab.popen(["unshare", "-n", "sh", "-c", "echo ready; cat"])
            alone.expect("ready\n")
            for name, here in LAB.items():
                line = line.replace(name, str(alone.pid) if here == "PID" else here)
            if "--container" in line:
                podman_like(lab, "box")
            if verb == "detach":
                lab.via("attach", lab.spare, "--netns", "box", check=True)
            if verb == "resume":
                lab.via("pause", "curl", check=True)
            code = 0
            if "--follow" in line or "--watch" in line or verb == "capture" or line.endswith(" top"):
                line, code = f"timeout 1 {line}", 124
            done = lab.run(line, env=env)
            assert done.code == code or (verb == "doctor" and done.code == 1), done
            ran += 1
            if verb == "attach":
                lab.via("stop", "--all", check=True)
            holder.finish() if verb not in ("stop", "attach") else holder.kill()
            alone.finish()
            lab.wait(lambda: "curl" not in lab.via("list").out, 5, "the session's end")
    assert ran >= 38, ran


@needs("tool:scdoc")
@params("via-iface.1", "via-iface-access.conf.5", "via-iface-apps.conf.5", "via-ifaced.8")
def test_manual_page_compiles(lab, page):
    with open(os.path.join(ROOT, "data", page + ".scd"), encoding="utf-8") as f:
        done = lab.run(["scdoc"], input=f.read(), check=True)
    assert done.out.startswith(".\\\" Generated by scdoc") and ".TH" in done.out, done


TESTS = re.compile(r"([a-z_0-9]+)(?:\.([a-z_0-9]+)| \(all\))")


def test_documents_name_tests(lab):
    """Each promise of the README and each row of SECURITY.md leads to tests that are there."""
    listed = lab.run([os.path.join(ROOT, "tests/lab/run"), "--list"], check=True).out
    there = {line.partition("[")[0] for line in listed.split("\n")}
    modules = {name.partition(".")[0] for name in there}
    named = []
    with open(os.path.join(ROOT, "SECURITY.md")) as f:
        rows = [line.split("|")[2] for line in f if line.startswith("| ") and line.count("|") == 3]
    for row in rows:
        module = ""
        for words in re.split(r"[,;]", row):
            word = words.strip()
            found = TESTS.fullmatch(module + word if word.startswith(".") else word)
            if found:
                module = found[1]
                named.append(word)
                assert module in modules and (not found[2] or f"{module}.{found[2]}" in there), word
    assert len(named) > 30, named
    for document in ("README.md", "SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        with open(os.path.join(ROOT, document)) as f:
            links = set(re.findall(r"tests/lab/\w+\.py", f.read()))
        assert all(os.path.exists(os.path.join(ROOT, link)) for link in links), (document, links)
    with open(os.path.join(ROOT, "README.md")) as f:
        assert "(tests/lab/test_" in f.read()
