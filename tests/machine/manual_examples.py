#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""manual_examples.py PAGE.scd TITLE: what the page tells to write and to type below that heading of its
EXAMPLES, in its order, as a shell script. A file is a block whose first line is "# PATH"."""

import re
import shlex
import sys

with open(sys.argv[1], encoding="utf-8") as f:
    text = f.read().partition("\n# EXAMPLES\n")[2]
text = re.split(r"^# [A-Z]", text, maxsplit=1, flags=re.M)[0]
parts = re.split(r"^## (.+)$", text, flags=re.M)
titles = dict(zip(parts[1::2], parts[2::2]))
if len(sys.argv) == 2:
    print("\n".join(titles))
    sys.exit()
block = []  # lines of the one that is open
for line in titles[sys.argv[2]].splitlines():
    if line == "```" and not block:
        block = [line]
    elif line == "```":
        path = block[1].removeprefix("# ")
        place = path if path.startswith("~/") else shlex.quote(path)
        print(f"mkdir -p {place.rpartition('/')[0]}")
        print(f"printf %s {shlex.quote(chr(10).join([*block[2:], '']))} >{place}")
        block = []
    elif block:
        block.append(line)
    elif line.startswith("\t"):
        print(line.strip().replace("\\", ""))
