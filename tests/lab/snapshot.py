"""The state of a host, to be the same before and after."""

import contextlib
import difflib
import fnmatch
import hashlib
import os
import re
import stat
import subprocess


def contents(top, times=True):
    """Of each file below it: kind and mode, owner, when it was changed, and a hash."""
    found = {}
    for base, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = os.path.join(base, name)
            st = os.lstat(path)
            text = b""
            if stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    text = f.read()
            changed = st.st_mtime_ns if times else 0
            found[path] = (st.st_mode, st.st_uid, st.st_gid, changed, hashlib.sha256(text).hexdigest())
    return found


def mount_numbers():
    """Of all mounts that this process sees (proc_pid_mountinfo(5))."""
    with open("/proc/self/mountinfo") as f:
        return [line.split()[0] for line in f]


class State:
    """The part of a Lab that sees it."""

    SYSCTL_VARYING = (
        "net/netfilter/nf_conntrack_count",
        "net/ipv4/tcp_fastopen_key",
        "net/ipv6/conf/*/stable_secret",
        "net/ipv4/route/flush",
        "net/ipv6/route/flush",
    )

    def sysctls(self):
        """All of /proc/sys/net as this namespace shows it: {name: text}."""
        found = {}

        def walk(path):
            try:
                with os.scandir(path) as scanned:
                    entries = list(scanned)
            except FileNotFoundError:
                return  # of an interface that went away meanwhile
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    walk(entry.path)
                    continue
                name = entry.path[len("/proc/sys/") :]
                if any(fnmatch.fnmatchcase(name, p) for p in self.SYSCTL_VARYING):
                    continue
                with contextlib.suppress(OSError, UnicodeDecodeError), open(entry.path) as f:
                    found[name] = f.read().strip()

        walk("/proc/sys/net")
        return found

    @staticmethod
    def files():
        """What lies in /run. The runtime directory itself may stay: where there is a system
        manager, it is not made by us; nor does the log of events go with the sessions."""
        found = []
        for base, folders, names in os.walk("/run"):
            found += [os.path.join(base, name) for name in (*folders, *names)]
        return sorted(path for path in found if path not in ("/run/via-iface", "/run/via-iface/log"))

    OURS = ("/etc", "/run", "/proc", "/sys", "/dev")  # where something of ours is mounted

    def mounts(self):
        """Those of the lab, and the machine's where ours could be in their place. Of the machine's other
        ones the directories may be renamed or removed meanwhile, which is seen in every namespace."""
        with open("/proc/self/mountinfo") as f:
            lines = [line.split() for line in f]
        return [
            " ".join(words[3:]) for words in lines
            if words[0] not in self.inherited or words[4].startswith(self.OURS)
        ]  # fmt: skip

    def snapshot(self, ns=None):
        """The state that must be the same afterwards, as text by topic."""
        commands = {
            "ip -d link": "ip -d link",
            "ip -4 rule": "ip -4 rule",
            "ip -6 rule": "ip -6 rule",
            "ip -4 route show table all": "ip -4 route show table all",
            "ip -6 route show table all": "ip -6 route show table all",
            "nft list ruleset": "nft list ruleset",
            "tc qdisc": "tc qdisc",
            "ip netns": "ip netns",
        }
        texts = {}
        with self.inside(ns):
            running = {
                topic: subprocess.Popen(
                    command.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env
                )
                for topic, command in commands.items()
            }
            for topic, popen in running.items():
                out, _ = popen.communicate(timeout=20)
                texts[topic] = out.decode(errors="replace")
            texts["sysctl net"] = "\n".join(f"{k} = {v}" for k, v in sorted(self.sysctls().items()))
        texts["files in /run"] = "\n".join(self.files())
        texts["mounts"] = "\n".join(self.mounts())
        # Packets are counted by other firewalls' rules; theirs are only there in some tests.
        texts["nft list ruleset"] = re.sub(
            r"\bcounter packets \d+ bytes \d+", "counter", texts["nft list ruleset"]
        )
        # Rules note addresses in dynamic sets.
        texts["nft list ruleset"] = re.sub(
            r"(\tset \w+ \{\n(?:\t\t[^\n]*\n)*?\t\tflags dynamic[^\n]*\n(?:\t\ttimeout [^\n]*\n)?)"
            r"\t\telements = \{[^}]*\}\n",
            r"\1",
            texts["nft list ruleset"],
        )
        # Timers of a bridge run; everything else in there stands still by itself.
        texts["ip -d link"] = re.sub(
            r"\b((?:hello|tcn|topology_change|gc)_timer) +[\d.]+", r"\1 -", texts["ip -d link"]
        )
        return texts

    @staticmethod
    def difference(before, after):
        """A readable difference of two snapshots; empty when they are the same."""
        text = []
        for topic in before:
            if before[topic] == after[topic]:  # difflib takes its time for that, too
                continue
            text += difflib.unified_diff(
                before[topic].splitlines(),
                after[topic].splitlines(),
                f"{topic} (before)",
                f"{topic} (after)",
                n=0,
                lineterm="",
            )
        return "\n".join(text)

    def assert_same(self, before, ns=None):
        """Nothing is left: the snapshot now equals the one before."""
        difference = self.difference(before, self.snapshot(ns))
        if difference:
            raise AssertionError("left behind:\n" + difference)
