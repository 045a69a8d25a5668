"""A session that is blocked or paused for long loses its carrier: its port is down, as the daemon has planned,
and doctor finds no fault with that."""

from lab import params


def port_is_down(lab):
    return ",UP" not in lab.run("ip -br link show viap1", check=True).out


@params("blocked", "paused")
def test_a_port_without_carrier_is_no_fault(lab, why):
    game = lab.session(lab.spare, "--name", "game")
    if why == "blocked":
        lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
    else:
        lab.via("pause", "game", check=True)
    lab.wait(lambda: port_is_down(lab), 15, "the port without carrier")
    found = lab.via("doctor", "--json").json()
    assert "not-as-planned" not in str(found), found
    # A port of a session that goes on is to be up.
    if why == "paused":
        lab.via("resume", "game", check=True)
    else:
        lab.ip(f"link set {lab.spare.far[1]} up", ns=lab.spare.far[0])
    lab.wait(lambda: not port_is_down(lab), 15, "the carrier again")
    assert "not-as-planned" not in str(lab.via("doctor", "--json").json())
    game.finish()
