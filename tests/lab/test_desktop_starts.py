"""From the menu nothing fails unseen: what is wrong is said when an entry is made, or shown when it
is started."""

from lab import needs
from test_desktop import Desktop, simple

GLIB = needs("tool:gio")


@GLIB
def test_checked_when_it_is_added(lab):
    """A mistyped uplink is refused at once, with the one that was meant; a list may name one that is
    not here. A program that is not there is warned of."""
    desktop = Desktop(lab)
    desktop.install("game", simple("Game"))
    desktop.stub("game")
    for uplinks, said in (
        ("wlp6s", "did you mean 'wlp6s0'?"),
        ("enp7s0,wlp6s", "did you mean 'wlp6s0'?"),
        ("nowhere", "`via-iface uplinks`"),
    ):
        done = desktop.via("desktop", "add", "game", uplinks)
        assert done.code == 125 and said in done.err and "unknown uplink" in done.err, done
        assert done.err.count("\n") == 1 and not done.out, done
    for uplinks in ("wlp6s0", "usb9,wlp6s0", "wifi", "mac:02:00:00:00:00:09", "ssid:Home"):
        done = desktop.via("desktop", "add", "game", uplinks)
        assert done.code == 0 and not done.err, done
    desktop.install("gone", simple("Gone").replace("Exec=game", "Exec=gone"))
    done = desktop.via("desktop", "add", "gone", "wlp6s0")
    assert done.code == 0 and "the entry will start nothing: run 'gone'" in done.err, done
