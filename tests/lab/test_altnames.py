"""A card is named by any of its altnames (ip-link(8), property), however many and long they are."""

from flow import Flow
from lab import needs
from test_who_may import Site

MANY = [f"{n:02}-" + "x" * 124 for n in range(40)]
LONG = "enx0a1b2c3d4e5f_lan"  # 19 bytes: longer than a name can be


def add(lab, card, *names):
    for name in names:
        lab.ip(f"link property add dev {card} altname {name}")


def address(lab, uplinks, *options):
    done = lab.via(*options, uplinks, "--", "curl", "-s", lab.url)
    return done.out.strip() or done.err


def test_longer_than_a_name(lab):
    add(lab, lab.spare, LONG)
    assert lab.via(LONG, "--", "true").code == 0
    assert address(lab, LONG) == lab.spare.addr
    assert LONG in lab.via("uplinks", check=True).out


def test_forty_of_the_longest(lab):
    """127 bytes each: the first, one in between and the last; alone, in a list, by move."""
    add(lab, lab.spare, *MANY)
    for name in (MANY[0], MANY[19], MANY[39]):
        assert len(name) == 127
        assert address(lab, name) == lab.spare.addr
        assert address(lab, f"nosuch0,{name},{lab.wired}") == lab.spare.addr
    assert lab.via("plan", MANY[39], check=True).out
    shown = next(u for u in lab.via("uplinks", "--json").json() if u["name"] == str(lab.spare))
    assert shown["altnames"] == MANY, shown
    assert all(name in lab.via("uplinks", check=True).out for name in MANY)
    held = lab.session(lab.wired, "--name", "a")
    lab.via("move", "a", f"{MANY[39]},{lab.wired}", check=True)
    seen = lab.via("list", "--json").json()[0]
    assert (seen["uplink"], seen["uplinks"]) == (str(lab.spare), [MANY[39], str(lab.wired)]), seen
    held.finish()


def test_too_long_a_list_is_refused(lab):
    """Nothing is cut: the field of a request, the word, and the alias that records the session."""
    add(lab, lab.spare, *MANY[:2])
    for uplinks, text in {
        f"{MANY[0]},{MANY[1]}": "the list is longer than 159 bytes",
        "y" * 128: "each is the name of an interface",
    }.items():
        done = lab.via(uplinks, "--", "echo", "ran")
        assert (done.code, done.out) == (125, "") and text in done.err, done
    done = lab.via("--name", "n" * 32, f"{MANY[0]},{lab.wired},{'z' * 15}", "--", "echo", "ran")
    assert (done.code, done.out) == (125, "") and "255 fit" in done.err, done
    assert lab.via("list", "--json").json() == []


def test_renamed(lab):
    """The altname stays with the card, and so does the session, under whatever name."""
    add(lab, lab.spare, MANY[7], LONG)
    flow = Flow(lab, MANY[7])
    flow.flows(flow.started(), seen=(lab.spare.addr, lab.spare.addr6))
    lab.ip(f"link set dev {lab.spare} name exactly15bytes_")
    lab.spare.dev = "exactly15bytes_"
    lab.wait(lambda: flow.listed()["uplink"] == lab.spare.dev, 3)
    flow.flows(flow.started(), seen=(lab.spare.addr, lab.spare.addr6))
    listed = flow.listed()
    assert (listed["uplinks"], listed["state"]) == ([MANY[7]], "up"), listed
    assert address(lab, LONG) == lab.spare.addr
    flow.stop()


def test_given_and_taken(lab):
    """A list waits for an altname of which the card has many others; taken away, it is no more."""
    flow = Flow(lab, f"{MANY[39]},{lab.wired}")
    flow.flows(flow.started(), seen=(lab.wired.addr, lab.wired.addr6))
    add(lab, lab.spare, *MANY)
    flow.flows(flow.started(), 12 * lab.scale, seen=(lab.spare.addr, lab.spare.addr6))
    lab.ip(f"link property del dev {lab.spare} altname {MANY[39]}")
    flow.flows(flow.started(), 5, seen=(lab.wired.addr, lab.wired.addr6))
    flow.stop()


@needs("root", "tool:setcap", "tool:setpriv")
def test_in_the_access_policy(lab):
    site = Site(lab)
    add(lab, lab.spare, MANY[3])
    site.policy(f"[alice]\nuplinks = {MANY[3]}\n")
    done = site.curl("alice", MANY[3])
    assert (done.code, done.out.strip()) == (0, lab.spare.addr), done
    assert "allows only" in site.curl("alice", MANY[3][:-1]).err
