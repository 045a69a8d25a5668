"""What `via-iface desktop` writes is valid and can be listed and removed again, whatever the original
is called and however it is written; what cannot be written leaves nothing behind."""

import json
import os
import re
import shutil

import nsutil
from lab import PROGRAMS, needs, params, program, write_file
from test_desktop import Desktop, put, simple, value

MS_RDONLY = 1  # mount(2)


def install(desktop, name, text):
    """An original of any name, of bytes too."""
    path = os.path.join(os.fsencode(desktop.data), b"applications", os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


def listed(desktop):
    done = desktop.via("desktop", "list", "--json", check=True)
    assert desktop.via("desktop", "list", check=True).out.count("\n") >= 1
    return json.loads(done.out)


def gone_again(desktop, word):
    """It is listed, and can be removed by what it is called there."""
    (one,) = listed(desktop)
    assert len(os.listdir(desktop.own)) == 1, one
    desktop.via("desktop", "remove", word, check=True)
    assert listed(desktop) == [] and os.listdir(desktop.own) == []
    return one


# --- how an original is written -------------------------------------------------------------------

KRITA = """[Desktop Entry]
Type=Application
Name=Krita
Name[de]=Krita
GenericName=Digital Painting
GenericName[de]=Digitales Malen
Comment=Digital Painting
Comment[de]=Bilder malen
Comment[fr]=Peinture
Exec=krita %F
X-KDE-NativeMimeType=image/png
X-Vendor-Text[de]=Nur auf Deutsch
"""

TWICE = """[Desktop Entry]
Type=Application
Name=Twice
Exec=twice

[X-Vendor Shortcut]
Name=One
Exec=twice --one

[X-Vendor Shortcut]
Exec=twice --two
Name[de]=Zwei
"""


@needs("tool:desktop-file-validate")
@params("entry", "--replace", "--action")
def test_translations_go_with_their_key(lab, how):
    desktop = Desktop(lab)
    desktop.install("krita", KRITA)
    path = desktop.add("krita", "wlp6s0", *([how] if how != "entry" else []))
    with open(path) as f:
        keys = re.findall(r"^([^=\[\n]+)(\[[^=]*\])?=", f.read(), re.M)
    assert {base for base, locale in keys if locale} <= {base for base, locale in keys if not locale}, keys
    assert value(path, "GenericName[de]") == "Digitales Malen" and value(path, "Name[de]")


@needs("tool:desktop-file-validate", "tool:gio")
def test_group_that_is_there_twice(lab):
    desktop = Desktop(lab)
    host = os.readlink("/proc/self/ns/net")
    desktop.install("twice", TWICE)
    desktop.stub("twice")
    path = desktop.add("twice", "wlp6s0")
    with open(path) as f:
        assert f.read().count("[X-Vendor Shortcut]") == 1
    group = "X-Vendor Shortcut"
    assert value(path, "Name", group) == "One" and value(path, "Name[de]", group) == "Zwei"
    assert value(path, "Exec", group) == "via-iface desktop start wlp6s0 -- twice --two"
    assert desktop.launch(path)[0] != host


COMMANDS = {
    "env VAR=x game": "env VAR=x game",
    "env -u A VAR='x y' game %U": 'env -u A "VAR=x y" game %U',
    "flatpak run --command=game @@u %U @@ org.x.Game": "flatpak run --command=game @@u %U @@ org.x.Game",
    "snap run game": "snap run game",
    'sh -c "game \\\\"a\\\\""': 'sh -c "game \\\\"a\\\\""',
    '"/opt/a b/game" --x=%%1 %f %i': '"/opt/a b/game" --x=%%1 %f %i',
}


@needs("tool:desktop-file-validate")
def test_command_lines(lab):
    """In the entry and in its actions; TryExec stays, and DBusActivatable is false."""
    desktop = Desktop(lab)
    for line, ours in COMMANDS.items():
        text = f"[Desktop Entry]\nType=Application\nName=G\nExec={line}\nDBusActivatable=true\nTryExec=game\n"
        text += f"Actions=a;bus;\n[Desktop Action a]\nName=A\nExec={line}\n[Desktop Action bus]\nName=B\n"
        install(desktop, "g.desktop", text)
        path = desktop.add("g", "wlp6s0")
        assert value(path, "Exec") == f"via-iface desktop start wlp6s0 -- {ours}"
        assert value(path, "Exec", "Desktop Action a") == f"via-iface desktop start wlp6s0 -- {ours}"
        assert (value(path, "Actions"), value(path, "TryExec")) == ("a;", "game")
        assert value(path, "DBusActivatable") == "false"
        desktop.via("desktop", "remove", "g", check=True)


# --- what it is called ----------------------------------------------------------------------------

ODD = {
    "blank": "my game.desktop",
    "newline": "a\nb.desktop",
    "quotes": "a'b\"c`$x.desktop",
    "bytes": b"a\xff\xfe.desktop",
    "utf8": "pärchen-…-游戏.desktop",
    "long": "x" * 247 + ".desktop",
    "dash": "--name.desktop",
    "subfolder": "kde5/games/game.desktop",
    "percent": "100%U.desktop",
}


@needs("tool:desktop-file-validate")
@params(*ODD)
def test_odd_names(lab, which):
    """By its path; an entry of its own, and one in the original's place."""
    desktop = Desktop(lab)
    name = os.fsencode(ODD[which])
    original = os.fsdecode(install(desktop, name, simple()))
    for option in ((), ("--replace",), ("--action",)):
        done = desktop.via("desktop", "add", original, "wlp6s0", *option, check=True)
        (ours,) = os.listdir(os.fsencode(desktop.own))
        path = os.path.join(os.fsencode(desktop.own), ours)
        copy = os.path.join(lab.tmp, "copy.desktop")
        shutil.copy(path, copy)
        check = lab.run(["desktop-file-validate", "--no-hints", copy])
        assert (check.code, check.out) == (0, ""), (done, check)
        assert ours.startswith(b"via-iface-") == (not option), ours
        one = gone_again(desktop, original)
        if which not in ("bytes", "newline"):
            assert one["source"] == original, one
    # and by what the list says that it is
    desktop.via("desktop", "add", original, "wlp6s0", check=True)
    gone_again(desktop, listed(desktop)[0]["id"])


@needs("tool:desktop-file-validate")
def test_a_name_too_long_to_replace(lab):
    """An id from many folders may be longer than a file's name: then nothing is written."""
    desktop = Desktop(lab)
    install(desktop, "/".join(["f" * 100] * 3) + "/game.desktop", simple())
    word = "-".join(["f" * 100] * 3) + "-game"
    done = desktop.via("desktop", "add", word, "wlp6s0", "--replace")
    assert done.code == 125 and "File name too long" in done.err and len(done.err.splitlines()) == 1, done
    assert not os.path.exists(desktop.own) or os.listdir(desktop.own) == []
    desktop.add(word, "wlp6s0")
    gone_again(desktop, word)


@needs("tool:desktop-file-validate")
def test_file_of_another_ending(lab):
    """What is written in its place has the ending that menus look for."""
    desktop = Desktop(lab)
    original = os.path.join(lab.tmp, "launcher")
    put(original, simple())
    for option in ((), ("--replace",)):
        path = desktop.add(original, "wlp6s0", *option)
        assert os.path.basename(path) == ("launcher.desktop" if option else "via-iface-launcher-wlp6s0.desktop")
        gone_again(desktop, "launcher")


@needs("tool:desktop-file-validate")
def test_hidden_and_not_displayed(lab):
    desktop = Desktop(lab)
    desktop.install("shy", simple().replace("Name=Game", "Name=Game\nNoDisplay=true"))
    desktop.install("gone", simple().replace("Name=Game", "Name=Game\nHidden=true"))
    done = desktop.via("desktop", "add", "gone", "wlp6s0")
    assert done.code == 125 and "says that it is deleted (Hidden)" in done.err, done
    path = desktop.add("shy", "wlp6s0")
    # a user hides ours in an editor of menus
    text = open(path).read().replace("NoDisplay=true", "NoDisplay=true\nHidden=true")
    write_file(path, text)
    gone_again(desktop, "shy")


@needs("tool:desktop-file-validate")
def test_symbolic_links(lab):
    """An original that is a link has the link's name; ours that was made one goes as a link."""
    desktop = Desktop(lab)
    put(os.path.join(lab.tmp, "opt/real.desktop"), simple())
    os.makedirs(f"{desktop.data}/applications")
    os.symlink(os.path.join(lab.tmp, "opt/real.desktop"), f"{desktop.data}/applications/app.desktop")
    path = desktop.add("app", "wlp6s0")
    assert os.path.basename(path) == "via-iface-app-wlp6s0.desktop"
    kept = os.path.join(lab.tmp, "kept.desktop")
    shutil.move(path, kept)
    os.symlink(kept, path)
    gone_again(desktop, "app")
    assert os.path.exists(kept)


@needs("tool:desktop-file-validate")
def test_two_uplinks(lab):
    """Two entries for one app; each goes alone, and edited by hand it is still ours."""
    desktop = Desktop(lab)
    desktop.install("game", simple())
    one, two = desktop.add("game", "wlp6s0"), desktop.add("game", "enp7s0")
    with open(one, "ab") as f:
        f.write(b"\n[X-Mine]\nText=\xff\xfe\n")
    assert sorted(e["uplink"] for e in listed(desktop)) == ["enp7s0", "wlp6s0"]
    assert desktop.via("desktop", "remove", "game", "wlp6s0", check=True).out.strip() == one
    assert [e["path"] for e in listed(desktop)] == [two]


# --- where it goes --------------------------------------------------------------------------------


@needs("tool:desktop-file-validate")
@params("unset", "empty", "relative", "absolute", "slashes")
def test_data_home(lab, how):
    """basedir-spec: a relative path counts as unset."""
    desktop = Desktop(lab)
    desktop.install("game", simple())
    other = os.path.join(lab.tmp, "other")
    given = {"unset": None, "empty": "", "relative": "some/where", "absolute": other, "slashes": other + "//"}[how]
    if given is not None:
        desktop.env["XDG_DATA_HOME"] = given
    if how in ("absolute", "slashes"):
        desktop.own = other + "/applications"
    path = desktop.add("game", "wlp6s0")
    assert os.path.exists(path)
    gone_again(desktop, "game")
    assert not os.path.exists("some")


def test_no_home_at_all(lab):
    desktop = Desktop(lab)
    for words in (("add", "game", "wlp6s0"), ("list",), ("remove", "game")):
        done = desktop.lab.run(
            [program("via-iface"), "desktop", *words], env={**desktop.env, "HOME": "", "XDG_DATA_HOME": "x"}
        )
        assert done.code == 125 and "neither HOME nor XDG_DATA_HOME is a path" in done.err, done


@needs("root", "tool:setpriv")
def test_cannot_be_written(lab):
    """Read-only, of another user, a file in the way: one line, nothing left, no temporary file."""
    desktop = Desktop(lab)
    desktop.install("game", simple())
    os.makedirs(desktop.own)
    nsutil.mount("none", desktop.own, "tmpfs", MS_RDONLY)
    done = desktop.via("desktop", "add", "game", "wlp6s0")
    assert done.code == 125 and "Read-only file system" in done.err and len(done.err.splitlines()) == 1, done
    assert listed(desktop) == []
    lab.run(["umount", desktop.own], check=True)
    os.rmdir(desktop.own)
    write_file(desktop.own, "in the way")
    done = desktop.via("desktop", "add", "game", "wlp6s0")
    assert done.code == 125 and len(done.err.splitlines()) == 1 and desktop.own in done.err, done
    assert open(desktop.own).read() == "in the way"


@needs("root", "tool:desktop-file-validate")
def test_disk_full(lab):
    """The old entry stays as it was, and can be removed."""
    desktop = Desktop(lab)
    desktop.install("game", simple())
    os.makedirs(desktop.own)
    nsutil.mount("none", desktop.own, "tmpfs", 0, "size=16k")
    path = desktop.add("game", "wlp6s0")
    before = open(path).read()
    with open(os.path.join(desktop.own, "fill"), "wb", buffering=0) as f:
        try:
            while f.write(b"x" * 4096):
                pass
        except OSError:
            pass
    for words in (("game", "wlp6s0", "--name", "Other"), ("game", "enp7s0")):
        done = desktop.via("desktop", "add", *words)
        assert done.code == 125 and "No space left on device" in done.err and len(done.err.splitlines()) == 1, done
    assert sorted(os.listdir(desktop.own)) == ["fill", os.path.basename(path)]
    assert open(path).read() == before
    desktop.via("desktop", "remove", "game", check=True)


# --- a program of its own -------------------------------------------------------------------------


def test_not_installed(lab):
    """One line says which package has it."""
    alone = os.path.join(lab.tmp, "alone")
    os.makedirs(alone)
    shutil.copy(program("via-iface"), alone)
    for words in (("list",), ("add", "x", "y"), ()):
        done = lab.run([f"{alone}/via-iface", "desktop", *words])
        assert (done.code, done.out) == (125, ""), done
        assert len(done.err.splitlines()) == 1 and "install the package via-iface-tray" in done.err, done


@needs("tool:ldd")
def test_only_the_desktop_part_has_glib(lab):
    for name in PROGRAMS:
        libraries = lab.run(["ldd", program(name)]).out
        assert ("libglib" in libraries) == (name == "via-iface-desktop"), (name, libraries)
