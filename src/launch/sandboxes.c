/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flatpak: permissions are in the app's metadata and in overrides, of the system and of the user
 * (flatpak-override(1)); what is read later counts. Snap: snap-confine(8) is set-id root and gives
 * the program a mount namespace that is made from the one of process 1, so the mounts of the
 * session are not there. Its resolv.conf is the host's: questions to the servers in it are
 * redirected. The sockets of resolved and nscd are the host's, too, and they ask by the host's
 * default route.
 */
#include "launch/sandboxes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "launch/files.h"
#include "launch/wrappers.h"

#define TEXT_BYTES_MAX 65536u
#define SYSTEM_FLATPAK "/var/lib/flatpak"
#define HOST_SERVICE   "org.freedesktop.Flatpak"

bool flatpak_app(char *const argv[], char ret[FLATPAK_ID_MAX])
{
	for (argv++; *argv && (*argv)[0] == '-'; argv++)
		;
	for (argv += *argv != NULL; *argv && (*argv)[0] == '-'; argv++)
		;
	snprintf(ret, FLATPAK_ID_MAX, "%.*s", *argv ? (int)strcspn(*argv, "/") : 0,
		 *argv ? *argv : "");
	return *ret;
}

/* The value of KEY=VALUE on a line; NULL: the line is another key's. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && line[len] == '=' ? line + len + 1 : NULL;
}

static bool is_word(const char *value, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(value, word, len) && (!value[len] || strchr(";\r\n", value[len]));
}

/* Whether a list "x11;session-bus;" has the word; "!session-bus" takes it back. */
static int listed(const char *list, const char *word)
{
	int said = -1;

	while (*list && *list != '\n') {
		if (is_word(list, word))
			said = 1;
		else if (*list == '!' && is_word(list + 1, word))
			said = 0;
		list += strcspn(list, ";\n");
		list += *list == ';';
	}
	return said;
}

int flatpak_talks_to_host(const char *text)
{
	bool policy = false, context = false;
	int bus = -1, service = -1;

	for (const char *line = text; *line; line += *line == '\n') {
		const char *value;

		if (*line == '[') {
			policy = !strncmp(line, "[Session Bus Policy]", 20);
			context = !strncmp(line, "[Context]", 9);
		} else if (policy && ((value = value_of(line, HOST_SERVICE)) ||
				      (value = value_of(line, "org.freedesktop.*")))) {
			service = is_word(value, "talk") || is_word(value, "own");
		} else if (context && (value = value_of(line, "sockets"))) {
			bus = listed(value, "session-bus");
		}
		line += strcspn(line, "\n");
	}
	return bus == 1 || service == 1 ? 1 : bus == 0 || service == 0 ? 0 : -1;
}

/* What a file below a directory of Flatpak's says; said, where it says nothing. */
static int said_by(const char *dir, const char *prefix, const char *app, const char *behind,
		   int said)
{
	_cleanup_free_ char *text = NULL;
	struct err ignored = { 0 };
	char path[PATH_MAX];
	size_t len;
	int more;

	if (snprintf(path, sizeof(path), "%s/%s%s%s", dir, prefix, app, behind) >= PATH_MAX ||
	    file_read(path, TEXT_BYTES_MAX, &text, &len, &ignored) < 0)
		return said;
	more = flatpak_talks_to_host(text);
	return more < 0 ? said : more;
}

/* The installation of the user; "" for another user's. */
static void users_flatpak(uid_t uid, char ret[PATH_MAX])
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	*ret = '\0';
	if (uid != geteuid())
		return;
	if (data && data[0] == '/')
		snprintf(ret, PATH_MAX, "%s/flatpak", data);
	else if (home)
		snprintf(ret, PATH_MAX, "%s/.local/share/flatpak", home);
}

static bool flatpak_reaches_host(const char *app, uid_t uid)
{
	static const char active[] = "/current/active/metadata";
	char own[PATH_MAX];
	int said = said_by(SYSTEM_FLATPAK, "app/", app, active, 0);

	users_flatpak(uid, own);
	if (*own)
		said = said_by(own, "app/", app, active, said);
	said = said_by(SYSTEM_FLATPAK, "overrides/", "global", "", said);
	said = said_by(SYSTEM_FLATPAK, "overrides/", app, "", said);
	if (*own) {
		said = said_by(own, "overrides/", "global", "", said);
		said = said_by(own, "overrides/", app, "", said);
	}
	return said == 1;
}

const char *snap_name(char *const argv[], const char *program)
{
	static const char *const dirs[] = { "/snap/bin/", "/var/lib/snapd/snap/bin/" };

	if (!strcmp(program_base_name(argv[0]), "snap") && argv[1] && !strcmp(argv[1], "run")) {
		for (argv += 2; *argv && (*argv)[0] == '-'; argv++)
			;
		return *argv;
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (!strncmp(program, dirs[i], strlen(dirs[i])))
			return program_base_name(program);
	return NULL;
}

/* Where execvp(3) would find it; "": nowhere. */
static void find_in_path(const char *name, char ret[PATH_MAX])
{
	const char *path = getenv("PATH");

	snprintf(ret, PATH_MAX, "%s", strchr(name, '/') ? name : "");
	while (!*ret && path && *path) {
		size_t len = strcspn(path, ":");
		struct stat st;

		if (snprintf(ret, PATH_MAX, "%.*s/%s", (int)len, path, name) >= PATH_MAX ||
		    stat(ret, &st) < 0 || !S_ISREG(st.st_mode) || access(ret, X_OK) < 0)
			*ret = '\0';
		path += len + (path[len] == ':');
	}
}

static const char *name_service(void)
{
	static const struct {
		const char *path, *name;
	} services[] = {
		{ "/run/systemd/resolve/io.systemd.Resolve", "systemd-resolved" },
		{ "/run/nscd/socket", "nscd" },
	};
	struct stat st;

	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++)
		if (stat(services[i].path, &st) == 0 && S_ISSOCK(st.st_mode))
			return services[i].name;
	return NULL;
}

static bool flatpak_warning(char *const argv[], uid_t uid, const char *uplinks, struct err *ret)
{
	char app[FLATPAK_ID_MAX];

	if (strcmp(program_base_name(argv[0]), "flatpak") != 0 || !argv[1] ||
	    strcmp(argv[1], "run") != 0 || !flatpak_app(argv, app) ||
	    !flatpak_reaches_host(app, uid))
		return false;
	err_set(ret, EPERM,
		"%s may start programs outside of its sandbox (" HOST_SERVICE "), which would not "
		"use %s",
		app, uplinks);
	err_hint(ret,
		 "take that from it with `flatpak override --user --no-talk-name=" HOST_SERVICE
		 " %s`",
		 app);
	return true;
}

static bool snap_warning(char *const argv[], const char *uplinks, struct err *ret)
{
	const char *service = name_service(), *snap;
	char program[PATH_MAX];

	if (!service)
		return false;
	find_in_path(argv[0], program);
	snap = snap_name(argv, program);
	if (!snap)
		return false;
	err_set(ret, EPERM,
		"%s is a snap, which sees the host's name services: %s may look its names up, and "
		"would not use %s",
		snap, service, uplinks);
	return true;
}

bool sandboxes_warning(char *const argv[], uid_t uid, const char *uplinks, struct err *ret)
{
	for (size_t i = 0; i < WRAPPERS_MAX && argv; i++) {
		if (flatpak_warning(argv, uid, uplinks, ret) || snap_warning(argv, uplinks, ret))
			return true;
		argv = wrapper_behind(argv);
	}
	return false;
}
