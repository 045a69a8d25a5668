"""Launcher entries and the app policy: what a desktop starts is what the original would have
started, inside a session."""

import os
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree

import nsutil
from lab import ROOT, needs, params, program, ship_apps, timeout, write_file
from screen import Screen

ENTRIES = os.path.join(ROOT, "tests", "desktop", "entries")
NAMES = sorted(n[: -len(".desktop")] for n in os.listdir(ENTRIES))

# Writes what it was started with: the netns, then the words, each with a zero byte behind it.
STUB = """#!/bin/sh
{ /usr/bin/readlink /proc/self/ns/net | /usr/bin/tr '\\n' '\\0'; printf '%s\\0' "$0" "$@"; } >"$RECORD.$$"
/bin/mv "$RECORD.$$" "$RECORD"
"""

# As gio(1) does it, but with %k, which that leaves out.
LAUNCH = """
import sys
import xml.etree.ElementTree as ElementTree
from gi.repository import Gio
files = [Gio.File.new_for_path(path) for path in sys.argv[2:]]
Gio.DesktopAppInfo.new_from_filename(sys.argv[1]).launch(files, None)
"""

ACTION = """
import sys
import xml.etree.ElementTree as ElementTree
from gi.repository import Gio
Gio.DesktopAppInfo.new_from_filename(sys.argv[1]).launch_action(sys.argv[2], None)
"""


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_file(path, text)
    os.chmod(path, mode)


class Desktop:
    """A home, a directory of entries, and stubs in the place of every program."""

    def __init__(self, lab):
        self.lab = lab
        self.root = os.path.join(lab.tmp, "root")  # of absolute paths in entries
        self.data = os.path.join(lab.tmp, "data")
        self.bin = os.path.join(lab.tmp, "bin")
        self.own = os.path.join(lab.tmp, ".local/share/applications")
        self.record = os.path.join(lab.tmp, "record")
        os.makedirs(self.bin)
        os.symlink(program("via-iface"), os.path.join(self.bin, "via-iface"))
        self.env = {
            "PATH": self.bin,
            "XDG_DATA_DIRS": self.data,
            "RECORD": self.record,
            "LANG": "C.UTF-8",
        }

    def via(self, *words, **more):
        return self.lab.via(*words, env=self.env, **more)

    def install(self, name, text):
        """An entry whose absolute paths are in the lab; returns its own path."""
        lines = []
        for line in text.splitlines():
            if re.match(r"\s*(Exec|TryExec|Path)\s*=", line):
                line = re.sub(r"(?<![\w/])/(usr|opt|snap|home|app)/", rf"{self.root}/\1/", line)
            lines.append(line)
        path = os.path.join(self.data, "applications", name + ".desktop")
        put(path, "\n".join(lines) + "\n")
        if place := value(path, "Path"):
            os.makedirs(place, exist_ok=True)
        return path

    def stub(self, name):
        put(name if name[0] == "/" else os.path.join(self.bin, name), STUB, 0o755)

    def add(self, *words):
        done = self.via("desktop", "add", *words, check=True)
        self.told = done.err  # that it will be refused, and why
        assert self.told == "" or self.told.startswith("via-iface: warning: the entry will start nothing: ")
        assert done.out.startswith(self.own + "/"), done
        path = done.out.strip()
        check = self.lab.run(["desktop-file-validate", "--no-hints", path])
        assert (check.code, check.out, check.err) == (0, "", ""), check
        assert not [n for n in os.listdir(self.own) if n.startswith(".")]
        return path

    def recorded(self):
        """(namespace, words) of what a stub was started with."""
        self.lab.wait(lambda: os.path.exists(self.record), 10, "a program that was started")
        with open(self.record, "rb") as f:
            netns, *words = f.read().decode().split("\0")[:-1]
        os.unlink(self.record)
        return netns, words

    def launch(self, path, *files):
        command = [shutil.which("gio"), "launch", path, *files]
        if "%k" in value(path, "Exec"):
            command = [sys.executable, "-c", LAUNCH, path, *files]
        done = self.lab.run(command, env=self.env)
        assert done.code == 0, done
        return self.recorded()

    def launch_action(self, path, action):
        self.lab.run([sys.executable, "-c", ACTION, path, action], env=self.env, check=True)
        return self.recorded()


