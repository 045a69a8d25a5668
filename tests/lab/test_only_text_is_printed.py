"""Bytes that others wrote: what is not printable UTF-8 is refused by the daemon, and no printer
brings it to a terminal or to a reader of JSON."""

import json
import os
import unicodedata

from hostile import ATTACH, MOVE, RUN, ask, message
from lab import program, write_file
from test_desktop import Desktop, simple

# Not well-formed, or characters that a terminal acts on or that hide others.
ODD = (b"\x1b[2J", b"\xe9", b"\xc2\x9b2J", b"\x7f", b"\xe2\x80\xae", b"\xc0\xaf", b"\xed\xa0\x80")


def is_clean(data):
    """Well-formed, and nothing in it but letters, signs, blanks and newlines."""
    text = data.decode("utf-8")  # strict: it raises
    bad = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Cn", "Zl")]
    assert not bad, f"{bad} in {text!r}"
    return text


def texts_of(value):
    if isinstance(value, dict):
        return [t for k, v in value.items() for t in (k, *texts_of(v))]
    if isinstance(value, list):
        return [t for v in value for t in texts_of(v)]
    return [value] if isinstance(value, str) else []


def output(lab, *words, env=None):
    """What a command writes to its two outputs, as bytes."""
    process = lab.popen([program("via-iface"), *words], env=env)
    process.finish()
    return process.out, process.err


def test_requests(lab):
    """By hand, past the command line: names, words and devices of any bytes are refused, and what the
    daemon says of them is clean."""
    held = lab.session(lab.spare, "--name", "held")
    number = lab.via("list", "--json").json()[0]["id"]
    requests = [message(RUN, name=name) for name in (b"2", b"0123", b"99999999999", b"a b", b"\xc3\xa9")]
    for odd in ODD:
        requests.append(message(RUN, name=b"a" + odd))
        for word in (b"wl" + odd, b"wlp6s0,w" + odd, b"ssid:a" + odd, b"mac:" + odd):
            requests.append(message(RUN, uplinks=word))
            requests.append(message(MOVE, uplinks=word, ident=number))
        with open("/proc/self/ns/net", "rb") as netns:
            answer = ask(message(ATTACH, device=b"e" + odd), netns.fileno())
            assert answer.status == 1 and is_clean(answer.text.encode()), answer
    for request in requests:
        answer = ask(request)
        assert answer.status == 1 and answer.text.startswith(("read ", "invalid ")), (request, answer)
        is_clean(answer.text.encode())
    assert [s["name"] for s in lab.via("list", "--json").json()] == ["held"]
    held.finish()


def test_a_name_is_no_number(lab):
    """`stop 2` ends the session with the number 2, whatever sessions are called."""
    refused = lab.via("--name", "2", lab.spare, "--", "true")
    assert refused.code == 125 and "not digits alone" in refused.err, refused
    path = os.path.join(lab.tmp, "2048")
    os.symlink("/bin/cat", path)
    game, other = lab.via_popen(lab.spare, "--", path), lab.session(lab.spare, "--name", "other")
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 2, 5, "two sessions")
    rows = {s["name"]: s for s in lab.via("list", "--json").json()}
    assert set(rows) == {"run-2048", "other"}, rows
    # one of an earlier version, by the name of the other's number
    alias = f"via1 {rows['run-2048']['id']} 0 1 {rows['run-2048']['netns']} wlp6s0 "
    with open(f"/sys/class/net/{rows['run-2048']['ifname']}/ifalias") as f:
        words = f.read().split(" ")
    assert words[0] == "via1", alias
    words[7] = str(rows["other"]["id"])
    write_file(f"/sys/class/net/{rows['run-2048']['ifname']}/ifalias", " ".join(words))
    assert str(rows["other"]["id"]) in [s["name"] for s in lab.via("list", "--json").json()]
    lab.via("stop", str(rows["other"]["id"]), check=True)
    other.finish(close=False)
    assert game.running()
    game.finish()


