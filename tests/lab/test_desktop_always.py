"""A program is bound to an uplink without a terminal: `desktop always` writes the app policy and an
entry in the original's place, `desktop launch` starts what an entry of the menu does."""

import os

from lab import needs, ship_apps
from test_desktop import Desktop, put, simple, value
from test_handed_over import Apps

GLIB = needs("tool:gio")


def policy(lab, name):
    return os.path.join(lab.tmp, ".config/via-iface/apps", f"desktop-{name}.conf")


@GLIB
def test_always_and_no_more(lab):
    """Each start from the menu goes by the uplink that was said last; `remove` takes back both files."""
    desktop = Desktop(lab)
    desktop.install("game", simple("Game"))
    desktop.stub("game")
    hold = lab.session()
    for uplinks in ("enp7s0", "wlp6s0,enp7s0"):
        done = desktop.via("desktop", "always", "game", uplinks, check=True)
        entry = done.out.strip()
        assert entry == f"{desktop.own}/game.desktop", done
        assert value(entry, "Exec") == "via-iface desktop start --app-id=game -- game" or "desktop start" in value(entry, "Exec")
        with open(policy(lab, "game"), encoding="utf-8") as f:
            assert f.read().splitlines()[1:] == ["[desktop.game.desktop]", "match = game", f"uplink = {uplinks}"]
        plan = desktop.via("plan", "--json", "--", "game")
        assert plan.code == 0, plan
        netns, words = desktop.launch(entry)
        assert netns != os.readlink("/proc/self/ns/net"), (netns, words)
    done = desktop.via("desktop", "remove", "game", check=True)
    assert not os.path.exists(entry) and not os.path.exists(policy(lab, "game")), done
    hold.finish()


@GLIB
def test_keeps_what_is_known(lab):
    """The uplink is written into the section that the policy has of the program."""
    ship_apps(("firefox.conf",))
    desktop = Desktop(lab)
    desktop.install("firefox", simple("Web", exec="firefox"))
    desktop.stub("firefox")
    desktop.via("desktop", "always", "firefox", "wlp6s0", check=True)
    with open(policy(lab, "firefox"), encoding="utf-8") as f:
        assert f.read().splitlines()[1:] == ["[firefox]", "uplink = wlp6s0"]


@GLIB
def test_all_or_nothing(lab):
    """What is refused leaves no file: an unknown uplink, a file of the user's own that says otherwise,
    an entry that is the user's, and a game."""
    desktop = Desktop(lab)
    desktop.install("game", simple("Game"))
    desktop.stub("game")

    def refused(*words, said):
        done = desktop.via("desktop", "always", *words)
        assert done.code == 125 and said in done.err and done.err.count("\n") == 1, done
        assert not os.path.exists(f"{desktop.own}/game.desktop"), done

    refused("game", "wlp6s", said="did you mean 'wlp6s0'?")
    refused("steam:70", "wlp6s0", said="Steam starts its games")
    refused("game", said="an app and the uplinks")
    assert not os.path.exists(policy(lab, "game"))
    put(os.path.join(lab.tmp, ".config/via-iface/apps/mine.conf"), "[x]\nmatch = game\nuplink = enp7s0\n")
    refused("game", "wlp6s0", said="another file")
    os.unlink(os.path.join(lab.tmp, ".config/via-iface/apps/mine.conf"))
    put(policy(lab, "game"), "# mine\n")
    refused("game", "wlp6s0", said="it is not ours")
    with open(policy(lab, "game"), encoding="utf-8") as f:
        assert f.read() == "# mine\n"
    os.unlink(policy(lab, "game"))
    put(f"{desktop.own}/game.desktop", simple("Game"))
    done = desktop.via("desktop", "always", "game", "wlp6s0")
    assert done.code == 125 and "your own" in done.err or "not ours" in done.err, done
    assert not os.path.exists(policy(lab, "game"))


@GLIB
def test_launch(lab):
    """What the entry of the menu starts, in its directory, inside; the failure has one line."""
    desktop = Desktop(lab)
    desktop.install("game", simple("Game") + f"Path={lab.tmp}\n")
    desktop.stub("game")
    done = desktop.via("desktop", "launch", "game", "wlp6s0", check=True)
    netns, words = desktop.recorded()
    assert netns != os.readlink("/proc/self/ns/net") and words[1:] == [], (netns, words)
    done = desktop.via("desktop", "launch", "--check", "game", "wlp6s0", check=True)
    assert done.json()["handed"] is False, done
    done = desktop.via("desktop", "launch", "nothing", "wlp6s0")
    assert done.code == 125 and "no desktop entry" in done.err, done
    desktop.install("gone", simple("Gone", exec="gone"))
    done = desktop.via("desktop", "launch", "gone", "wlp6s0")
    assert done.code == 127, done


@GLIB
def test_launch_is_not_handed_over(lab):
    """Where an instance runs outside, --check says so, the plain start refuses, and each of the two
    options does what it says."""
    apps = Apps(lab, "epiphany")
    desktop = Desktop(lab)
    desktop.install("epiphany", simple("Web", exec="epiphany"))
    env = {**desktop.env, **apps.env(), "PATH": f"{apps.bin}:{desktop.bin}:/usr/bin:/bin"}
    outside = apps.hold()

    def via(*words):
        return lab.via("desktop", "launch", *words, env=env)

    found = via("--check", "epiphany", "wlp6s0").json()
    assert found["handed"] and found["program"] == "epiphany" and found["separate"], found
    assert "already runs outside" in found["text"], found
    done = via("epiphany", "wlp6s0")
    assert done.code == 125 and "already runs outside" in done.err, done
    inside = via("--separate", "epiphany", "wlp6s0")
    assert inside.code == 0 and "--private-instance" in inside.out, inside
    anyway = via("--allow-handover", "epiphany", "wlp6s0")
    assert anyway.code == 0 and "--private-instance" not in anyway.out, anyway
    outside.stop()


@GLIB
def test_games(lab):
    """The installed games of Steam by their names, without what Steam installs beside them."""
    desktop = Desktop(lab)
    apps = os.path.join(lab.tmp, ".local/share/Steam/steamapps")
    for number, name in ((70, "Half-Life"), (400, "Portal"), (1493710, "Proton Experimental"), (228980, "Steamworks Common Redistributables")):
        put(f"{apps}/appmanifest_{number}.acf", f'"AppState"\n{{\n "appid" "{number}"\n "name" "{name}"\n}}\n')
    put(f"{apps}/appmanifest_x.acf", "{")
    games = desktop.via("desktop", "games", "--json", check=True).json()
    assert [(g["app"], g["name"]) for g in games] == [("steam:70", "Half-Life"), ("steam:400", "Portal")], games
    assert "steam:400" in desktop.via("desktop", "games", check=True).out
