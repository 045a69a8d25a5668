"""The demo does what it says, and the README shows what it prints."""

import contextlib
import io
import os

import demo
from lab import ROOT, Skip


def test_demo(lab):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        assert demo.demo(lab), text.getvalue()
    readme = os.path.join(ROOT, "README.md")
    if not os.path.exists(readme):
        raise Skip("no README.md")
    with open(readme) as f:
        assert text.getvalue() in f.read(), "the README should show this:\n" + text.getvalue()
