"""A launch is short: one connection to the daemon."""

import array
import contextlib
import os
import signal
import socket
import threading

from lab import needs, program

SOCKET = "/run/via-iface/socket"


def listen(path):
    os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen()
    return listener


class Relay:
    """Listens at the daemon's path, counts the connections, and passes on all messages with their
    descriptors to a daemon, for which everybody is root then."""

    def __init__(self, lab):
        self.connections = 0
        self.behind = SOCKET + ".behind"
        with listen(self.behind) as behind:
            line = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" 3<&{behind.fileno()} {behind.fileno()}<&-'
            self.daemon = lab.popen(
                ["bash", "-c", line, program("via-ifaced")], pass_fds=[behind.fileno()]
            )
        self.listener = listen(SOCKET)
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        self.daemon.stop()

    def _serve(self):
        served = []
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                self.connections += 1
                daemon = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                daemon.connect(self.behind)
                for ends in ((client, daemon), (daemon, client)):
                    served.append(threading.Thread(target=self._pass_on, args=ends))
                    served[-1].start()
        for thread in served:
            thread.join()

    @staticmethod
    def _pass_on(source, sink):
        with contextlib.suppress(OSError):
            while True:
                data, fds, _, _ = socket.recv_fds(source, 65536, 4)
                if not data:
                    break
                control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
                sink.sendmsg([data], control if fds else [])
                for fd in fds:
                    os.close(fd)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def during(self, action):
        before = self.connections
        action()
        return self.connections - before


@needs("root")
def test_connects_once(lab):
    """Whatever asks the daemon connects to it once, also as root, who may start it."""
    lab.netns("box")
    with Relay(lab) as relay:
        held = lab.session(lab.spare, "--name", "held")
        counted = {
            "run": relay.during(lambda: lab.via(lab.spare, "--", "true", check=True)),
            "exec": relay.during(lambda: lab.via("exec", "held", "--", "true", check=True)),
            "attach": relay.during(lambda: lab.via("attach", lab.spare, "--netns", "box", check=True)),
            "pause": relay.during(lambda: lab.via("pause", "held", check=True)),
            "detach": relay.during(lambda: lab.via("detach", "box", check=True)),
        }
        assert counted == dict.fromkeys(counted, 1), counted
        assert held.finish().code == 0


@needs("root")
def test_root_starts_a_daemon_that_died(lab):
    """A socket that nobody serves any more (its daemon was killed) costs root nothing: the launch
    starts another daemon, and its program finds no child, no signal and no descriptor of that."""
    listen(SOCKET).close()
    script = (
        "grep -E '^(SigPnd|ShdPnd)' /proc/self/status; cat /proc/self/task/*/children; ls /proc/self/fd"
    )
    bare = lab.run(["sh", "-c", script], check=True).out
    assert lab.via(lab.spare, "--", "sh", "-c", script, check=True).out == bare
    lab.wait_gone()


@needs("root")
def test_root_s_other_verbs_start_a_daemon(lab):
    """Sessions stay when their daemon was killed, and root's verbs start another one for them."""
    held = lab.session(lab.spare, "--name", "held")
    for verb in (("pause", "held"), ("resume", "held"), ("move", "held", lab.wired)):
        for pid in lab.daemon_pids():  # the one that would restart it first
            os.kill(pid, signal.SIGKILL)
        lab.wait(lambda: not lab.daemon_pids(), 5, "the daemon's end")
        lab.via(*verb, check=True)
    assert held.finish().code == 0
    lab.wait_gone()


@needs("root")
def test_nobody_to_ask(lab):
    """A user whom no daemon serves gets one line, and no daemon is started."""
    for leave in (lambda: None, lambda: listen(SOCKET).close()):
        leave()
        done = lab.via(lab.spare, "--", "true", user="nobody")
        assert done.code == 125 and "it does not run" in done.err, done
        assert done.err.count("\n") == 1, done
        assert not lab.daemon_pids(), lab.daemon_pids()
