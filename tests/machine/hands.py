#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Mouse and keyboard of a desktop without devices: words of xdotool (mousemove X Y, click N, key NAME,
type TEXT). On X11, and for GNOME in its X window, that is xdotool itself. KWin on Wayland makes the events,
so that they pass through it as those of devices do: org_kde_kwin_fake_input (plasma-wayland-protocols,
fake-input.xml)."""

import os
import socket
import struct
import subprocess
import sys

# linux/input-event-codes.h
KEYS = {
    "escape": 1, "tab": 15, "return": 28, "space": 57, "f10": 68, "up": 103, "left": 105, "right": 106,
    "down": 108, "delete": 111, "shift": 42, "alt": 56, "f4": 62, "super": 125, "ctrl": 29, "v": 47,
}  # fmt: skip
ROWS = {2: "1234567890-", 16: "qwertyuiop", 30: "asdfghjkl", 44: "zxcvbnm,."}
KEYS |= {letter: first + n for first, row in ROWS.items() for n, letter in enumerate(row)} | {" ": 57}
BUTTONS = {1: 0x110, 2: 0x112, 3: 0x111}


class KWin:
    """A Wayland client (wayland.xml) of one object, by hand: no library here speaks that protocol."""

    DISPLAY, REGISTRY = 1, 2
    WANTED, VERSION = "org_kde_kwin_fake_input", 4

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(os.path.join(os.environ["XDG_RUNTIME_DIR"], os.environ["WAYLAND_DISPLAY"]))
        self.last = self.REGISTRY  # of the numbers of objects, which have no gaps
        self._send(self.DISPLAY, 1, struct.pack("I", self.REGISTRY))  # get_registry
        found = {}
        for source, opcode, body in self._until_done():
            if source == self.REGISTRY and opcode == 0:  # global
                name, length = struct.unpack_from("II", body)
                found[body[8 : 8 + length - 1].decode()] = name
        if self.WANTED not in found:
            sys.exit(f"hands: KWin offers no {self.WANTED}: KWIN_WAYLAND_NO_PERMISSION_CHECKS=1 is needed")
        self.fake = self._new()
        new = struct.pack("I", found[self.WANTED]) + self._text(self.WANTED)
        self._send(self.REGISTRY, 0, new + struct.pack("II", self.VERSION, self.fake))  # bind
        self._send(self.fake, 0, self._text("hands") + self._text("a test"))  # authenticate
        self.done()

    @staticmethod
    def _text(word):
        data = word.encode() + b"\0"
        return struct.pack("I", len(data)) + data + b"\0" * (-len(data) % 4)

    def _new(self):
        self.last += 1
        return self.last

    def _send(self, target, opcode, body=b""):
        self.socket.sendall(struct.pack("=IHH", target, opcode, 8 + len(body)) + body)

    def _read(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                sys.exit("hands: KWin has closed the connection")
            data += more
        return data

    def _until_done(self):
        """The events before that of a new wl_callback."""
        callback = self._new()
        self._send(self.DISPLAY, 0, struct.pack("I", callback))  # sync
        events = []
        while True:
            source, opcode, size = struct.unpack("IHH", self._read(8))
            body = self._read(size - 8)
            if source == self.DISPLAY and opcode == 0:
                sys.exit(f"hands: KWin refused: {body!r}")
            if source == callback:
                return events
            events.append((source, opcode, body))

    def done(self):
        self._until_done()

    def move(self, x, y):
        self._send(self.fake, 9, struct.pack("ii", x * 256, y * 256))  # pointer_motion_absolute

    def button(self, code, pressed):
        self._send(self.fake, 2, struct.pack("II", code, pressed))

    def key(self, code, pressed):
        self._send(self.fake, 10, struct.pack("II", code, pressed))


def chord(hands, name):
    codes = [KEYS[word.lower()] for word in name.split("+")]
    for pressed in (True, False):
        for code in codes if pressed else reversed(codes):
            hands.key(code, pressed)


def use(hands, words):
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "mousemove":
            hands.move(int(words.pop(0)), int(words.pop(0)))
        elif word == "click":
            code = BUTTONS[int(words.pop(0))]
            hands.button(code, True)
            hands.button(code, False)
        elif word == "key":
            while words and words[0] not in ("mousemove", "click", "type"):
                chord(hands, words.pop(0))
        elif word == "type":
            for letter in words.pop(0):
                chord(hands, f"shift+{letter}" if letter.isupper() or letter == "_" else letter)
        else:
            sys.exit(f"hands: unknown word '{word}'")
        hands.done()


def main(words):
    words = list(words)
    if os.environ["XDG_SESSION_TYPE"] == "wayland" and os.environ["XDG_CURRENT_DESKTOP"] == "KDE":
        use(KWin(), words)
    else:
        subprocess.run(["xdotool", *words], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