def test_every_printer(lab):
    """A device whose name holds all of it, in use by a session: as text and as JSON."""
    name = os.fsdecode(b"w\x1b[31m\xe9\xc2\x9b\x7f")
    lab.run(["ip", "link", "set", "dev", str(lab.spare), "down"], check=True)
    lab.run(["ip", "link", "set", "dev", str(lab.spare), "name", name], check=True)
    lab.run(["ip", "link", "set", "dev", name, "up"], check=True)
    for line in ("route add 192.168.2.0/24", f"route add default via {lab.spare.gateway} metric 600",
                 f"-6 addr add {lab.spare.addr6}/64 nodad"):  # fmt: skip
        lab.run(["ip", *line.split(), "dev", name], check=True)
    word = "mac:" + lab.spare.mac.upper()
    held = lab.session(word)
    follow = lab.popen([program("via-iface"), "status", "--follow", "--json"])
    follow_text = lab.popen([program("via-iface"), "status", "--follow"])
    seen = 0
    for words in (
        ("list",), ("status",), ("status", "cat"), ("uplinks",), ("doctor",), ("doctor", word), ("top", "--once"),
        ("plan", word), ("plan", name), ("doctor", name), ("status", name), ("stop", name),
        (name, "--", "true"), ("--name", name, word, "--", "true"),
        ("--dns", name, word, "--", "true"), ("desktop", "add", name, word),
    ):  # fmt: skip
        for more in ((), ("--json",)) if words[0] in ("list", "status", "uplinks", "doctor", "plan", "top") else ((),):
            out, err = output(lab, *words, *more) if words[0] != "plan" else output(
                lab, words[0], *more, *words[1:]
            )  # fmt: skip
            assert out or err, words
            text = is_clean(out)
            is_clean(err)
            if more and out:
                json.loads(text)
            seen += "\\x1b[31m\\xe9" in text or "\\u001b[31m\\\\xe9" in text
    assert seen >= 6, seen
    lab.via("pause", "--all", check=True)
    lab.via("resume", "--all", check=True)
    follow.expect("state")
    follow_text.expect("up")
    held.finish()
    follow.expect("removed")
    follow_text.expect("removed")
    for process in (follow, follow_text):
        process.stop()
        is_clean(process.out)
        is_clean(process.err)
    for line in follow.out.splitlines():
        json.loads(line)


def test_desktop_entries(lab):
    """`desktop list` reads what others may have written into an entry."""
    desktop = Desktop(lab)
    desktop.install("game", simple())
    path = desktop.add("game", "wlp6s0")
    with open(path, "rb") as f:
        text = f.read()
    odd = b"".join(o for o in ODD if o[:1] not in b"\xe9\xc0\xed")  # the rest is no text at all
    changed = b"".join(
        line.split(b"=")[0] + b"=x" + odd + b"\n" if line.split(b"=")[0] in (b"Name", b"X-ViaIface-Uplink",
                                                                         b"X-ViaIface-Source")
        else line for line in text.splitlines(keepends=True)
    )  # fmt: skip
    assert changed.count(odd) == 3, text
    with open(os.path.join(os.path.dirname(path).encode(), b"via-iface-" + ODD[0] + ODD[1] + b".desktop"), "wb") as f:
        f.write(changed)
    for words in (("desktop", "list"), ("desktop", "list", "--json")):
        out, err = output(lab, *words, env=desktop.env)
        text = is_clean(out)
        is_clean(err)
        assert "[2J" in text and "xe9" in text, text
    listed = json.loads(text)
    assert len(listed) == 2 and any("\x1b[2J" in e["id"] for e in listed), listed
    out, err = output(lab, "desktop", "remove", os.fsdecode(b"via-iface-" + ODD[0] + ODD[1]), env=desktop.env)
    is_clean(out)
    is_clean(err)
    assert b"x1b[2J" in out, (out, err)