def value(path, key, group="Desktop Entry"):
    """As it is written."""
    with open(path, encoding="utf-8") as f:
        part = f.read().partition(f"[{group}]\n")[2].partition("\n[")[0]
    found = re.findall(rf"^[ \t]*{re.escape(key)}[ \t]*=[ \t]*(.*)$", part, re.M)
    return found[-1] if found else None


def shown(words):
    """%c is what an entry is called, and ours are called so; their windows have a class of their own."""
    line = "\0".join(w.replace(" (via wlp6s0)", "") for w in words)
    return re.sub(r"\0--?(class|app-id)[=\0]via-iface-[^\0]*", "", line).split("\0")


# --- entries of others ----------------------------------------------------------------------------


# What the standard forbids or takes away, and GLib reads in its own way: a code for files in a
# comment, two of them, %d.
# Those whose work is always done outside (test_outside.py).
REFUSED = ("backslashes", "heroic-game")
# Those of which nothing is started before the user was asked (test_desktop_handed_over.py).
ASKED = ("org.gnome.Terminal",)
NO_FILES = ("comment", "two-codes", "deprecated-codes")


@needs("tool:gio", "tool:desktop-file-validate")
@timeout(120)
@params(*(str(n) for n in range(4)))
def test_launch(lab, part):
    """Started by the desktop's library, with and without a file: the same words, but inside."""
    ship_apps()
    desktop = Desktop(lab)
    host = os.readlink("/proc/self/ns/net")
    document = os.path.join(lab.tmp, "a b's $file.txt")
    write_file(document, "")
    put(os.path.join(desktop.bin, "xterm"), '#!/bin/sh\nshift\nexec "$@"\n', 0o755)
    hold = lab.session()
    for name in NAMES[int(part) :: 4]:
        with open(os.path.join(ENTRIES, name + ".desktop"), encoding="utf-8") as f:
            text = f.read()
        original = desktop.install(name, text.replace("DBusActivatable=true", "DBusActivatable=false"))
        first = re.match(r'"([^"]*)"|(\S+)', value(original, "Exec"))
        stubs = {first.group(1) or first.group(2), value(original, "TryExec")} - {None}
        for stub in stubs:
            desktop.stub(stub)
        ours = desktop.add(name, "wlp6s0")
        if desktop.told:
            assert name in REFUSED, desktop.told
            line = re.sub(" %[a-zA-Z]", "", value(ours, "Exec"))
            refused = lab.run(["/bin/sh", "-c", line], env=desktop.env)
            why = desktop.told.rpartition("nothing: ")[2]
            assert (refused.code, refused.err) == (125, f"via-iface: {why}"), refused
            assert not os.path.exists(desktop.record)
        else:
            assert name not in REFUSED
        if name in ASKED:
            line = re.sub(" %[a-zA-Z]", "", value(ours, "Exec"))
            asked = lab.run(["/bin/sh", "-c", line], env=desktop.env)
            assert asked.code == 125 and "--allow-handover" in asked.err, asked
            assert not os.path.exists(desktop.record)
        for files in () if desktop.told or name in ASKED else ((), (document,))[: 1 if name in NO_FILES else 2]:
            netns, wanted = desktop.launch(original, *files)
            assert netns == host
            netns, words = desktop.launch(ours, *files)
            assert netns != host, f"{name}: not in a session"
            assert shown(words) == wanted, f"{name}: {words}, not {wanted}"
        for stub in stubs:
            if stub[0] != "/" and stub != "xterm":
                os.unlink(os.path.join(desktop.bin, stub))
    hold.finish()


@needs("tool:gio", "tool:desktop-file-validate", "tool:python3")
@timeout(120)
def test_actions_and_kinds(lab):
    """Each entry in the original's place, and with an action more, is valid; and actions start."""
    desktop = Desktop(lab)
    host = os.readlink("/proc/self/ns/net")
    for name in NAMES:
        with open(os.path.join(ENTRIES, name + ".desktop"), encoding="utf-8") as f:
            original = desktop.install(name, f.read())
        before = open(original, "rb").read()
        for option in ("--replace", "--action"):
            path = desktop.add(name, "wlp6s0", option)
            assert path == os.path.join(desktop.own, name + ".desktop")
        desktop.via("desktop", "remove", name, check=True)
        assert open(original, "rb").read() == before and os.listdir(desktop.own) == []
    desktop.stub("steam")
    desktop.stub(os.path.join(desktop.root, "usr/bin/steam"))
    ours = desktop.add("steam", "wlp6s0")
    netns, words = desktop.launch_action(ours, "BigPicture")
    assert netns != host and words[1:] == ["steam://open/bigpicture"], words
    shadow = desktop.add("steam", "enp7s0", "--action")
    netns, words = desktop.launch_action(shadow, "via-iface-enp7s0")
    assert netns != host and words == [os.path.join(desktop.root, "usr/bin/steam")], words
    netns, _ = desktop.launch(shadow)
    assert netns == host


