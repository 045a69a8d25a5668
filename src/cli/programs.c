/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/programs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define OPEN_ADVICE "name the program that is to open it"
/*
 * A container is an attachment: its traffic is not that of a program here. It has an eth0 and a
 * default route of its own, so ours is called otherwise and goes first. Docker's belong to root,
 * those of rootless Podman to their user, who may attach them.
 */
#define CONTAINER(sudo, engine)                                                                    \
	"give the container the uplink: `" sudo "via-iface attach --ifname wan --replace-route "   \
	"%u --pid \"$(" engine " inspect -f '{{.State.Pid}}' NAME)\"`"

/* clang-format off */
static const struct program_kind kinds[] = {
	/* --- browsers, mail, chat: one instance for a profile, over D-Bus or a socket --- */
	{ .names = { "firefox", "firefox-esr", "firefox-bin" },
	  .unless = { "-P", "-p", "--profile", "-profile", "--new-instance", "-new-instance",
		      "--no-remote", "-no-remote" },
	  .advice = "firefox --new-instance --profile DIR" },
	{ .names = { "thunderbird", "thunderbird-esr", "thunderbird-bin" },
	  .unless = { "-P", "-p", "--profile", "-profile", "--new-instance", "-new-instance",
		      "--no-remote", "-no-remote" },
	  .advice = "thunderbird --new-instance --profile DIR" },
	{ .names = { "chromium", "chromium-browser" }, .unless = { "--user-data-dir" },
	  .advice = "chromium --user-data-dir=DIR" },
	{ .names = { "google-chrome", "google-chrome-stable", "chrome" },
	  .unless = { "--user-data-dir" }, .advice = "google-chrome --user-data-dir=DIR" },
	{ .names = { "brave-browser", "brave-browser-stable", "brave" },
	  .unless = { "--user-data-dir" }, .advice = "brave-browser --user-data-dir=DIR" },
	{ .names = { "microsoft-edge", "microsoft-edge-stable", "msedge" },
	  .unless = { "--user-data-dir" }, .advice = "microsoft-edge --user-data-dir=DIR" },
	{ .names = { "vivaldi", "vivaldi-stable", "vivaldi-bin" },
	  .unless = { "--user-data-dir" }, .advice = "vivaldi --user-data-dir=DIR" },
	{ .names = { "opera" }, .unless = { "--user-data-dir" },
	  .advice = "opera --user-data-dir=DIR" },
	{ .names = { "epiphany", "epiphany-browser" },
	  .unless = { "--private-instance", "-p", "--profile" },
	  .advice = "epiphany --private-instance" },
	{ .names = { "steam" } },
	{ .names = { "discord", "Discord" }, .unless = { "--multi-instance" },
	  .advice = "discord --multi-instance" },
	{ .names = { "slack" } },
	{ .names = { "spotify" } },
	{ .names = { "signal-desktop" }, .unless = { "--user-data-dir" },
	  .advice = "signal-desktop --user-data-dir=DIR" },
	{ .names = { "element-desktop" }, .unless = { "--profile", "--profile-dir" },
	  .advice = "element-desktop --profile NAME" },
	{ .names = { "telegram-desktop", "Telegram" }, .unless = { "-many", "-workdir" },
	  .advice = "telegram-desktop -many -workdir DIR" },
	{ .names = { "code" }, .unless = { "--user-data-dir" },
	  .advice = "code --user-data-dir DIR" },
	{ .names = { "codium" }, .unless = { "--user-data-dir" },
	  .advice = "codium --user-data-dir DIR" },
	{ .names = { "qbittorrent" }, .unless = { "--configuration", "--profile" },
	  .advice = "qbittorrent --configuration=NAME" },
	{ .names = { "transmission-gtk" }, .unless = { "--config-dir", "-g" },
	  .advice = "transmission-gtk --config-dir DIR" },
	{ .names = { "transmission-qt" }, .unless = { "--config-dir", "-g" },
	  .advice = "transmission-qt --config-dir DIR" },
	{ .names = { "deluge", "deluge-gtk" }, .unless = { "--config", "-c" },
	  .advice = "deluge --config DIR" },
	{ .names = { "libreoffice", "soffice", "soffice.bin" },
	  .unless = { "-env:UserInstallation" },
	  .advice = "libreoffice -env:UserInstallation=file:///DIR" },

	/* --- terminals --- */
	{ .names = { "gnome-terminal", "gnome-terminal-server" }, PROGRAM_BUS,
	  .advice = "dbus-run-session -- gnome-terminal --wait" },
	{ .names = { "kgx", "gnome-console" }, .advice = "dbus-run-session -- kgx" },
	{ .names = { "ptyxis" }, .unless = { "-s", "--standalone" },
	  .advice = "ptyxis --standalone" },
	{ .names = { "xfce4-terminal" }, .unless = { "--disable-server" },
	  .advice = "xfce4-terminal --disable-server" },
	{ .names = { "mate-terminal" }, .unless = { "--disable-factory" },
	  .advice = "mate-terminal --disable-factory" },
	{ .names = { "lxterminal" }, .unless = { "--no-remote" },
	  .advice = "lxterminal --no-remote" },
	{ .names = { "terminator" }, .unless = { "-u", "--no-dbus" },
	  .advice = "terminator --no-dbus" },
	{ .names = { "tilix" }, .unless = { "--new-process" }, .advice = "tilix --new-process" },
	{ .names = { "konsole" }, .when = { "--new-tab" }, .advice = "konsole" },
	{ .names = { "kitty" }, .when = { "-1", "--single-instance" },
	  .unless = { "--instance-group" },
	  .advice = "kitty --single-instance --instance-group via" },
	{ .names = { "wezterm" }, .unless = { "--always-new-process", "--version", "ssh", "connect" },
	  .processes = { "wezterm-gui" }, .advice = "wezterm start --always-new-process" },
	{ .names = { "footclient" }, PROGRAM_CLIENT, .processes = { "foot" },
	  .who = "the foot server", .advice = "start `foot`" },
	{ .names = { "urxvtc" }, PROGRAM_CLIENT, .processes = { "urxvtd" }, .who = "urxvtd",
	  .advice = "start `urxvt`" },
	{ .names = { "alacritty" }, .when = { "msg" }, .advice = "alacritty" },

	/* --- multiplexers, editors --- */
	{ .names = { "tmux", "byobu", "byobu-tmux" }, PROGRAM_TMUX,
	  .unless = { "-V", "ls", "list-sessions", "has", "has-session", "kill-server",
		      "kill-session", "detach", "detach-client" },
	  .who = "the tmux server", .advice = "start one of its own with `tmux -L via`" },
	{ .names = { "screen" }, PROGRAM_SERVER,
	  .when = { "-r", "-R", "-RR", "-x", "-X", "-dr", "-dR", "-dRR", "-DR", "-DRR", "-xR" },
	  .who = "the screen that it attaches to", .advice = "start a new one with `screen -m`" },
	{ .names = { "screen" }, PROGRAM_SERVER, .when_env = "STY",
	  .unless = { "-m", "-dm", "-Dm", "-dmS", "-DmS", "-ls", "-list", "-v", "-wipe" },
	  .who = "the screen around it", .advice = "start a new one with `screen -m`" },
	{ .names = { "zellij" }, PROGRAM_SERVER,
	  .when = { "attach", "a", "action", "ac", "run", "r", "edit", "e", "plugin", "pipe" },
	  .who = "the zellij session", .advice = "start a new one with `zellij --session via`" },
	{ .names = { "abduco", "dtach" }, PROGRAM_SERVER, .when = { "-a" },
	  .who = "the session that it attaches to" },
	{ .names = { "emacsclient" }, PROGRAM_CLIENT,
	  .processes = { "emacs", "emacs-gtk", "emacs-nox", "emacs-pgtk", "emacs-lucid" },
	  .who = "the Emacs that runs", .advice = "start `emacs`" },
	{ .names = { "nvim" }, PROGRAM_SERVER, .when = { "--server" },
	  .who = "the nvim that it names" },
	{ .names = { "vim", "gvim" }, PROGRAM_SERVER,
	  .when = { "--remote", "--remote-silent", "--remote-wait", "--remote-tab",
		    "--remote-send", "--remote-expr" },
	  .who = "the Vim that it names" },

	/* --- containers, machines. Not `podman run`: it is the caller who makes the container, and the
	 * pasta or slirp4netns of its network, inside --- */
	{ .names = { "docker" }, PROGRAM_SERVER,
	  .when = { "run", "exec", "start", "restart", "create", "attach", "compose" },
	  .who = "the Docker daemon", .advice = CONTAINER("sudo ", "docker") },
	{ .names = { "docker", "docker-compose", "docker-buildx" }, PROGRAM_SERVER,
	  .when = { "build", "buildx", "bake", "pull", "push", "service", "stack", "plugin", "up",
		    "run", "exec", "start", "restart", "create" },
	  .who = "the Docker daemon" },
	{ .names = { "podman" }, PROGRAM_SERVER, .when = { "--remote", "-r" },
	  .with = "-c --connection --url --identity --root --runroot --log-level --storage-driver",
	  .who = "the Podman service", .advice = "leave that option out" },
	{ .names = { "podman-remote" }, PROGRAM_SERVER, .who = "the Podman service",
	  .advice = "start it with `podman`" },
	{ .names = { "podman" }, PROGRAM_SERVER, .when = { "exec", "attach" },
	  .who = "the container, which keeps the network that it was started with",
	  .advice = CONTAINER("", "podman") },
	{ .names = { "nerdctl", "ctr", "crictl" }, PROGRAM_SERVER,
	  .when = { "run", "exec", "start", "restart", "create", "build", "pull", "push", "compose",
		    "runp" },
	  .who = "containerd" },
	{ .names = { "toolbox", "distrobox" }, PROGRAM_SERVER, .when = { "run", "enter" },
	  .who = "its container, which keeps the network that it was started with",
	  .advice = "end that first (`podman stop NAME`)" },
	{ .names = { "distrobox-enter" }, PROGRAM_SERVER,
	  .who = "its container, which keeps the network that it was started with",
	  .advice = "end that first (`podman stop NAME`)" },
	{ .names = { "lxc", "incus" }, PROGRAM_SERVER,
	  .when = { "exec", "shell", "launch", "start", "restart", "console" },
	  .who = "the container's daemon" },
	{ .names = { "lxc-attach" }, PROGRAM_SERVER, .who = "the container" },
	{ .names = { "machinectl" }, PROGRAM_SERVER,
	  .when = { "shell", "login", "start", "pull-tar", "pull-raw", "import-tar", "import-raw" },
	  .who = "the machine or systemd" },
	{ .names = { "virsh" }, PROGRAM_SERVER,
	  .when = { "start", "create", "console", "restore", "resume", "reboot" },
	  .who = "libvirt's daemon" },
	{ .names = { "virt-install" }, PROGRAM_SERVER, .who = "libvirt's daemon" },
	{ .names = { "VBoxManage", "vboxmanage" }, PROGRAM_SERVER, .when = { "startvm", "controlvm" },
	  .who = "VirtualBox's service" },

	/* --- service managers, later times --- */
	{ .names = { "systemd-run" }, PROGRAM_SERVER, .unless = { "--scope" },
	  .with = "-p --property -u --unit -E --setenv -H --host -M --machine -C --capsule --uid --gid "
		  "--nice --slice --description --service-type --working-directory --on-active "
		  "--on-boot --on-calendar --timer-property --path-property --socket-property",
	  .who = "systemd",
	  .advice = "start it with `systemd-run --scope`" },
	{ .names = { "run0" }, PROGRAM_SERVER, .who = "systemd", .advice = "start it with `sudo`" },
	{ .names = { "systemctl" }, PROGRAM_SERVER,
	  .when = { "start", "restart", "try-restart", "reload-or-restart",
		    "try-reload-or-restart", "isolate", "reload", "--now" },
	  .who = "systemd", .advice = "see NetworkNamespacePath= in systemd.exec(5), and --keep" },
	{ .names = { "at", "batch" }, PROGRAM_SERVER,
	  .unless = { "-l", "-c", "-d", "-r", "-V" },
	  .who = "atd", .advice = "let the job itself call `via-iface %u -- PROGRAM`" },

	/* --- sandboxes --- */
	{ .names = { "flatpak" }, PROGRAM_FLATPAK, .when = { "run" } },
	{ .names = { "flatpak" }, PROGRAM_SERVER, .when = { "enter" },
	  .who = "the sandbox that runs" },
	{ .names = { "flatpak-spawn" }, PROGRAM_SERVER, .who = "a service outside the sandbox",
	  .advice = "start it with `flatpak-spawn --host via-iface %u -- PROGRAM`" },
	{ .names = { "host-spawn", "distrobox-host-exec" }, PROGRAM_SERVER,
	  .who = "a service outside the container" },
	{ .names = { "snap" }, PROGRAM_SERVER,
	  .when = { "install", "refresh", "start", "restart", "try", "revert" }, .who = "snapd" },

	/* --- what leaves the choice of the program to the desktop --- */
	{ .names = { "xdg-open", "exo-open", "kde-open", "kde-open5", "gvfs-open", "browse" },
	  PROGRAM_SERVER, .who = "whatever opens it, which may run outside already",
	  .advice = OPEN_ADVICE },
	{ .names = { "gio" }, PROGRAM_SERVER, .when = { "open", "launch" },
	  .who = "whatever opens it, which may run outside already", .advice = OPEN_ADVICE },
	{ .names = { "gtk-launch", "gtk4-launch", "kioclient", "kstart", "kstart5" },
	  PROGRAM_SERVER, .who = "whatever it starts, which may run outside already",
	  .advice = "start the program itself" },
	{ .names = { "gapplication" }, PROGRAM_SERVER, .when = { "launch", "action" },
	  .who = "the session bus", .advice = "start the program itself" },

	/* --- clients of a daemon that has the network --- */
	{ .names = { "ssh" }, PROGRAM_SSH, .unless = { "-O" }, .processes = { "ssh" },
	  .advice = "open its own with `ssh -S none`" },
	{ .names = { "scp", "sftp" }, PROGRAM_SSH, .processes = { "ssh" },
	  .advice = "open its own with `-o ControlPath=none`" },
	{ .names = { "gpg", "gpg2" }, PROGRAM_CLIENT,
	  .when = { "--recv-keys", "--receive-keys", "--search-keys", "--send-keys",
		    "--refresh-keys", "--fetch-keys", "--locate-keys", "--locate-external-keys" },
	  .unless = { "--homedir" },
	  .processes = { "dirmngr" }, .socket = "gnupg/S.dirmngr", .who = "dirmngr",
	  .advice = "give it a --homedir of its own" },
	{ .names = { "resolvectl", "systemd-resolve" }, PROGRAM_SERVER,
	  .unless = { "status", "statistics", "flush-caches", "--flush-caches", "--statistics",
		      "--status", "dns", "domain", "monitor" },
	  .who = "systemd-resolved", .advice = "ask with `getent hosts NAME`" },
	{ .names = { "avahi-browse", "avahi-resolve", "avahi-resolve-host-name",
		     "avahi-resolve-address" },
	  PROGRAM_SERVER, .who = "avahi-daemon" },
	{ .names = { "nix", "nix-build", "nix-shell", "nix-env", "nix-store", "nix-channel" },
	  PROGRAM_CLIENT, .processes = { "nix-daemon" }, .socket = "/nix/var/nix/daemon-socket/socket",
	  .who = "nix-daemon" },
	{ .names = { "guix" }, PROGRAM_CLIENT, .processes = { "guix-daemon" },
	  .socket = "/var/guix/daemon-socket/socket", .who = "guix-daemon" },
	{ .names = { "pkcon" }, PROGRAM_SERVER, .who = "PackageKit" },
	{ .names = { "lp", "lpr" }, PROGRAM_SERVER, .who = "CUPS" },
	{ .names = { "sendmail", "mail", "mailx" }, PROGRAM_SERVER,
	  .who = "the mail server of this host" },
};
/* clang-format on */

