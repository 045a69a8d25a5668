"""Multicast and broadcast of the uplink's network: neither leaves a session nor comes in, as the manual
says; addresses of that network are reached."""

SEND = """
import socket
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
four.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
four.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
scope = socket.if_nametoindex("eth0")
for s, to in (
    (four, ("239.255.255.250", 1900)), (four, ("224.0.0.251", 5353)), (four, ("255.255.255.255", 9999)),
    (four, ("DIRECTED", 9999)), (six, ("ff02::fb", 5353, 0, scope)), (six, ("ff05::c", 1900, 0, scope)),
):
    try:
        s.sendto(b"discovery", to)
    except OSError:
        pass  # told at once: as good
four.sendto(b"unicast", ("GATEWAY", 1900))
"""


def test_does_not_cross(lab):
    u = lab.spare
    wired, spare = lab.capture_wired(), lab.capture_spare()
    script = SEND.replace("GATEWAY", u.gateway).replace("DIRECTED", u.addr.rsplit(".", 1)[0] + ".255")
    lab.via(u, "--", "/usr/bin/python3", "-c", script, check=True)
    lab.wait(lambda: any(f.payload == b"unicast" for f in spare.peek()), 5, "the packet to one address")
    sent = [str(f) for c in (wired, spare) for f in c.stop() if f.payload == b"discovery"]
    assert not sent, sent
