"""Attacks by a plain user whom the policy lets in: on the host, on the daemon, and on others."""

import contextlib
import os

import hostile
from hostile import ATTACH, EXEC, OK, REFUSED, RUN_IN, Actor, message
from lab import needs
from test_access import NETDEV, Site

ALICE, BOB = 1000, 1001


def site(lab, *daemon, **policy):
    """The programs installed; alice and bob are let in by the policy."""
    s = Site(lab, *daemon)
    lines = {"uplinks": "*", "attach": "yes", **policy}
    s.policy("[%netdev]\n" + "".join(f"{k} = {v}\n" for k, v in lines.items()))
    return s


def alice(userns=False):
    return Actor(ALICE, [NETDEV], userns)


def bob(userns=False):
    return Actor(BOB, [NETDEV], userns)


# --- into a namespace of others -----------------------------------------------------------------


def netns_with_inode(lab, inode):
    """Makes namespaces of root's until one has that inode, as the kernel gives numbers again; the
    end of a namespace takes a while. None when somebody else on this machine got it."""
    made = []

    def try_once():
        made.append(f"victim{len(made)}")
        lab.run(["ip", "netns", "add", made[-1]], check=True)
        return os.stat(f"/run/netns/{made[-1]}").st_ino == inode

    try:
        lab.wait(try_once, 5, step=0.05)
    except AssertionError:
        made.append(None)
    for name in made[:-1]:
        lab.run(["ip", "netns", "del", name], check=True)
    return f"/run/netns/{made[-1]}" if made[-1] else None


@needs("root", "tool:setcap", "tool:setpriv")
def test_exec_into_a_number_used_again(lab):
    """A session's device is moved on, its namespace ends, and its number becomes that of a
    namespace of root's, which anybody may open by its name: it is no way in."""
    site(lab)
    for _ in range(5):
        with alice(userns=True) as a:
            if number_used_again(lab, a):
                return
    raise AssertionError("the number of a namespace was never used again")


def number_used_again(lab, a):
    inode = a.do(hostile.new_netns, "first")
    status, text, ident, _ = a.do(hostile.ask_with, message(RUN_IN), "first")
    assert status == OK, text
    assert a.do(hostile.ask_with, message(EXEC, ident=ident), "first")[0] == OK
    a.do(hostile.new_netns, "second")
    a.do(hostile.go_to, "first")
    a.do(move_device, "eth0", "second")
    a.do(hostile.go_to, "second")
    a.do(hostile.drop, "first")
    victim = netns_with_inode(lab, inode)
    if not victim:
        return False
    assert lab.link_exists(f"viap{ident}"), "the session is still there"
    a.do(hostile.keep_open, "victim", victim)
    answer = a.do(hostile.ask_with, message(EXEC, ident=ident), "victim")
    assert answer[0] == REFUSED and answer[3] == [], answer
    assert a.do(hostile.ask_with, message(EXEC, ident=ident), "second")[0] == REFUSED
    # nor does root end root's programs when it stops that session
    program = lab.popen(["nsenter", f"--net={victim}", "sh", "-c", "echo ready; exec cat"])
    program.expect("ready\n")
    done = lab.via("stop", ident)
    assert done.code == 0 and not lab.link_exists(f"viap{ident}"), done
    assert program.running(), "a program of root's was ended"
    program.finish()
    return True


def move_device(dev, name):
    """`ip link set DEV netns`, by a descriptor."""
    code, out, err = hostile.sh_with(f"ip link set {dev} netns /proc/self/fd/{{fd}}", name)
    assert code == 0, out + err