/*
 * Programs that execute the command line behind their options, in the place where they are. with:
 * options of which the next word is the value. words: how many more stand before the command line.
 */
static const struct wrapper {
	const char *name;
	const char *with;
	size_t words;
} wrappers[] = {
	{ "env", "-u -C --unset --chdir", 0 },
	{ "nice", "-n", 0 },
	{ "ionice", "-c -n", 0 },
	{ "nohup", "", 0 },
	{ "setsid", "", 0 },
	{ "stdbuf", "-i -o -e", 0 },
	{ "time", "-f -o", 0 },
	{ "timeout", "-k -s", 1 },
	{ "taskset", "", 1 },
	{ "chrt", "-T -P -D", 1 },
	{ "sudo", "-u -g -h -p -C -r -t -T -U -D -R", 0 },
	{ "doas", "-u -C", 0 },
};

#define WRAPPERS_MAX 8 /* of one command line */

/* `docker --context home container exec`: the value of an option may look like one. */
#define SUBCOMMANDS 3

const char *program_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether the word is one of a list with blanks between. */
static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; *at;) {
		size_t n = strcspn(at, " ");

		if (n == len && !memcmp(at, word, n))
			return true;
		at += n + (at[n] == ' ');
	}
	return false;
}

static const struct wrapper *find_wrapper(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrappers); i++)
		if (!strcmp(wrappers[i].name, name))
			return &wrappers[i];
	return NULL;
}

