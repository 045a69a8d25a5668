"""Limits belong to a person: a user with subordinate uids, of user namespaces of their own, has no
more of anything than a user without."""

import os

import hostile
from hostile import BUSY, OK, REFUSED, Actor, message
from lab import needs, write_file
from test_who_may import NETDEV
from test_hostile_clients import ALICE, answers, bob, site

FIRST, COUNT = 100000, 65536


def subordinates(lab):
    """/etc/subuid of that lab, as useradd(8) writes it."""
    write_file("/etc/subuid", f"alice:{FIRST}:{COUNT}\n")
    write_file("/etc/subgid", f"alice:{FIRST}:{COUNT}\n")


def inside(lab, stack_actor):
    """Root of a user namespace whose other uids are subordinate ones."""
    a = stack_actor
    a.do(hostile.new_userns)
    for tool in ("newuidmap", "newgidmap"):
        words = [tool, str(a.pid), "0", str(ALICE), "1", "1", str(FIRST), str(COUNT)]
        lab.run(words, user=ALICE, check=True)
    a.do(become_root)
    return a


def become_root():
    os.setresuid(0, 0, 0)


def as_uid(uid, function, *args):
    """The connection that the function makes is that uid's."""
    os.setresuid(-1, uid, 0)
    try:
        return function(*args)
    finally:
        os.setresuid(-1, 0, 0)


def launch(n):
    """(status, text); the session stays."""
    with hostile.connect() as sock:
        sock.send(message(hostile.RUN))
        answer = hostile.receive(sock)
    for fd in answer.fds:
        hostile.held[f"session{n}"] = fd
    return answer.status, answer.text


def launch_as(uid, n):
    return as_uid(uid, launch, n)



def follow():
    """The status of an answer; the connection stays."""
    sock = hostile.connect()
    sock.send(message(hostile.SUBSCRIBE))
    status = hostile.receive(sock).status
    hostile.held[f"subscriber{sock.fileno()}"] = sock.detach()
    return status


def follow_as(uid):
    return as_uid(uid, follow)


def idle():
    """What a peer that says nothing is told at once, if anything."""
    sock = hostile.connect()
    answer = hostile.receive(sock) if hostile.readable(sock, 0.1) else None
    hostile.held[f"idle{sock.fileno()}"] = sock.detach()
    return answer.status if answer else None


def idle_as(uid):
    return as_uid(uid, idle)


@needs("root", "tool:setcap", "tool:setpriv", "tool:newuidmap")
def test_sessions(lab):
    """64 in all, whichever uid asks; root and a second user still launch."""
    site(lab)
    subordinates(lab)
    with Actor(ALICE, [NETDEV]) as plain, Actor(ALICE, [NETDEV]) as actor:
        a = inside(lab, actor)
        assert plain.do(launch, 0)[0] == OK
        for n in range(1, 64):
            status, text = a.do(launch_as, n, n)
            assert status == OK, (n, text)
        listed = lab.run("ip -o link").out
        assert f" {FIRST + 62} " in listed, "the sessions are of many uids"
        for uid in (0, 1, 64, 65536):
            status, text = a.do(launch_as, uid, 64)
            assert status == REFUSED and "64 sessions already" in text, (uid, status, text)
        status, text = plain.do(launch, 64)
        assert status == REFUSED and "64 sessions already" in text, text
        answers(lab)
        with bob() as b:
            assert b.do(launch, 0)[0] == OK
        a.do(hostile.drop, "session1")
        lab.wait(lambda: a.do(launch_as, 777, 1)[0] == OK, 5, "a place again", step=0.05)


@needs("root", "tool:setcap", "tool:setpriv", "tool:newuidmap")
def test_subscribers(lab):
    """Four, whichever uid asks; another still subscribes."""
    site(lab)
    subordinates(lab)
    with Actor(ALICE, [NETDEV]) as actor, bob() as b:
        a = inside(lab, actor)
        assert [a.do(follow_as, uid) for uid in range(1, 9)] == [OK] * 4 + [REFUSED] * 4
        assert b.do(follow) == OK


@needs("root", "tool:setcap", "tool:setpriv", "tool:newuidmap")
def test_connections(lab):
    """Sixteen, whichever uid connects; another is heard at once."""
    site(lab)
    subordinates(lab)
    with Actor(ALICE, [NETDEV]) as actor, bob() as b:
        a = inside(lab, actor)
        assert [a.do(idle_as, uid) for uid in range(1, 21)] == [None] * 16 + [BUSY] * 4
        assert b.do(launch, 0)[0] == OK
        answers(lab)


@needs("root", "tool:setcap", "tool:setpriv", "tool:newuidmap")
def test_unknown_owner(lab):
    """Uids of containers whose owner nobody can tell count as one person, all together."""
    site(lab, uplinks="*")
    people = [Actor(uid, [NETDEV]) for uid in (300000, 400000, 500000)]
    try:
        status = [people[n % 3].do(follow) for n in range(6)]
        assert status == [OK] * 4 + [REFUSED] * 2, status
    finally:
        for one in people:
            one.end()
