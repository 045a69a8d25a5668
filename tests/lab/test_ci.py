"""What CI runs (.ci/run): its last line sums up the steps, whatever becomes of one of them."""

import os
import shutil

from lab import ROOT, write_file

STEPS = {
    "10-good": "echo 1 passed, 9 failed, 0 skipped; echo 5 passed, 0 failed, 1 skipped",
    "20-bad": "echo 3 passed, 2 failed, 0 skipped; exit 1",
    "30-dumb": "echo nothing",
    "40-fails-at-its-end": "echo 7 passed, 0 failed, 0 skipped; exit 3",
    "50-strict": '[ "$VIA_TEST_STRICT" = 1 ] && printf "%s" "1 passed, 0 failed, 0 skipped"',
    "60-killed": "kill -KILL $$",
}


def test_sums_up(lab):
    ci = os.path.join(lab.tmp, ".ci")
    os.makedirs(os.path.join(ci, "steps"))
    shutil.copy(os.path.join(ROOT, ".ci", "run"), ci)
    for name, script in STEPS.items():
        path = os.path.join(ci, "steps", name)
        write_file(path, f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)

    def run(*steps):
        done = lab.run([os.path.join(ci, "run"), *steps])
        return done.code, done.out.splitlines()[-1]

    assert run("10-good", "50-strict") == (0, "6 passed, 0 failed, 1 skipped")
    for step in ("20-bad", "30-dumb", "40-fails-at-its-end", "60-killed", "not-there"):
        assert run(step)[0] == 1, step
    assert run() == (1, "16 passed, 5 failed, 1 skipped")
