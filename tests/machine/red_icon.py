#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""red_icon.py BEFORE AFTER top|bottom: the middle, on the screen, of what has become red in a panel between two
pictures: the tray's icon of a blocked session. The panel is at that edge."""

import subprocess
import sys

PANEL = 128  # pixels of the edges that are looked at
LEAST, MOST = 20, 1600  # pixels of the sign


def picture(path):
    """(width, height, RGB bytes), by ImageMagick."""
    data = subprocess.run(["convert", path, "-strip", "-depth", "8", "ppm:-"], check=True, capture_output=True).stdout
    _, size, _, pixels = data.split(b"\n", 3)  # "P6", width and height, the largest value
    width, height = map(int, size.split())
    return width, height, pixels


def red(pixels, at):
    r, g, b = pixels[at : at + 3]
    return r > 150 and g < 100 and b < 110


def spots(found):
    """What is connected, but for two pixels between."""
    left = set(found)
    while left:
        spot, todo = [], [left.pop()]
        while todo:
            x, y = at = todo.pop()
            spot.append(at)
            near = {(x + i, y + j) for i in range(-3, 4) for j in range(-3, 4)} & left
            left -= near
            todo.extend(near)
        yield spot


def main(before, after, edge):
    width, height, old = picture(before)
    _, _, new = picture(after)
    found = [
        (x, y)
        for y in (range(PANEL) if edge == "top" else range(height - PANEL, height))
        for x in range(width)
        if red(new, 3 * (y * width + x)) and not red(old, 3 * (y * width + x))
    ]
    # of that size: a wallpaper that is drawn at last is larger
    signs = [spot for spot in spots(found) if LEAST <= len(spot) <= MOST]
    if not signs:
        sys.exit("nothing has become red in a panel")
    spot = max(signs, key=len)
    print(sum(x for x, _ in spot) // len(spot), sum(y for _, y in spot) // len(spot))


main(*sys.argv[1:4])
