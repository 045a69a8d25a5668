#!/usr/bin/python3
"""The demo: one program by the default route, and others by another card. Called by tools/demo.

demo.py --picture FILE writes what was printed as a picture for the README.
"""

import argparse
import contextlib
import html
import io
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import lab as lablib  # noqa: E402
import nsutil  # noqa: E402


class Demo:
    """Types commands, prints them with their output and a sentence, and remembers whether all was
    as it should be."""

    def __init__(self, lab):
        self.lab, self.good = lab, True

    def show(self, line, result, good, sentence):
        print(f"$ {line}")
        text = result.out.rstrip() or result.err.rstrip()
        if text:
            print(text)
        if not (good and result.code == 0):
            self.good, sentence = False, "That is not as it should be."
        print(f"  {sentence}\n")

    def via(self, line, good, sentence):
        """One command of via-iface; `good` judges its output."""
        result = self.lab.via(*line.split())
        self.show(f"via-iface {line}", result, good(result.out.strip()), sentence)

    def run(self):
        lab = self.lab
        url, wired, spare = lab.url, lab.wired, lab.spare
        print(f"A host with two cards: {wired} ({wired.addr}) has the default route,")
        print(f"{spare} ({spare.addr}) is spare. A server out there answers with who it sees.\n")
        plain = lab.run(["curl", "-s", url])
        self.show(f"curl -s {url}", plain, plain.out.strip() == wired.addr,
                  f"A plain program leaves by the wired card, {wired}.")  # fmt: skip
        self.via(f"{spare} -- curl -s {url}", lambda out: out == spare.addr,
                 f"The same program, through via-iface, leaves by {spare}.")  # fmt: skip

        capture = lab.capture_wired()
        command = f"{spare} -- sleep 1000"
        print(f"$ via-iface {command} &")
        session = lab.via_popen(*command.split())
        lab.wait(lambda: "sleep" in lab.via("list").out, 10, "the session")
        self.via("list", lambda out: str(spare) in out, "Who runs, and by which card.")
        self.via(f"exec sleep -- curl -s {url}", lambda out: out == spare.addr,
                 "One more program in that session.")  # fmt: skip
        seen = capture.leaks()
        print(f"  Packets of the session on {wired} up to here: {len(seen)}.\n")
        self.good &= not seen
        self.via(f"move sleep {wired}", lambda _: True, "While it runs, to the other card.")
        self.via(f"exec sleep -- curl -s {url}", lambda out: out == wired.addr, "And so it is.")
        self.via("stop sleep", lambda _: True, "Nothing is left of it.")
        session.finish()
        if self.good:
            print("All of it took place in namespaces of its own; this machine's network is as it was.")
        return self.good


def demo(lab):
    return Demo(lab).run()


# --- the picture ---------------------------------------------------------------------------------

LINE, CHARACTER, MARGIN = 18, 7.8, 16
STYLE = (
    "text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#c9d1d9;white-space:pre}"
    ".typed{fill:#f0f6fc;font-weight:bold}.said{fill:#7ee787}"
)


def picture(text):
    """The lines of a terminal as SVG."""
    lines = text.rstrip().split("\n")
    width = round(max(map(len, lines)) * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="What tools/demo prints">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
    ]
    for number, line in enumerate(lines):
        kind = "typed" if line.startswith("$") else "said" if line.startswith("  ") else ""
        y = MARGIN + LINE * number + 13
        if line:
            out.append(f'<text xml:space="preserve" x="{MARGIN}" y="{y}" class="{kind}">{html.escape(line)}</text>')
    return "\n".join([*out, "</svg>", ""])


def body(path):
    def run(lab):
        text = io.StringIO()
        if path:
            with contextlib.redirect_stdout(text):
                good = demo(lab)
            print(text.getvalue())
            if good:
                lablib.write_file(path, picture(text.getvalue()))
        else:
            good = demo(lab)
        sys.stdout.flush()
        lab.close()
        return 0 if good else 1

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--picture", type=os.path.abspath)
    arguments = parser.parse_args()
    reason = nsutil.become_root([os.path.abspath(__file__), *sys.argv[1:]])
    if reason:
        print(f"demo: {reason}", file=sys.stderr)
        return 1
    tmp = tempfile.mkdtemp(prefix="via-demo.")
    os.chmod(tmp, 0o1777)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            nsutil.die_with_parent()
            code = lablib.in_lab("split", tmp, body(arguments.picture))
        finally:
            os._exit(code if 0 <= code < 256 else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    shutil.rmtree(tmp, ignore_errors=True)
    return 0 if code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
