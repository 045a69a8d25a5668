/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/apps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "config.h"
#include "launch/paths.h"
#include "launch/wrappers.h"

bool apps_dir(enum apps_dir which, char ret[PATH_MAX])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	switch (which) {
	case APPS_SHIPPED:
		snprintf(ret, PATH_MAX, "%s", VIA_DATADIR "/apps");
		return true;
	case APPS_SITE:
		snprintf(ret, PATH_MAX, "%s", VIA_SYSCONFDIR "/apps.d");
		return true;
	case APPS_OWN: /* XDG Base Directory Specification: a relative one is not set */
		if (config && config[0] == '/')
			return snprintf(ret, PATH_MAX, "%s/via-iface/apps", config) < PATH_MAX;
		return home && home[0] == '/' &&
		       snprintf(ret, PATH_MAX, "%s/.config/via-iface/apps", home) < PATH_MAX;
	case APPS_DIR_COUNT:
		break;
	}
	return false;
}

bool apps_dir_read(enum apps_dir which, char ret[PATH_MAX])
{
	struct stat st;

	return apps_dir(which, ret) &&
	       (which != APPS_OWN || (stat(ret, &st) == 0 && st.st_uid == geteuid()));
}

/* --- the program ----------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Behind `env`, its options and what it sets; 0 when nothing is there to be run. */
static size_t behind_env(char *const argv[])
{
	size_t i = 1;

	for (; argv[i] && argv[i][0] == '-'; i++) {
		bool with_word = !strcmp(argv[i], "-u") || !strcmp(argv[i], "-C") ||
				 !strcmp(argv[i], "--unset") || !strcmp(argv[i], "--chdir");

		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (argv[i][1] == 'S' || !strncmp(argv[i], "--split-string", 14))
			return 0; /* a command line in a word */
		if (with_word && argv[i + 1])
			i++;
	}
	while (argv[i] && strchr(argv[i], '='))
		i++;
	return argv[i] ? i : 0;
}

/* Behind `dbus-run-session [--OPTION=VALUE…] [--]`; 0: nothing is there to be run. */
static size_t behind_bus(char *const argv[])
{
	size_t i = 1;

	while (argv[i] && argv[i][0] == '-' && strcmp(argv[i], "--") != 0)
		i++;
	i += argv[i] && !strcmp(argv[i], "--");
	return argv[i] ? i : 0;
}

/* Behind `flatpak run` or `snap run` and the options; 0: it is something else. */
static size_t behind_run(char *const argv[])
{
	size_t i = 2;

	if (!argv[1] || strcmp(argv[1], "run") != 0)
		return 0;
	while (argv[i] && argv[i][0] == '-')
		i++;
	return argv[i] ? i : 0;
}

size_t apps_program(char *const argv[], char ret[APPS_PROGRAM_MAX])
{
	const char *name = base_name(argv[0]);
	size_t at = 0, more;

	while (!strcmp(name, "env") && (more = behind_env(argv + at))) {
		at += more;
		name = base_name(argv[at]);
	}
	if (!strcmp(name, "dbus-run-session") && (more = behind_bus(argv + at))) {
		at += more;
		name = base_name(argv[at]);
	}
	if ((!strcmp(name, "flatpak") || !strcmp(name, "snap")) && (more = behind_run(argv + at))) {
		at += more;
		/* ID/ARCH/BRANCH */
		snprintf(ret, APPS_PROGRAM_MAX, "%.*s", (int)strcspn(argv[at], "/"), argv[at]);
	} else {
		snprintf(ret, APPS_PROGRAM_MAX, "%s", name);
	}
	return at;
}

/* --- the search ------------------------------------------------------------------------------ */

/* What a command line may be called in a file: each program behind wrappers, and the app. */
struct names {
	const char *v[WRAPPERS_MAX + 1];
	size_t n;
	char program[APPS_PROGRAM_MAX];
};

static void collect(char *const argv[], struct names *ret)
{
	apps_program(argv, ret->program);
	ret->v[ret->n++] = ret->program;
	for (size_t i = 0; i < WRAPPERS_MAX && argv; i++, argv = wrapper_behind(argv))
		ret->v[ret->n++] = base_name(argv[0]);
}

/* However a value is written, a program's name in it is a word between blanks or separators. */
static bool holds_word(const char *text, size_t len, const char *word)
{
	static const char around[] = " \t\r\v\f\n=:;";
	const size_t n = strlen(word);
	const char *at = text, *end = text + len;

	for (; n && (at = memmem(at, (size_t)(end - at), word, n)); at++)
		if ((at == text || strchr(around, at[-1])) &&
		    (at + n == end || strchr(around, at[n])))
			return true;
	return false;
}

/*
 * A file of an open directory; of a link path_open() knows where root follows it. Neither a FIFO
 * nor a terminal is waited for.
 */
static int open_in(int dir, const char *path, const char *file)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	int fd = openat(dir, file, flags | O_NOFOLLOW | O_CLOEXEC);
	char full[PATH_MAX + NAME_MAX + 2];

	if (fd >= 0 || errno != ELOOP)
		return fd < 0 ? -errno : fd;
	snprintf(full, sizeof(full), "%s/%s", path, file);
	return path_open(full, flags);
}

static bool speaks_of(int dir, const char *path, const char *file, const struct names *names,
		      char *buf)
{
	_cleanup_close_ int fd = open_in(dir, path, file);
	ssize_t len;

	if (fd < 0)
		return fd != -ENOENT;
	len = read_up_to(fd, buf, APPS_FILE_BYTES_MAX);
	if (len < 0)
		return true;
	for (size_t i = 0; i < names->n; i++)
		if (holds_word(buf, (size_t)len, names->v[i]))
			return true;
	return len == APPS_FILE_BYTES_MAX; /* too large: who reads it will say so */
}

/* What root is not to follow a link to counts as a mention: who reads it says what is wrong. */
static bool one_speaks_of(const char *path, const struct names *names)
{
	static char buf[APPS_FILE_BYTES_MAX];
	int fd = path_open(path, O_RDONLY | O_DIRECTORY);
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	if (fd < 0)
		return fd == -ELOOP && access(path, F_OK) == 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return false;
	}
	while (!found && (entry = readdir(dir)))
		found = is_conf_file(entry) &&
			speaks_of(dirfd(dir), path, entry->d_name, names, buf);
	closedir(dir);
	return found;
}

bool apps_mention(char *const argv[])
{
	struct names names = { .n = 0 };
	char path[PATH_MAX];
	bool found = false;

	collect(argv, &names);
	for (enum apps_dir which = 0; which < APPS_DIR_COUNT && !found; which++)
		found = apps_dir_read(which, path) && one_speaks_of(path, &names);
	return found;
}
