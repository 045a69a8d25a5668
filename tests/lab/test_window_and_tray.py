"""The tray and the window on one desktop: what is ordered in the window is no news in the tray."""

import os
import time

from lab import needs, params, timeout
from panel import BUS, ITEM, NOTES, WINDOW_APP, GLib
from person import WindowDesktop
from test_window import TOOLS, only_session

OFFER = "This desktop shows no icon of via-iface"
PANEL_S = 15  # tray/indicator/offer.c

desktop = needs(*(f"tool:{tool}" for tool in TOOLS))


def news(desk):
    """Titles of notifications, but for the offer of the window, which comes where all takes long."""
    return [title for title in desk.noted if title != OFFER]


@desktop
def test_own_orders_are_no_news(lab):
    """A move, another order of the uplinks, one uplink less, a pause and its end, ordered in the window:
    the tray shows them and notifies of none. Of what comes by itself it does."""
    one, other = str(lab.spare), str(lab.wired)
    game = lab.session(f"{one},{other}", "--name", "game")
    with WindowDesktop(lab) as desk:
        person = desk.open()
        tray = desk.run()
        lab.wait(lambda: desk.owned(f"{ITEM}-{tray.pid}-1"), 10, "the tray's icon")
        desk.wait(lambda: desk.icon()[2] == f"game via {one}", 10, "the session in the tray")
        person.press("list item", "game")
        orders = (
            (f"Use {other} earlier", other, [other, one]),
            (f"Use {one} earlier", one, [one, other]),
            (f"Do not use {one}", other, [other]),
            (f"Move to {one}", one, [one]),
        )
        for button, uplink, uplinks in orders:
            person.press("push button", button)
            only_session(lab, uplink=uplink, uplinks=uplinks)
            desk.wait(lambda u=uplink: desk.icon()[2] == f"game via {u}", 20, f"{uplink} in the tray")
            # the next order is made of what the window shows
            person.sees(f"1. {uplinks[0]}")
            person.sees(f"game via {uplink}")
        for button, title in (("Pause", "game: paused"), ("Resume", f"game via {one}")):
            person.press("push button", button)
            desk.wait(lambda t=title: desk.icon()[2] == t, 20, f"{title} in the tray")
        lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
        desk.wait(lambda: news(desk), 20, "a notification of the block")
        assert news(desk) == ["game is blocked"], desk.noted
    game.finish()


@desktop
def test_news_after_an_order_that_moves_nothing(lab):
    """An order that leaves the session where it is hides no failover behind it."""
    one, other = str(lab.spare), str(lab.wired)
    lab.run("ip link add wwan0 type veth peer name wwan1 && ip link set wwan1 up && ip link set wwan0 up", check=True)
    game = lab.session(f"{one},{other},wwan0", "--name", "game")
    with WindowDesktop(lab) as desk:
        tray = desk.run()
        lab.wait(lambda: desk.owned(f"{ITEM}-{tray.pid}-1"), 10, "the tray's icon")
        desk.wait(lambda: desk.icon()[2] == f"game via {one}", 10, "the session in the tray")
        person = desk.open()
        person.press("list item", "game")
        person.press("push button", "Do not use wwan0")
        only_session(lab, uplink=one, uplinks=[one, other])
        lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
        desk.wait(lambda: news(desk), 20, "a notification of the failover")
        assert news(desk) == [f"game goes by {other} now"], desk.noted
    game.finish()


# --- where no panel shows the icon --------------------------------------------------------------

@desktop
@timeout(120)
@params("state_home", "home")
def test_the_window_is_offered_once(lab, where):
    """At the first start without a StatusNotifierWatcher: a notification, of which a button opens the
    window; at the next start nothing."""
    with WindowDesktop(lab) as desk:
        state = f"{desk.home}/.local/state"
        if where == "state_home":
            state = f"{lab.tmp}/state"
            desk.env["XDG_STATE_HOME"] = state
        tray = desk.run()
        desk.wait(lambda: desk.notes, PANEL_S + 10, "the offer")
        ((number, (title, _)),) = desk.notes.items()
        assert title == OFFER and desk.buttons[number] == {"default": "Open"}, desk.buttons
        assert os.listdir(f"{state}/via-iface") == ["window-offered"]
        assert not desk.owned(WINDOW_APP)
        desk.press(number, "default")
        lab.wait(lambda: desk.screen.shows("via-iface"), 20, "the window", 0.05)
        assert tray.stop().code == 0
        if where == "home":
            return
        tray = desk.run()
        lab.wait(lambda: desk.owned(f"{ITEM}-{tray.pid}-1"), 10, "the tray's icon")
        time.sleep(PANEL_S + 2)
        desk.wait(lambda: desk.owned(f"{ITEM}-{tray.pid}-1"), 5, "that it runs")
        assert desk.noted == [OFFER], desk.noted


@desktop
@timeout(120)
def test_the_window_opens_where_nobody_shows_notifications(lab):
    with WindowDesktop(lab) as desk:
        desk.call(BUS, "/", BUS, "ReleaseName", GLib.Variant("(s)", (NOTES,)))
        desk.run()
        lab.wait(lambda: desk.screen.shows("via-iface"), PANEL_S + 20, "the window", 0.05)


@desktop
@needs("tool:xfce4-panel")
@timeout(120)
def test_no_offer_where_a_panel_comes_later(lab):
    with WindowDesktop(lab) as desk:
        desk.run()
        desk.start_panel()
        lab.wait(desk.item, 10, "the icon in the panel", 0.05)
        time.sleep(PANEL_S + 2)
        desk.wait(desk.item, 5, "the icon")
        assert desk.noted == [] and not desk.owned(WINDOW_APP), desk.noted
        assert not os.path.exists(f"{desk.home}/.local/state/via-iface")