@needs("tool:gtk-launch", "tool:Xvfb", "tool:desktop-file-validate")
def test_gtk_launch(lab):
    """By its id, as a menu does it."""
    desktop = Desktop(lab)
    screen = Screen(lab)
    desktop.install("org.example.Viewer", "[Desktop Entry]\nType=Application\nName=V\nExec=viewer %U\n")
    desktop.stub("viewer")
    path = desktop.add("V", "wlp6s0")
    gtk_launch = [shutil.which("gtk-launch"), os.path.basename(path), "file:///tmp/a%20b"]
    done = lab.run(gtk_launch, env={**desktop.env, **screen.env})
    assert done.code == 0, done
    netns, words = desktop.recorded()
    assert netns != os.readlink("/proc/self/ns/net")
    assert words[1:] in (["file:///tmp/a%20b"], ["/tmp/a b"]), words


# --- finding, replacing, removing -----------------------------------------------------------------

SIMPLE = "[Desktop Entry]\nType=Application\nName={name}\nName[de]={de}\nExec={exec} %U\n"


def simple(name="Game", de="Spiel", exec="game"):
    return SIMPLE.format(name=name, de=de, exec=exec)


@needs("tool:desktop-file-validate")
def test_find(lab):
    desktop = Desktop(lab)
    desktop.install("kde/game", simple())
    desktop.install("other", simple("Other Game", "Anderes", "other"))
    put(os.path.join(lab.tmp, ".local/share/flatpak/exports/share/applications/org.x.Y.desktop"), simple("Pak", "Pack"))
    put(os.path.join(lab.tmp, "elsewhere/game.desktop"), simple("Elsewhere", "Sonstwo"))
    for word in ("kde-game", "kde-game.desktop", "Game", "game", "spiel"):
        path = desktop.add(word, "wlp6s0")
        assert path == f"{desktop.own}/via-iface-kde-game-wlp6s0.desktop", path
    assert value(path, "X-ViaIface-Source") == f"{desktop.data}/applications/kde/game.desktop"
    assert value(path, "Name") == "Game (via wlp6s0)" and value(path, "Name[de]") == "Spiel (via wlp6s0)"
    assert "org.x.Y" in desktop.add("org.x.Y", "wlp6s0")
    path = desktop.add(os.path.join(lab.tmp, "elsewhere/game.desktop"), "ssid:My Net,wwan")
    assert path == f"{desktop.own}/via-iface-game-ssid-My-Net-wwan.desktop"
    assert value(path, "Exec") == 'via-iface desktop start "ssid:My Net,wwan" -- game %U'
    # another list that looks the same as a part of a file's name
    assert desktop.add("kde-game", "ssid:a-b").endswith("-a-b.desktop")
    assert desktop.add("kde-game", "ssid:a,b").endswith("-a-b-2.desktop")
    assert desktop.add("kde-game", "ssid:a,b", "--name", "Mine").endswith("-a-b-2.desktop")
    desktop.install("twice", simple("Other Game", "Noch eins"))
    for word, said in (
        ("Other Game", "both 'other.desktop' and 'twice.desktop' have that name; name one by its id"),
        ("nothing", "no desktop entry has that id or name"),
        ("/nowhere/x.desktop", "No such file or directory"),
        (path, "it is one of via-iface's own entries"),
    ):
        done = desktop.via("desktop", "add", word, "wlp6s0")
        assert done.code == 125 and said in done.err and len(done.err.splitlines()) == 1, done


