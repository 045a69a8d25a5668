"""Addresses of an uplink that are not quite ordinary serve as they do for the host itself."""

from flow import Flow
from lab import SERVER6, topology
from test_follow import nothing_left


@topology("split", "same")
def test_no_ipv6_for_new_devices(lab):
    """net.ipv6.conf.default.disable_ipv6=1: our own devices have IPv6 all the same, a launch works
    with and without it, and a bridge that somebody deletes is back."""
    lab.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
    u = lab.spare
    off = lab.via("--ipv6=off", u, "--", "curl", "-s", "-m", "5", lab.url)
    assert off.out.strip() == u.addr, off
    done = lab.via(u, "--", "curl", "-sg", "-m", "5", f"http://[{SERVER6}]/")
    assert done.out.strip() == u.addr6, done
    flow = Flow(lab)
    lab.ip("link del via0")
    start = flow.started()
    lab.wait(lambda: lab.link_exists("via0"), 5)
    flow.flows(start, 5)
    flow.stop()
    assert lab.sysctl("net/ipv6/conf/default/disable_ipv6") == "1"
    nothing_left(lab)
