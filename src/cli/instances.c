/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/instances.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/vec.h"

#define COMM_BYTES 15 /* of a name, what /proc/PID/comm holds (proc(5)) */

/* clang-format off */
static const struct instance_kind kinds[] = {
	{ { "firefox", "firefox-esr", "firefox-bin" },
	  { "-P", "-p", "--profile", "-profile", "--new-instance", "-new-instance", "--no-remote",
	    "-no-remote" },
	  "firefox --new-instance --profile DIR" },
	{ { "thunderbird", "thunderbird-esr", "thunderbird-bin" },
	  { "-P", "-p", "--profile", "-profile", "--new-instance", "-new-instance", "--no-remote",
	    "-no-remote" },
	  "thunderbird --new-instance --profile DIR" },
	{ { "chromium", "chromium-browser" }, { "--user-data-dir" },
	  "chromium --user-data-dir=DIR" },
	{ { "google-chrome", "google-chrome-stable", "chrome" }, { "--user-data-dir" },
	  "google-chrome --user-data-dir=DIR" },
	{ { "brave-browser", "brave-browser-stable", "brave" }, { "--user-data-dir" },
	  "brave-browser --user-data-dir=DIR" },
	{ { "microsoft-edge", "microsoft-edge-stable", "msedge" }, { "--user-data-dir" },
	  "microsoft-edge --user-data-dir=DIR" },
	{ { "vivaldi", "vivaldi-stable", "vivaldi-bin" }, { "--user-data-dir" },
	  "vivaldi --user-data-dir=DIR" },
	{ { "opera" }, { "--user-data-dir" }, "opera --user-data-dir=DIR" },
	{ { "epiphany", "epiphany-browser" }, { "--private-instance", "-p", "--profile" },
	  "epiphany --private-instance" },
	{ { "steam" } },
	{ { "discord", "Discord" }, { "--multi-instance" }, "discord --multi-instance" },
	{ { "slack" } },
	{ { "spotify" } },
	{ { "signal-desktop" }, { "--user-data-dir" }, "signal-desktop --user-data-dir=DIR" },
	{ { "element-desktop" }, { "--profile", "--profile-dir" },
	  "element-desktop --profile NAME" },
	{ { "telegram-desktop", "Telegram" }, { "-many", "-workdir" },
	  "telegram-desktop -many -workdir DIR" },
	{ { "code" }, { "--user-data-dir" }, "code --user-data-dir DIR" },
	{ { "codium" }, { "--user-data-dir" }, "codium --user-data-dir DIR" },
	{ { "qbittorrent" }, { "--configuration", "--profile" }, "qbittorrent --configuration=NAME" },
	{ { "transmission-gtk" }, { "--config-dir", "-g" }, "transmission-gtk --config-dir DIR" },
	{ { "transmission-qt" }, { "--config-dir", "-g" }, "transmission-qt --config-dir DIR" },
	{ { "deluge", "deluge-gtk" }, { "--config", "-c" }, "deluge --config DIR" },
	{ { "libreoffice", "soffice", "soffice.bin" }, { "-env:UserInstallation" },
	  "libreoffice -env:UserInstallation=file:///DIR" },
	{ { "gnome-terminal", "gnome-terminal-server" }, { NULL },
	  "dbus-run-session -- gnome-terminal --wait", .by_bus = true },
	{ { "kgx", "gnome-console" }, { NULL }, "dbus-run-session -- kgx" },
	{ { "xfce4-terminal" }, { "--disable-server" }, "xfce4-terminal --disable-server" },
	{ { "tilix" }, { "--new-process" }, "tilix --new-process" },
};
/* clang-format on */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "--option", "--option=VALUE". */
static bool is_option(const char *word, const char *option)
{
	size_t len = strlen(option);

	return !strncmp(word, option, len) && (!word[len] || word[len] == '=');
}

static bool separated(const struct instance_kind *kind, char *const argv[])
{
	for (; *argv; argv++)
		for (size_t i = 0; i < INSTANCE_WORDS && kind->separating[i]; i++)
			if (is_option(*argv, kind->separating[i]))
				return true;
	return false;
}

const struct instance_kind *instance_kind(char *const argv[])
{
	const char *name = base_name(argv[0]);

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (size_t i = 0; i < INSTANCE_WORDS && kinds[k].names[i]; i++)
			if (!strcmp(kinds[k].names[i], name))
				return separated(&kinds[k], argv + 1) ? NULL : &kinds[k];
	return NULL;
}

bool instance_is(const struct instance_kind *kind, const char *exe, const char *comm)
{
	for (size_t i = 0; i < INSTANCE_WORDS && kind->names[i]; i++)
		if (!strcmp(kind->names[i], exe) ||
		    (comm[0] && !strncmp(kind->names[i], comm, COMM_BYTES)))
			return true;
	return false;
}

struct found {
	pid_t pid, parent;
};

struct founds {
	struct found *v;
	size_t n, size;
};

/* The base name of what it executes; "" where that is not ours to see. */
static void read_exe(int dir, char ret[NAME_MAX + 1])
{
	static const char deleted[] = " (deleted)"; /* replaced by an update, and still at work */
	char path[PATH_MAX];
	ssize_t n = readlinkat(dir, "exe", path, sizeof(path) - 1);
	char *end;

	path[n < 0 ? 0 : n] = 0;
	end = path + strlen(path) - (sizeof(deleted) - 1);
	if (end > path && !strcmp(end, deleted))
		*end = 0;
	snprintf(ret, NAME_MAX + 1, "%s", base_name(path));
}

/* comm and the parent, from "PID (COMM) STATE PPID …"; comm may hold brackets itself. */
static bool read_stat(int dir, char comm[COMM_BYTES + 1], pid_t *parent)
{
	_cleanup_close_ int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	char text[256], *open, *close;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = 0;
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open || strlen(close) < 5)
		return false;
	*close = 0;
	snprintf(comm, COMM_BYTES + 1, "%s", open + 1);
	*parent = (pid_t)strtol(close + 4, NULL, 10);
	return close[2] != 'Z';
}

static void look_at(int proc, const char *pid, const struct instance_kind *kind, uid_t uid,
		    struct founds *ret)
{
	_cleanup_close_ int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char exe[NAME_MAX + 1], comm[COMM_BYTES + 1];
	struct found *f;
	struct stat st;
	pid_t parent;

	if (dir < 0 || fstat(dir, &st) < 0 || st.st_uid != uid || !read_stat(dir, comm, &parent))
		return;
	read_exe(dir, exe);
	if (!instance_is(kind, exe, comm) || !(f = VEC_PUSH(ret)))
		return;
	f->pid = (pid_t)strtol(pid, NULL, 10);
	f->parent = parent;
}

static bool has(const struct founds *all, pid_t pid)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].pid == pid)
			return true;
	return false;
}

pid_t instance_find(const struct instance_kind *kind, uid_t uid)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	struct founds all = { 0 };
	pid_t first = 0;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at(dirfd(proc), entry->d_name, kind, uid, &all);
	for (size_t i = 0; i < all.n && !first; i++)
		if (!has(&all, all.v[i].parent))
			first = all.v[i].pid;
	VEC_DONE(&all);
	if (proc)
		closedir(proc);
	return first;
}
