"""The failover order of a session's uplinks, by dragging rows with the mouse."""

from lab import needs, timeout
from person import WindowDesktop
from test_window import TOOLS, only_session

desktop = needs(*(f"tool:{tool}" for tool in TOOLS))


def middle(desk, name):
    """Of a row, on the screen."""
    left, top, _, _ = desk.screen.windows()["via-iface"]
    # the last: GTK 4.8 says of the page behind that it is visible
    x, y, width, height = [box for role, label, *box in desk.person.ask("boxes") if role == "list item" and label == name][-1]
    return left + x + width // 3, top + y + height // 2


def drag(desk, name, to):
    """Step by step, as a hand: GTK begins a drag after some pixels, and XDND answers each motion."""
    (x0, y0), (x1, y1) = middle(desk, name), middle(desk, to)
    desk.hands("mousemove", x0, y0, "mousedown", 1)
    for n in range(1, 11):
        desk.hands("mousemove", "--sync", x0 + (x1 - x0) * n // 10 + n % 2, y0 + (y1 - y0) * n // 10)
    desk.lab.wait(lambda: desk.changed(desk.still, 2000), 10, "the row under the pointer", 0.1)
    desk.keep(f"window-drag-{name[:1]}")
    desk.hands("mousemove", x1, y1, "mouseup", 1)


@desktop
@timeout(120)
def test_drag_orders(lab):
    """The third before the first, the first behind the third; dropped on itself, or on what is not in the list,
    nothing changes. The order is that of failover."""
    lab.run("ip link add wwan0 type veth peer name wwan1 && ip link set wwan1 up && ip link set wwan0 up", check=True)
    one, two, three = str(lab.spare), str(lab.wired), "wwan0"
    game = lab.session(f"{one},{two},{three}", "--name", "game")
    with WindowDesktop(lab, size=(1000, 1000)) as desk:
        person = desk.open()
        person.press("list item", "game")
        person.sees(f"3. {three}")

        def dragged(name, to, *uplinks):
            desk.still = desk.screen.picture()
            drag(desk, name, to)
            only_session(lab, uplinks=list(uplinks))
            for n, uplink in enumerate(uplinks, 1):
                person.sees(f"{n}. {uplink}")

        dragged(f"3. {three}", f"1. {one}", three, one, two)
        dragged(f"1. {three}", f"3. {two}", one, two, three)
        dragged(f"2. {two}", "wwan1", one, two, three)
        dragged(f"1. {one}", f"2. {two}", two, one, three)
        only_session(lab, uplink=two)
        lab.ip(f"link set {lab.wired.far[1]} down", ns=lab.wired.far[0])
        only_session(lab, uplink=one, uplinks=[two, one, three])
    game.finish()
