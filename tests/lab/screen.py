"""A desktop to test in: an X server that draws into a file, buses on abstract sockets, pictures.

The X server's file (Xvfb -fbdir) is an X window dump that it keeps up to date; it is read here and
written as PNG. Pictures are kept in $VIA_ARTIFACTS, or in the build directory's lab-artifacts/.
"""

import collections
import contextlib
import os
import re
import struct
import subprocess
import zlib

import nsutil
from lab import build_dir

SOCKETS = "/tmp/.X11-unix"


def keep(name, data):
    """Keeps a file of a test for people to look at; returns its path."""
    folder = os.environ.get("VIA_ARTIFACTS") or os.path.join(build_dir(), "lab-artifacts")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def _png(width, height, rows):
    def chunk(kind, data):
        body = kind + data
        return struct.pack("!I", len(data)) + body + struct.pack("!I", zlib.crc32(body))

    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    raw = b"".join(b"\0" + row for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(raw, 6))
        + chunk(b"IEND", b"")
    )


class Picture:
    """Rows of RGB bytes."""

    def __init__(self, rows):
        self.rows = rows
        self.width, self.height = len(rows[0]) // 3, len(rows)

    @classmethod
    def from_dump(cls, data):
        """An X window dump (XWDFile.h) of 32 bits a pixel."""
        words = struct.unpack_from("!25I", data)
        header, width, height, order, bits, stride = (words[n] for n in (0, 4, 5, 7, 11, 12))
        assert bits == 32, f"{bits} bits a pixel"
        at = header + words[19] * 12
        red, green, blue = (2, 1, 0) if order == 0 else (1, 2, 3)
        rows = []
        for y in range(height):
            line = data[at + y * stride : at + y * stride + width * 4]
            row = bytearray(width * 3)
            row[0::3], row[1::3], row[2::3] = line[red::4], line[green::4], line[blue::4]
            rows.append(bytes(row))
        return cls(rows)

    def crop(self, x, y, width, height):
        rows = self.rows[max(0, y) : max(0, y + height)]
        return Picture([row[max(0, x) * 3 : max(0, x + width) * 3] for row in rows])

    def colours(self):
        """How often each colour is there, the most frequent one first."""
        count = collections.Counter()
        for row, times in collections.Counter(self.rows).items():  # many look alike
            for colour, found in collections.Counter(zip(row[0::3], row[1::3], row[2::3])).items():
                count[colour] += found * times
        return count.most_common()

    def png(self):
        return _png(self.width, self.height, self.rows)


class Screen:
    """An X server without access control (programs of other users draw, too)."""

    def __init__(self, lab, number=7, size="800x600"):
        self.lab = lab
        self.folder = os.path.join(lab.tmp, "screen")
        os.makedirs(self.folder)
        # The machine's own displays are out of sight: neither used nor touched.
        os.makedirs(SOCKETS, mode=0o1777, exist_ok=True)
        nsutil.mount("tmpfs", SOCKETS, "tmpfs", nsutil.MS_NOSUID | nsutil.MS_NODEV, "mode=1777")
        self.display = f":{number}"
        self.server = lab.popen(
            ["Xvfb", self.display, "-nolock", "-ac", "-nolisten", "tcp", "-displayfd", "1"]
            + ["-screen", "0", size + "x24", "-fbdir", self.folder]
        )
        self.server.expect(f"{number}\n")
        self.env = {"DISPLAY": self.display}

    def windows(self):
        """{title: (x, y, width, height)} of what is on the screen."""
        tree = subprocess.run(
            ["xwininfo", "-display", self.display, "-root", "-tree"],
            capture_output=True, text=True, env=self.lab.env,
        )  # fmt: skip
        found = {}
        line = re.compile(r'^ +0x\w+ "(.*)": \(.*\)  (\d+)x(\d+)\+-?\d+\+-?\d+  \+(-?\d+)\+(-?\d+)$')
        for match in filter(None, map(line.match, tree.stdout.splitlines())):
            title, width, height, x, y = match.groups()
            found.setdefault(title, (int(x), int(y), int(width), int(height)))
        return found

    def picture(self):
        with open(os.path.join(self.folder, "Xvfb_screen0"), "rb") as f:
            return Picture.from_dump(f.read())

    def shows(self, title, least=0.002):
        """The window of that title (a regular expression) as it looks now, without its border;
        None while it is not there or blank: but for `least` of it of one colour."""
        for name, (x, y, width, height) in self.windows().items():
            if width > 50 and re.fullmatch(title, name):
                part = self.picture().crop(x + 3, y + 3, width - 6, height - 6)
                colours = part.colours()
                if 1 - colours[0][1] / (part.width * part.height) >= least:
                    return part
        return None

    def wait_for(self, title, name, seconds=20):
        """Until that window shows something; keeps a picture of the screen."""
        try:
            part = self.lab.wait(lambda: self.shows(title), seconds, f"window {title}", 0.05)
        except AssertionError as error:
            path = keep(f"{name}-failed.png", self.picture().png())
            raise AssertionError(f"{error}: there are {self.windows()}, see {path}") from None
        keep(f"{name}.png", self.picture().png())
        return part


class Bus:
    """A message bus on an abstract socket, as the user (default: root). `env` is what services that
    it starts get."""

    def __init__(self, lab, name, user=None, env=None):
        self.lab, self.user = lab, user
        self.daemon = lab.popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"]
            + [f"--address=unix:abstract={lab.tmp}/{name}"],
            user=user,
            env=env,
        )
        self.address = self.daemon.expect("\n").strip()
        self.guid = self.address.partition("guid=")[2]
        assert "abstract=" in self.address and self.guid, self.address

    def ask(self, method):
        """What the bus itself answers, to one outside."""
        words = ["dbus-send", f"--bus={self.address}", "--print-reply=literal"]
        words += ["--dest=org.freedesktop.DBus", "/", f"org.freedesktop.DBus.{method}"]
        return self.lab.run(words, user=self.user, check=True).out

    def id(self):
        return self.ask("GetId").strip()


@contextlib.contextmanager
def runtime_dir(lab, user=None):
    """A private directory as XDG_RUNTIME_DIR; empty again when all is over."""
    path = os.path.join(lab.tmp, "xdg")
    os.mkdir(path, 0o700)
    if user is not None:
        os.chown(path, user, -1)
    yield path
    lab.wait(lambda: not os.listdir(path), 5, "an empty XDG_RUNTIME_DIR")
