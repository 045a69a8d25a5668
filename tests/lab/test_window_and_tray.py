"""The tray and the window on one desktop: what is ordered in the window is no news in the tray."""

from lab import needs
from panel import ITEM
from person import WindowDesktop
from test_window import TOOLS, only_session

desktop = needs(*(f"tool:{tool}" for tool in TOOLS))


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
            desk.wait(lambda u=uplink: desk.icon()[2] == f"game via {u}", 5, f"{uplink} in the tray")
            # the next order is made of what the window shows
            person.sees(f"1. {uplinks[0]}")
            person.sees(f"game via {uplink}")
        for button, title in (("Pause", "game: paused"), ("Resume", f"game via {one}")):
            person.press("push button", button)
            desk.wait(lambda t=title: desk.icon()[2] == t, 5, f"{title} in the tray")
        lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
        desk.wait(lambda: desk.notes, 5, "a notification of the block")
        assert desk.noted == ["game is blocked"], desk.noted
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
        desk.wait(lambda: desk.notes, 5, "a notification of the failover")
        assert desk.noted == [f"game goes by {other} now"], desk.noted
    game.finish()
