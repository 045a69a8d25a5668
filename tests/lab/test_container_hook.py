"""The hook of container runtimes (`via-iface-verbs oci-hook`): a container is attached before its first
instruction, or not started."""

import json
import os
import shutil

from lab import needs, params, program, topology, write_file
from test_attach import listed
from test_containers import ID, mount_cgroups


def state(pid, annotations, id=ID):
    return json.dumps({"ociVersion": "1.0.2", "id": id, "status": "created", "pid": pid, "bundle": "/", "annotations": annotations})


def hook(lab, text, **more):
    return lab.run([program("via-iface-verbs"), "oci-hook"], input=text, **more)


HOSTILE = {
    "option": {"via-iface.uplink": "--pid=1"},
    "two": {"via-iface.uplink": "wlp6s0 enp7s0"},
    "none": {"via-iface.uplink": ""},
    "newline": {"via-iface.uplink": "wlp6s0\n"},
    "escape": {"via-iface.uplink": "\x1b[2J"},
    "nul": {"via-iface.uplink": "wlp6s0\x00enp7s0"},
    "long": {"via-iface.uplink": "w" * 600},
    "number": {"via-iface.uplink": 7},
    "only_others": {"org.x": "y"},
    "unknown": {"via-iface.uplink": "wlp6s0", "via-iface.pid": "1"},
    "name": {"via-iface.uplink": "wlp6s0", "via-iface.name": "../x"},
    "dns": {"via-iface.uplink": "wlp6s0", "via-iface.dns": "127.0.0.1x"},
    "switch": {"via-iface.uplink": "wlp6s0", "via-iface.no-lan": "maybe"},
    "mtu": {"via-iface.uplink": "wlp6s0", "via-iface.mtu": "1"},
    "no_card": {"via-iface.uplink": "nosuch0"},
}


@params(**HOSTILE)
def test_refuses(lab, annotations):
    """The runtime starts no container whose annotations are wrong: one line, and nothing is made."""
    held = lab.popen(["unshare", "-n", "sh", "-c", "echo ready; exec cat"])
    held.expect("ready\n")
    done = hook(lab, state(held.pid, annotations))
    assert (done.code, done.out) == (125, "") and len(done.err.splitlines()) == 1 and "\x1b" not in done.err, done
    assert listed(lab) == {}
    held.finish()


STATES = {
    "empty": "",
    "text": "hello",
    "list": "[]",
    "deep": "[" * 100 + "]" * 100,
    "open": '{"pid": 1',
    "more": state(1, {"via-iface.uplink": "wlp6s0"}) + "{}",
    "no_pid": '{"id": "a", "annotations": {"via-iface.uplink": "wlp6s0"}}',
    "pid_text": '{"id": "a", "pid": "1", "annotations": {"via-iface.uplink": "wlp6s0"}}',
    "pid_0": state(0, {"via-iface.uplink": "wlp6s0"}),
    "pid_minus": state(-1, {"via-iface.uplink": "wlp6s0"}),
    "pid_large": state(1 << 40, {"via-iface.uplink": "wlp6s0"}),
    "id": state(1, {"via-iface.uplink": "wlp6s0"}, id="../a"),
    "large": state(1, {"via-iface.uplink": "wlp6s0", "x": "y" * (2 << 20)}),
}


@params(**STATES)
def test_reads_no_other_state(lab, text):
    done = hook(lab, text)
    assert (done.code, done.out) == (125, "") and len(done.err.splitlines()) == 1, done
    assert not lab.daemon_pids(), "nobody was asked"


def bundle(lab, annotations, script):
    """A container for crun, as Podman makes them: with the hook, where the annotations ask for it."""
    path = os.path.join(lab.tmp, "bundle")
    os.makedirs(f"{path}/rootfs", exist_ok=True)
    mounts = [
        {"destination": place, "type": "none", "source": place, "options": ["rbind", "ro"]}
        for place in ("/usr", "/bin", "/lib", "/lib64")
        if os.path.exists(place)
    ]
    mounts += [{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}]
    config = {
        "ociVersion": "1.0.2",
        "process": {"cwd": "/", "args": ["/bin/sh", "-c", script], "user": {"uid": 0, "gid": 0}, "env": ["PATH=/usr/bin:/bin"]},
        "root": {"path": "rootfs", "readonly": False},
        "mounts": mounts,
        "annotations": annotations,
        "hooks": {"createRuntime": [{"path": program("via-iface-verbs"), "args": ["via-iface-verbs", "oci-hook"]}]},
        "linux": {"namespaces": [{"type": t} for t in ("mount", "network", "pid", "ipc", "uts")]},
    }  # fmt: skip
    write_file(f"{path}/config.json", json.dumps(config))
    return ["crun", "--root", os.path.join(lab.tmp, "crun"), "--cgroup-manager=disabled", "run", "--bundle", path, ID]


@needs("root", "tool:crun")
@topology("split", "same")
def test_before_the_first_instruction(lab):
    """crun runs it: the program's first packet leaves by the uplink, and none by another card."""
    mount_cgroups()
    before = lab.snapshot()
    wired = lab.capture_wired()
    words = bundle(lab, {"via-iface.uplink": "wlp6s0", "via-iface.name": "first"}, f"curl -s --max-time 9 {lab.url}")
    done = lab.run(words)
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
    assert [f for f in wired.leaks() if f.proto in ("tcp", "udp")] == []
    lab.wait(lambda: listed(lab) == {}, 10, "the end of the session")
    lab.wait_gone(30)
    shutil.rmtree(os.path.join(lab.tmp, "crun"), ignore_errors=True)
    lab.assert_same(before)


@needs("root", "tool:crun")
@params("no_card", "option", "unknown")
def test_starts_nothing_when_it_fails(lab, case):
    mount_cgroups()
    done = lab.run(bundle(lab, HOSTILE[case], "echo it ran"))
    assert done.code != 0 and "it ran" not in done.out, done
    assert listed(lab) == {}