/* The command line behind a wrapper; NULL where there is none, or it is one word (env -S). */
static char *const *behind(char *const argv[], const struct wrapper *w)
{
	size_t words = w->words;

	for (argv++; *argv && (*argv)[0] == '-'; argv++) {
		if (!strcmp(*argv, "--")) {
			argv++;
			break;
		}
		if (!strcmp(w->name, "env") &&
		    (!strncmp(*argv, "-S", 2) || !strncmp(*argv, "--split-string", 14)))
			return NULL;
		if (listed(w->with, *argv) && argv[1])
			argv++;
	}
	while (*argv && strchr(*argv, '=') && listed("env sudo doas", w->name))
		argv++;
	for (; *argv && words; words--)
		argv++;
	while (*argv && (*argv)[0] == '-') /* of snap's `run` */
		argv++;
	return *argv ? argv : NULL;
}

/* "--option", "--option=VALUE". */
static bool is_option(const char *word, const char *option)
{
	size_t len = strlen(option);

	return !strncmp(word, option, len) && (!word[len] || word[len] == '=');
}

/* Whether one of the words is there: an option, or a subcommand among the first so many. */
static bool has(const struct program_kind *k, char *const argv[], const char *const words[],
		size_t subcommands)
{
	size_t plain = 0;

	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		bool option = (*argv)[0] == '-';

		plain += !option;
		for (size_t i = 0; i < PROGRAM_WORDS && words[i]; i++)
			if (words[i][0] == '-'
				    ? is_option(*argv, words[i])
				    : !option && plain <= subcommands && !strcmp(*argv, words[i]))
				return true;
		if (k->with && !option)
			return false;
		if (k->with && listed(k->with, *argv) && argv[1])
			argv++;
	}
	return false;
}

static bool fits(const struct program_kind *k, const char *name, char *const argv[])
{
	bool named = false;
	const char *env = k->when_env ? getenv(k->when_env) : "set";

	for (size_t i = 0; i < PROGRAM_NAMES && k->names[i]; i++)
		named |= !strcmp(k->names[i], name);
	return named && env && *env && (!k->when[0] || has(k, argv + 1, k->when, SUBCOMMANDS)) &&
	       !has(k, argv + 1, k->unless, 1);
}

const struct program_kind *program_kind(char *const argv[], char *const **ret_argv)
{
	const struct wrapper *w;

	for (size_t i = 0; i < WRAPPERS_MAX && argv; i++) {
		const char *name = program_base_name(argv[0]);
		/* `snap run NAME`: the name is the command's */
		const struct wrapper snap = { "snap", "", 1 };

		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			if (fits(&kinds[k], name, argv)) {
				if (ret_argv)
					*ret_argv = argv;
				return &kinds[k];
			}
		if (!strcmp(name, "snap") && argv[1] && !strcmp(argv[1], "run"))
			w = &snap;
		else
			w = find_wrapper(name);
		argv = w ? behind(argv, w) : NULL;
	}
	return NULL;
}
