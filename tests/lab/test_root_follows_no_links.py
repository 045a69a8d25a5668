"""`sudo` may leave HOME and XDG_RUNTIME_DIR, and --user sets HOME: root reads nothing there that a symbolic
link of another user leads to. Not even opened is it: a watchdog or a tape does something when it is."""

import ctypes
import os
import socket

from lab import needs, params, write_file
from test_who_may import configured
from test_work_done_outside import Programs

USER = 1000
IN_OPEN = 0x20


class Opened:
    """Whether a file was opened since the last time (inotify(7))."""

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.fd >= 0 and libc.inotify_add_watch(self.fd, path.encode(), IN_OPEN) >= 0, ctypes.get_errno()

    def __call__(self):
        try:
            return bool(os.read(self.fd, 4096))
        except BlockingIOError:
            return False


@needs("root")
@params("flatpak", "ssh", "policy")
def test_at_a_launch(lab, what):
    programs = Programs(lab)
    programs.add("flatpak", "scp", "unheard-of")
    words = {"flatpak": ["flatpak", "run", "org.example.App"], "ssh": ["scp", "a", "host:"], "policy": ["unheard-of"]}[what]
    link = {
        "flatpak": f"{programs.run_dir}/.flatpak/4711/info",
        "ssh": f"{programs.home}/.ssh/config",
        "policy": f"{programs.home}/.config/via-iface/apps/x.conf",
    }[what]
    folder = os.path.dirname(link)
    os.makedirs(folder, exist_ok=True)
    if what == "policy":  # where one file has a mistake, all are searched for the program's name
        site = f"{configured('VIA_SYSCONFDIR')}/apps.d"
        os.makedirs(site, exist_ok=True)
        write_file(f"{site}/x.conf", "[broken\n")
    write_file(f"{lab.tmp}/secret", "")
    os.symlink(f"{lab.tmp}/secret", link)
    opened = Opened(f"{lab.tmp}/secret")
    for owner, follows in ((USER, False), (0, True)):
        os.lchown(link, owner, owner)
        os.chown(folder, owner, owner)
        done = programs.via(lab.spare, "--", *words)
        assert (done.code, done.out) == (0, "ran\n"), done
        assert opened() == follows, (what, owner)


@needs("root")
def test_no_socket_is_connected_to(lab):
    """Nor is a connection made, which starts what waits for one (systemd.socket(5))."""
    programs = Programs(lab)
    programs.add("tmux")
    link = f"{programs.run_dir}/tmux-0/default"
    os.makedirs(os.path.dirname(link))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{lab.tmp}/secret")
        listener.listen()
        listener.setblocking(False)
        os.symlink(f"{lab.tmp}/secret", link)
        for owner, follows in ((USER, False), (0, True)):
            os.lchown(link, owner, owner)
            done = programs.via(lab.spare, "--", "tmux")
            assert (done.code, done.out, "outside" in done.err) == (0, "ran\n", follows), done
            try:
                listener.accept()[0].close()
                assert follows
            except BlockingIOError:
                assert not follows
