"""The demo does what it says, and the README's picture shows what it prints."""

import contextlib
import html
import io
import os
import re

import demo
from lab import ROOT


def steady(text):
    """Without what differs from run to run: bytes, ages and process ids in a table."""
    return re.sub(r"[ \t]+", " ", re.sub(r"\b\d+(\.\d+)?( ?[KMG]i?)?[Bs]?\b(?!\.)", "N", text))


def test_demo(lab):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        assert demo.demo(lab), text.getvalue()
    with open(os.path.join(ROOT, "docs/demo.svg"), encoding="utf-8") as f:
        shown = [html.unescape(line) for line in re.findall(r"<text[^>]*>(.*?)</text>", f.read())]
    printed = [line for line in text.getvalue().splitlines() if line]
    assert list(map(steady, shown)) == list(map(steady, printed)), (
        "docs/demo.svg should show this (tests/lab/demo.py --picture docs/demo.svg):\n" + text.getvalue()
    )
