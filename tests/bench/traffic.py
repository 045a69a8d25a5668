"""What passing packets cost: a session beside a socket of the host that is bound to the uplink; a port of
--host-port beside the host's own loopback address; and the host's own packets by a card that no session
uses, beside sessions and without."""

import statistics

from lab import program

PORT, PORT_ALONE = "5999", "5998"
# A round trip is measured with both ends on one processor: where two of them take turns, waking
# the other from its sleep costs more than what is measured, and not the same each time.
ALONE = ["taskset", "-c", "0"]


LOOPBACK = "127.0.0.1", "::1"


def both_ways(bench, words, address):
    """The commands: by the host's own way, and in a session."""
    if address not in LOOPBACK:
        return [*words, str(bench.lab.spare)], [*bench.via, *words]
    before = ALONE if words[0] == ALONE[0] else []  # the helper is on that processor, too
    ports = f"{PORT},{PORT_ALONE},{PORT_ALONE}/udp"
    return words, [*before, program("via-iface"), "--host-port", ports, str(bench.lab.spare), "--", *words]


def interleaved(bench, mode, address, amount):
    """What each round gave: (the host's own way, the session's)."""
    words = [bench.tool("pump"), mode, address, PORT, str(amount)]
    if mode in ("tcp", "udp"):
        words[3] = PORT_ALONE
        words = [*ALONE, *words]
    pairs = []
    for number in range(bench.args.rounds + 1):
        commands = both_ways(bench, words, address)
        pair = [float(bench.lab.run(command, timeout=60, check=True).out) for command in commands]
        if number:  # the first round warms up
            pairs.append(pair)
    return pairs


def throughput(bench, name, mode, address):
    pairs = interleaved(bench, mode, address, 500)
    host, session = (statistics.median(values) for values in zip(*pairs))
    return {
        "part": "traffic", "name": name, "unit": "Gbit/s", "aim": "" if address in LOOPBACK else "0.9",
        "without": host / 1e9, "with": session / 1e9, "ratio": statistics.median(s / h for h, s in pairs),
    }  # fmt: skip


def round_trip(bench, name, mode, address):
    pairs = interleaved(bench, mode, address, 4000)
    host, session = (statistics.median(values) for values in zip(*pairs))
    more = statistics.median(s - h for h, s in pairs)
    return {
        "part": "traffic", "name": name, "unit": "us", "aim": "" if address in LOOPBACK else "+5 us",
        "without": host / 1e3, "with": session / 1e3, "more": more / 1e3,
    }  # fmt: skip


def traffic(bench):
    lab = bench.lab
    for port, before in ((PORT, []), (PORT_ALONE, ALONE)):
        command = [*before, bench.tool("pump"), "serve", port, lab.server, lab.server6]
        lab.popen(command, ns="inet").expect("ready\n")
    if bench.args.rate:
        for ns, dev in ((None, lab.spare), lab.spare.far):
            tbf = f"tbf rate {bench.args.rate} burst 1mb latency 50ms"
            lab.run(f"tc qdisc add dev {dev} root {tbf}", ns=ns, check=True)
    held = lab.session()  # the daemon stays
    yield throughput(bench, "TCP, sending", "up", lab.server)
    yield throughput(bench, "TCP, receiving", "down", lab.server)
    if not bench.args.rate:
        yield throughput(bench, "TCP over IPv6, sending", "up", lab.server6)
        yield throughput(bench, "TCP over IPv6, receiving", "down", lab.server6)
        yield round_trip(bench, "round trip, TCP", "tcp", lab.server)
        yield round_trip(bench, "round trip, UDP", "udp", lab.server)
        yield round_trip(bench, "round trip, UDP over IPv6", "udp", lab.server6)
    held.finish()


def host_port(bench):
    lab = bench.lab
    for port, before in ((PORT, []), (PORT_ALONE, ALONE)):
        lab.popen([*before, bench.tool("pump"), "serve", port, *LOOPBACK]).expect("ready\n")
    held = lab.session()
    yield throughput(bench, "--host-port, TCP, sending", "up", "127.0.0.1")
    yield throughput(bench, "--host-port, TCP, receiving", "down", "127.0.0.1")
    yield throughput(bench, "--host-port, TCP to ::1, sending", "up", "::1")
    yield round_trip(bench, "--host-port, round trip, TCP", "tcp", "127.0.0.1")
    yield round_trip(bench, "--host-port, round trip, UDP", "udp", "127.0.0.1")
    held.finish()


OWN = (
    ("round trip, TCP", "tcp", 4000),
    ("round trip, UDP", "udp", 4000),
    ("TCP, sending", "up", 500),
    ("TCP, receiving", "down", 500),
)


def own_packets(bench):
    """By turns: no via-iface, one session, a hundred; these in each third round."""
    lab, taken = bench.lab, {}
    for port, before in ((PORT, []), (PORT_ALONE, ALONE)):
        lab.popen([*before, bench.tool("pump"), "serve", port, lab.server], ns="inet").expect("ready\n")

    def measure(number):
        for _, mode, amount in OWN:
            alone = mode in ("tcp", "udp")
            words = [bench.tool("pump"), mode, lab.server, PORT_ALONE if alone else PORT, str(amount), str(lab.wired)]
            done = lab.run([*ALONE, *words] if alone else words, timeout=60, check=True)
            taken.setdefault((mode, number), []).append(float(done.out))

    for number in range(bench.args.rounds):
        measure(0)
        held = [lab.session()]
        measure(1)
        if number % 3 == 0:
            held += [lab.session() for _ in range(99)]
            measure(100)
        for session in held:
            session.finish()
        lab.wait_gone(30)
    for name, mode, _ in OWN:
        for number in (1, 100):
            none, some = taken[mode, 0][:: 3 if number > 1 else 1], taken[mode, number]
            trip = mode in ("tcp", "udp")
            # what others do to a processor lengthens a round trip by more than what is measured
            of_all, unit, size = (min, "us", 1e3) if trip else (statistics.median, "Gbit/s", 1e9)
            row = {
                "part": "own_packets", "name": f"the host's own {name}, beside {number} / none", "unit": unit,
                "without": of_all(none) / size, "with": of_all(some) / size, "aim": "+0 us" if trip else "0.99",
            }  # fmt: skip
            if trip:
                row["more"] = row["with"] - row["without"]
            else:
                row["ratio"] = statistics.median(s / n for n, s in zip(none, some))
            yield row
