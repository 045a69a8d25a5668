#!/usr/bin/python3
"""The demo: one program by the way it always takes, and by another. Called by tools/demo."""

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import lab as lablib  # noqa: E402
import nsutil  # noqa: E402


def show(line, result, wanted, sentence):
    """Prints the command, its output and one sentence; returns whether it was as it should be."""
    print(f"$ {line}")
    print(result.out.rstrip() or result.err.rstrip())
    good = result.code == 0 and result.out.strip() == wanted.addr
    print(f"  {sentence}\n" if good else f"  That should have been {wanted.addr}.\n")
    return good


def demo(lab):
    url, dev = lab.url, lab.spare.dev
    print(f"A host with two cards: {lab.wired.dev} ({lab.wired.addr}) has the default route,")
    print(f"{dev} ({lab.spare.addr}) is spare. A server out there answers with who it sees.\n")
    good = show(
        f"curl -s {url}",
        lab.run(["curl", "-s", url]),
        lab.wired,
        f"A plain program leaves by the wired card, {lab.wired.dev}.",
    )
    good &= show(
        f"via-iface {dev} -- curl -s {url}",
        lab.via(dev, "--", "curl", "-s", url),
        lab.spare,
        f"The same program, through via-iface, leaves by {dev}.",
    )
    if good:
        print("All of it took place in namespaces of its own; this machine's network is as it was.")
    return good


def body(lab):
    good = demo(lab)
    sys.stdout.flush()
    lab.close()
    return 0 if good else 1


def main():
    reason = nsutil.become_root([os.path.abspath(__file__)])
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
            code = lablib.in_lab("split", tmp, body)
        finally:
            os._exit(code if 0 <= code < 256 else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    shutil.rmtree(tmp, ignore_errors=True)
    return 0 if code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