@needs("tool:desktop-file-validate")
def test_what_is_not_ours(lab):
    desktop = Desktop(lab)
    desktop.install("game", simple())
    own = os.path.join(desktop.own, "game.desktop")
    put(own, simple("My Game", "Meins", "mine"))
    foreign = os.path.join(desktop.own, "via-iface-game-wlp6s0.desktop")
    put(foreign, simple("Foreign"))
    before = {p: open(p, "rb").read() for p in (own, foreign)}
    for option in ("--replace", "--action"):
        done = desktop.via("desktop", "add", "game", "wlp6s0", option)
        assert done.code == 125 and f"'{own}' is not ours" in done.err, done
    assert desktop.add("game", "wlp6s0") == foreign.replace("wlp6s0", "wlp6s0-2")
    for word in ("game", "via-iface-game-wlp6s0", "My Game"):
        done = desktop.via("desktop", "remove", word)
        done = desktop.via("desktop", "remove", word)
        assert done.code == 125 and "no entry of ours has that name" in done.err, done
    os.unlink(own)
    os.symlink("nowhere", own)
    done = desktop.via("desktop", "add", "game", "wlp6s0", "--replace")
    assert done.code == 125 and "is not ours" in done.err, done
    os.unlink(own)
    put(own, before[own].decode())
    assert {p: open(p, "rb").read() for p in before} == before


@needs("tool:desktop-file-validate")
def test_list_and_remove(lab):
    desktop = Desktop(lab)
    desktop.install("game", simple())
    desktop.install("steam", simple("Steam", "Steam", "steam"))
    entry = desktop.add("game", "wlp6s0")
    desktop.add("game", "enp7s0", "--action")
    shadow = desktop.add("game", "wlp6s0", "--action")
    desktop.add("steam", "wlp6s0", "--replace", "--name=Dampf")
    listed = desktop.via("desktop", "list", "--json", check=True).json()
    assert [(e["id"], e["uplink"], e["kind"], e["name"]) for e in listed] == [
        ("game.desktop", "enp7s0", "action", "Run via enp7s0"),
        ("game.desktop", "wlp6s0", "action", "Run via wlp6s0"),
        ("steam.desktop", "wlp6s0", "replace", "Dampf"),
        ("via-iface-game-wlp6s0.desktop", "wlp6s0", "entry", "Game (via wlp6s0)"),
    ], listed
    assert listed[3]["path"] == entry
    assert listed[3]["source"] == f"{desktop.data}/applications/game.desktop"
    lines = desktop.via("desktop", "list", check=True).out.splitlines()
    assert lines[0].split() == ["ID", "UPLINK", "KIND", "NAME"] and len(lines) == 5
    assert desktop.via("desktop", "remove", "game", "enp7s0", check=True).out == shadow + "\n"
    assert value(shadow, "Actions") == "via-iface-wlp6s0;"
    gone = desktop.via("desktop", "remove", "game", "wlp6s0", check=True).out.split()
    assert sorted(gone) == sorted([entry, shadow])
    assert os.listdir(desktop.own) == ["steam.desktop"]
    desktop.via("desktop", "remove", "steam.desktop", check=True)
    assert desktop.via("desktop", "list", "--json", check=True).json() == []


@needs("tool:gio", "tool:desktop-file-validate")
def test_steam_game(lab):
    desktop = Desktop(lab)
    library = os.path.join(lab.tmp, "games")
    put(
        os.path.join(lab.tmp, ".local/share/Steam/steamapps/libraryfolders.vdf"),
        f'"libraryfolders"\n{{\n\t"0"\n\t{{\n\t\t"path"\t\t"{library}"\n\t}}\n}}\n',
    )
    put(f"{library}/steamapps/appmanifest_70.acf", '"AppState"\n{\n\t"appid"\t"70"\n\t"name"\t"Half-Life"\n}\n')
    desktop.stub("steam")
    path = desktop.add("steam:70", "wlp6s0")
    assert os.path.basename(path) == "via-iface-steam-70-wlp6s0.desktop"
    assert value(path, "Name") == "Half-Life (via wlp6s0)" and value(path, "Icon") == "steam_icon_70"
    netns, words = desktop.launch(path)
    assert netns != os.readlink("/proc/self/ns/net") and words[1:] == ["steam://rungameid/70"]
    for word, said in (
        ("steam:71", "find the Steam game 71: no library in"),
        ("steam:x", "behind the colon stands the number of a game"),
    ):
        done = desktop.via("desktop", "add", word, "wlp6s0")
        assert done.code == 125 and said in done.err, done
    done = desktop.via("desktop", "add", "steam:70", "wlp6s0", "--replace")
    assert done.code == 125 and "gets an entry of its own" in done.err, done
    assert desktop.via("desktop", "remove", "steam:70", check=True).out.strip() == path


