"""Connection tracking zones are numbers that others may use too, as OVN does."""

import re

from flow import Flow
from lab import topology


@topology("split")
def test_zone_of_a_slot(lab):
    """A connection of the host's in the zone of a slot gets no mark of ours; the session's go on."""
    flow = Flow(lab)
    lab.nft("""table ip others {
        chain out { type filter hook output priority -310; ct zone set 22017; }
        chain in { type filter hook prerouting priority -305; iifname "%s" ct zone set 22017; }
        chain seen { type filter hook prerouting priority 2000;
            iifname "%s" ct zone 22017 counter
            iifname "%s" ct zone 22017 ct mark & 0xff000000 == 0x56000000 ct original ip saddr %s counter
        }
    }""" % (lab.wired, lab.wired, lab.wired, lab.wired.addr))  # fmt: skip
    assert lab.curl() == lab.wired.addr
    counters = [int(n) for n in re.findall(r"packets (\d+)", lab.run(["nft", "list", "chain", "ip", "others", "seen"]).out)]
    assert counters[0] > 0 and counters[1] == 0, counters
    flow.flows(flow.started(), seen=(lab.spare.addr, lab.spare.addr6))
