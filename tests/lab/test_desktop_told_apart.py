"""What an entry of ours starts can be told from what its original starts: by its icon in menus, and by
the class of its windows in panels."""

import os
import subprocess

from lab import needs, params
from screen import Picture, Screen, _png
from test_desktop import Desktop, put, simple, value

GLIB = needs("tool:gio")
GREEN = (0, 200, 0)
SVG = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path fill="#00c800" d="M0 0h10v10H0z"/></svg>\n'


def place(desktop, icon):
    """An icon where programs have theirs; returns what stands in the entry."""
    if icon == "svg":
        put(f"{desktop.data}/icons/hicolor/scalable/apps/game.svg", SVG)
        return "game"
    at = {"png": f"{desktop.data}/icons/hicolor/128x128/apps", "pixmap": f"{desktop.data}/pixmaps", "path": f"{desktop.root}/x"}[icon]
    os.makedirs(at)
    with open(f"{at}/game.png", "wb") as f:
        f.write(_png(128, 128, [bytes(GREEN) * 128] * 128))
    return f"{at}/game.png" if icon == "path" else "game"


def drawn(path, size):
    """As librsvg draws it, which panels do."""
    data = subprocess.run(
        ["rsvg-convert", "-w", str(size), "-h", str(size), "-b", "#808080", path], capture_output=True, check=True,
    ).stdout  # fmt: skip
    return png_rows(data)


def png_rows(data):
    from gi.repository import GdkPixbuf

    loader = GdkPixbuf.PixbufLoader()
    loader.write(data)
    loader.close()
    p = loader.get_pixbuf()
    n, stride, raw = p.get_n_channels(), p.get_rowstride(), p.get_pixels()
    rows = []
    for y in range(p.get_height()):
        line = raw[y * stride : y * stride + p.get_width() * n]
        rows.append(bytes(b for x in range(p.get_width()) for b in line[x * n : x * n + 3]))
    return Picture(rows)


@GLIB
@needs("tool:rsvg-convert")
@params("png", "svg", "pixmap", "path")
def test_badge(lab, icon):
    """The original's picture is drawn, with a badge in its corner; the entry's removal removes it."""
    desktop = Desktop(lab)
    desktop.stub("game")
    desktop.install("game", simple("Game") + f"Icon={place(desktop, icon)}\nIcon[de]=other\n")
    for words in (["game", "wlp6s0"], ["--replace", "game", "wlp6s0"]):
        path = desktop.add(*words)
        badge = value(path, "Icon")
        assert badge == f"{lab.tmp}/.local/share/icons/via-iface/{os.path.basename(path)[: -len('.desktop')]}.svg", badge
        assert value(path, "Icon[de]") is None
        assert os.stat(badge).st_mode & 0o777 in (0o600, 0o644)
        for size in (16, 48, 256):
            picture = drawn(badge, size)
            green, corner = picture.crop(0, 0, size // 2, size // 2), picture.crop(size // 2, size // 2, size // 2, size // 2)
            assert green.colours()[0] == (GREEN, (size // 2) ** 2), green.colours()[:3]
            blue = sum(n for (r, _, b), n in corner.colours() if b > r + 60)
            assert blue > size * size // 20, corner.colours()[:5]
        desktop.via("desktop", "remove", os.path.basename(path), check=True)
        assert not os.path.exists(badge) and not os.path.exists(path)


@GLIB
@params(none="game", theme="../../x", other="/etc/passwd", text="x")
def test_no_picture(lab, icon):
    """Where there is no icon that is known, the entry keeps what it has; nothing else is read."""
    desktop = Desktop(lab)
    desktop.stub("game")
    put(f"{desktop.data}/icons/hicolor/128x128/apps/x.png", "no picture")
    desktop.install("game", simple("Game") + f"Icon={icon}\n")
    path = desktop.via("desktop", "add", "game", "wlp6s0", check=True).out.strip()
    assert value(path, "Icon") == icon
    assert not os.path.exists(f"{lab.tmp}/.local/share/icons")
    desktop.via("desktop", "remove", "game", check=True)


@GLIB
@needs("tool:Xvfb", "tool:xprop", "tool:xwininfo", "tool:xterm")
def test_window_class(lab):
    """A window of a session has the class of its entry; one outside has not."""
    desktop = Desktop(lab)
    screen = Screen(lab)
    desktop.env.update(screen.env, PATH=f"{desktop.bin}:{os.environ['PATH']}")
    desktop.install("xterm", simple("XTerm").replace("Exec=game", "Exec=xterm -T told-apart") + "StartupWMClass=XTerm\n")
    path = desktop.add("xterm", "wlp6s0")
    lab.popen(["gio", "launch", path], env=desktop.env)
    lab.wait(lambda: "told-apart" in screen.windows(), 20, "the window", 0.1)
    seen = lab.run(["xprop", "-name", "told-apart", "WM_CLASS"], env=desktop.env, check=True).out
    assert f'"{value(path, "StartupWMClass")}"' in seen and '"via-iface-xterm-wlp6s0"' in seen, seen
    lab.via("stop", "--all", check=True)