# --- the app policy -------------------------------------------------------------------------------


def configured(lab, which):
    with open(os.path.join(lab.env["VIA_BUILD"], "config.h")) as f:
        return re.search(rf'define {which} "(.*)"', f.read()).group(1)


def policy(lab, text, name="x.conf"):
    path = os.path.join(lab.tmp, ".config/via-iface/apps", name)
    put(path, text)
    return path


def steam_stub(lab):
    """A steam that tells its words, its proxy and its way out."""
    script = f'#!/bin/sh\necho "$0" "$@" proxy="$http_proxy"\ncurl -s --noproxy "*" {lab.url}\n'
    put(os.path.join(lab.tmp, "bin/steam"), script, 0o755)
    return {"PATH": f"{lab.tmp}/bin:{lab.env['PATH']}", "http_proxy": "http://p/"}


def test_way_out_from_the_policy(lab):
    env = steam_stub(lab)
    steam = os.path.join(lab.tmp, "bin/steam")
    done = lab.via("run", "--", "steam", env=env)
    assert done.code == 125 and "no uplink is named, and no app policy is for that program" in done.err, done
    policy(lab, f"[steam]\nmatch = steam\nuplink = nosuch0,{lab.spare}\nname = st\nno-proxy-env = yes\n")
    ran = f"{steam} a b proxy=\n{lab.spare.addr}\n"
    for words in (["run", "--", "steam"], ["--", steam], ["run", "-v", "--", "env", "X=y", "steam"]):
        done = lab.via(*words, "a", "b", env=env)
        assert (done.code, done.out) == (0, ran), done
    assert re.search(r"session 'st(-\d+)?'", done.err), done
    # the command line wins, and the rest is still the policy's
    done = lab.via("-v", "--name", "mine", lab.wired, "--", "steam", env=env, check=True)
    assert done.out == f"{steam} proxy=\n{lab.wired.addr}\n", done
    assert re.search(r"session 'mine(-\d+)?'", done.err), done  # one that ends may have the name yet
    done = lab.via("--no-app-policy", lab.wired, "--", "steam", env=env, check=True)
    assert done.out == f"{steam} proxy=http://p/\n{lab.wired.addr}\n", done
    done = lab.via("run", "--no-app-policy", "--", "steam", env=env)
    assert done.code == 125 and "the app policy is not to be asked" in done.err, done
    planned = lab.via("plan", "--", "steam", env=env, check=True).out
    assert "masquerade" in planned and f"default via {lab.spare.gateway}" in planned, planned


def test_options_from_the_policy(lab):
    env = steam_stub(lab)
    policy(
        lab,
        f"[steam]\nmatch = steam\nprofile = p\nipv6 = off\n[p]\nuplink = {lab.spare}\nlan = no\n"
        "host-access = yes\ndns = 9.9.9.9\nipv6 = auto\n",
    )
    put(os.path.join(lab.tmp, "bin/steam"), "#!/bin/sh\necho ready; cat\n", 0o755)
    held = lab.via_popen("run", "--", "steam", env=env)
    held.expect("ready\n")
    options = lab.via("status", "steam", "--json", check=True).json()["options"]
    assert options["ipv6"] in (False, "off") and options["no_lan"] and options["host_access"], options
    assert options["dns"] == ["9.9.9.9"], options
    held.finish()
    held = lab.via_popen("--ipv6=auto", "--dns=8.8.8.8", lab.spare, "--", "steam", env=env)
    held.expect("ready\n")
    name = lab.via("list", "--json", check=True).json()[-1]["name"]
    options = lab.via("status", name, "--json", check=True).json()["options"]
    assert options["ipv6"] not in (False, "off") and options["dns"] == ["8.8.8.8"], options
    held.finish()


def test_a_mistake_is_named(lab):
    env = steam_stub(lab)
    path = policy(lab, "[steam]\nmatch = steam\nuplnk = wlp6s0\n")
    for words in (["run", "--", "steam"], [lab.spare, "--", "steam"], ["plan", lab.spare, "--", "steam"]):
        done = lab.via(*words, env=env)
        assert done.code == 125 and f"{path}:3: 'uplnk' is not known" in done.err, done
    # of what nothing is said, nobody reads it
    assert lab.via(lab.spare, "--", "true", check=True)
    policy(lab, "[steam]\nmatch = steam\nprofile = gone\n")
    done = lab.via(lab.spare, "--", "steam", env=env)
    assert done.code == 125 and f"{path}:1: [steam] has the profile 'gone'" in done.err, done


def test_three_directories(lab):
    """The shipped ones, the site's, one's own: key by key, the later one wins."""
    env = steam_stub(lab)
    shipped = configured(lab, "VIA_DATADIR")
    site = configured(lab, "VIA_SYSCONFDIR")
    for path in (shipped, site):
        base = path
        while not os.path.isdir(base):
            base = os.path.dirname(base)
        nsutil.mount("none", base, "tmpfs", 0)
    put(f"{shipped}/apps/steam.conf", "[steam]\nmatch = steam\nno-proxy-env = yes\n")
    done = lab.via("run", "--", "steam", env=env)
    assert done.code == 125 and f"({shipped}/apps/steam.conf:1) has none" in done.err, done
    put(f"{site}/apps.d/steam.conf", f"[steam]\nuplink = {lab.wired}\n")
    assert lab.via("run", "--", "steam", env=env, check=True).out.endswith(f" proxy=\n{lab.wired.addr}\n")
    policy(lab, f"[steam]\nuplink = {lab.spare}\nno-proxy-env = no\n")
    done = lab.via("run", "--", "steam", env=env, check=True)
    assert done.out.endswith(f" proxy=http://p/\n{lab.spare.addr}\n"), done


@needs("root")
def test_another_ones_home(lab):
    """`sudo` may leave HOME: what another user wrote there does not count for root."""
    env = steam_stub(lab)
    path = policy(lab, f"[steam]\nmatch = steam\nuplink = {lab.spare}\n")
    assert lab.via("run", "--", "steam", env=env).code == 0
    os.chown(os.path.dirname(path), 1, 1)
    done = lab.via("run", "--", "steam", env=env)
    assert done.code == 125 and "no app policy is for that program" in done.err, done
    os.chown(os.path.dirname(path), 0, 0)  # as one that is exchanged for root's while it is read
    assert lab.via("run", "--", "steam", env=env).code == 0
    os.chown(path, 1, 1)
    done = lab.via("run", "--", "steam", env=env)
    assert done.code == 125 and "no app policy is for that program" in done.err, done


def test_separate_instance(lab):
    """While another one runs outside, and not twice."""
    env = steam_stub(lab)
    browser = os.path.join(lab.tmp, "bin/lab-browser")
    put(browser, '#!/bin/sh\necho "$@"\n', 0o755)
    text = f"[b]\nmatch = lab-browser\nuplink = {lab.spare}\nseparate-instance = --profile ~/%u/b\n"
    policy(lab, text)
    done = lab.via("run", "--", "lab-browser", "x", env=env, check=True)
    assert (done.out, done.err) == ("x\n", ""), done
    shutil.copy(shutil.which("cat"), os.path.join(lab.tmp, "lab-browser"))
    outside = lab.popen([os.path.join(lab.tmp, "lab-browser")])
    lab.wait(lambda: lab.processes("lab-browser"), 5, "the one outside")
    done = lab.via("run", "--", "lab-browser", "x", env=env, check=True)
    assert done.out == f"--profile {lab.tmp}/{lab.spare}/b x\n", done
    assert f"(pid {outside.pid}) already runs outside: a separate one is started" in done.err, done
    done = lab.via("run", "-q", "--", "lab-browser", "--profile=mine", env=env, check=True)
    assert (done.out, done.err) == ("--profile=mine\n", ""), done
    for words, seen in ((("x",), f"--profile {lab.tmp}/{lab.spare}/b x\n"), (("--profile=mine",), "--profile=mine\n")):
        done = lab.via("run", "--separate", "--", "lab-browser", *words, env=env, check=True)
        assert (done.out, done.err) == (seen, ""), done
    done = lab.via(lab.wired, "--", "lab-browser", env=env, check=True)
    assert done.out == f"--profile {lab.tmp}/{lab.wired}/b\n", done
    outside.finish()
    policy(lab, text + "separate = always\n")
    done = lab.via("run", "--", "env", "A=b", "lab-browser", "x", env=env, check=True)
    assert (done.out, done.err) == (f"--profile {lab.tmp}/{lab.spare}/b x\n", ""), done


@needs("tool:gio", "tool:desktop-file-validate")
def test_entry_by_policy(lab):
    """An entry without an uplink takes the policy's."""
    desktop = Desktop(lab)
    desktop.install("game", simple())
    desktop.stub("game")
    done = desktop.via("desktop", "add", "game")
    assert done.code == 125 and "no uplink is named, and no app policy" in done.err, done
    policy(lab, f"[game]\nmatch = game\nuplink = {lab.spare}\n")
    path = desktop.add("game")
    assert value(path, "Exec") == "via-iface desktop start -- game %U"
    assert value(path, "Name") == "Game (via-iface)"
    netns, words = desktop.launch(path)
    assert netns != os.readlink("/proc/self/ns/net") and words[1:] == []


# --- what is installed ----------------------------------------------------------------------------

DATA = os.path.join(ROOT, "data")


@needs("tool:desktop-file-validate", "tool:appstreamcli")
def test_own_files(lab):
    done = lab.run(["desktop-file-validate", os.path.join(DATA, "org.via_iface.via_iface.desktop")])
    assert (done.code, done.out) == (0, ""), done
    path = os.path.join(DATA, "org.via_iface.via_iface.metainfo.xml")
    said = lab.run(["appstreamcli", "validate", "--no-net", "--pedantic", path], check=True).out
    # AppStream before 1.0 (Debian 12) does not know what replaced developer_name
    complaints = [line for line in said.splitlines() if re.match(r"[EWIP]: ", line)]
    assert [line for line in complaints if not line.endswith("unknown-tag developer")] == [], said


def test_screenshots(lab):
    """The pictures that the metadata names are there, of the size that it says, and small."""
    root = ElementTree.parse(f"{DATA}/org.via_iface.via_iface.metainfo.xml").getroot()
    home = root.find("url[@type='homepage']").text
    images = root.findall("screenshots/screenshot/image")
    folder = os.path.join(DATA, "screenshots")
    assert sorted(image.text for image in images) == sorted(f"{home}screenshots/{name}" for name in os.listdir(folder))
    for image in images:
        with open(os.path.join(folder, os.path.basename(image.text)), "rb") as f:
            data = f.read()
        size = [int.from_bytes(data[at : at + 4], "big") for at in (16, 20)]  # of the chunk IHDR
        assert data[1:4] == b"PNG" and len(data) < 150_000, (image.text, len(data))
        assert size == [int(image.get("width")), int(image.get("height"))], (image.text, size)
        assert size[0] >= 620 and 1 <= size[0] / size[1] <= 2, size


def test_own_files_are_translated(lab):
    """What menus and software centres show of ours is in each language that the programs speak."""
    with open(f"{ROOT}/po/LINGUAS", encoding="utf-8") as f:
        languages = f.read().split()
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    root = ElementTree.parse(f"{DATA}/org.via_iface.via_iface.metainfo.xml").getroot()
    for place in (root, root.find("description"), root.find("description/ul"), *root.findall("screenshots/screenshot")):
        for tag in ("summary", "p", "li", "caption"):
            count = [sum(e.get(lang) == it for e in place.findall(tag)) for it in (None, *languages)]
            assert len(set(count)) == 1, (place.tag, tag, count)
    for name in ("org.via_iface.via_iface.desktop", "autostart/via-iface-tray.desktop"):
        with open(os.path.join(DATA, name), encoding="utf-8") as f:
            keys = {line.partition("=")[0] for line in f if "=" in line}
        for key in keys & {"GenericName", "Comment", "Keywords"}:
            assert keys >= {f"{key}[{it}]" for it in languages}, (name, key)
    with open(os.path.join(DATA, "org.via_iface.via_iface.desktop"), encoding="utf-8") as f:
        assert "\nName[zh_CN]=" in f.read()  # a search for the Chinese word finds the name, too


@needs("tool:rsvg-convert")
@params("via-iface.svg", "via-iface-symbolic.svg")
def test_icons(lab, name):
    """They are drawn, and not empty, at every size that a panel uses."""
    sizes = {}
    for size in (16, 24, 48, 128):
        out = os.path.join(lab.tmp, f"{size}.png")
        lab.run(["rsvg-convert", "-w", str(size), "-h", str(size), "-o", out,
                 os.path.join(DATA, "icons", name)], check=True)  # fmt: skip
        sizes[size] = os.path.getsize(out)
    assert sizes[16] > 150 and sizes[128] > sizes[16] * 3, sizes
