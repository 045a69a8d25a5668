/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/outside.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "launch/apps.h"
#include "launch/files.h"
#include "launch/paths.h"
#include "launch/sandboxes.h"
#include "launch/wrappers.h"
#include "model/log_entry.h"

#define TEXT_BYTES_MAX 65536u

/* --- where things are ------------------------------------------------------------------------- */

/* $XDG_RUNTIME_DIR; of another user where systemd makes it (pam_systemd(8)). */
static void runtime_dir(uid_t uid, char ret[PATH_MAX])
{
	const char *dir = uid == geteuid() ? getenv("XDG_RUNTIME_DIR") : NULL;

	if (dir && dir[0] == '/')
		snprintf(ret, PATH_MAX, "%s", dir);
	else
		snprintf(ret, PATH_MAX, "/run/user/%u", uid);
}

static bool is_socket(const struct app_outside *k, uid_t uid)
{
	char dir[PATH_MAX], path[2 * PATH_MAX];
	struct stat st;

	if (!k->socket[0])
		return false;
	runtime_dir(uid, dir);
	snprintf(path, sizeof(path), "%s%s%s", k->socket[0] == '/' ? "" : dir,
		 k->socket[0] == '/' ? "" : "/", k->socket);
	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The process that listens at a path; -1: one that cannot be told; 0: nobody does. */
static pid_t listener(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_close_ int place = path_open(path, O_PATH);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	if (fd < 0 || place < 0)
		return 0;
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d", place);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return 0;
	return cred.pid > 0 ? cred.pid : -1; /* of another pid namespace */
}

/* --- kinds ------------------------------------------------------------------------------------ */

/* The value of the last option of one letter before the first word that is none (tmux(1)). */
static const char *letter_value(char *const argv[], char letter, const char *with)
{
	const char *value = NULL;

	for (argv++; *argv && (*argv)[0] == '-' && (*argv)[1]; argv++) {
		for (const char *c = *argv + 1; *c; c++) {
			if (!strchr(with, *c))
				continue;
			if (*c == letter)
				value = c[1] ? c + 1 : argv[1];
			if (!c[1] && argv[1])
				argv++;
			break;
		}
	}
	return value;
}

/* tmux(1): -S PATH, else -L NAME, else the server around it, else the default one. */
static void tmux_socket(char *const argv[], uid_t uid, char ret[PATH_MAX])
{
	static const char with[] = "cfLST";
	const char *path = letter_value(argv, 'S', with), *name = letter_value(argv, 'L', with);
	const char *around = getenv("TMUX"), *dir = getenv("TMUX_TMPDIR");

	if (path)
		snprintf(ret, PATH_MAX, "%s", path);
	else if (!name && around && *around)
		snprintf(ret, PATH_MAX, "%.*s", (int)strcspn(around, ","), around);
	else
		snprintf(ret, PATH_MAX, "%s/tmux-%u/%s", dir && *dir ? dir : "/tmp", uid,
			 name ? name : "default");
}

/* A file that may be another user's; NULL: it cannot be read, or not by root (launch/paths.h). */
static char *read_text(const char *path)
{
	struct err ignored = { 0 };
	char *text = NULL;
	size_t len;

	return file_read(path, TEXT_BYTES_MAX, &text, &len, &ignored) < 0 ? NULL : text;
}

/* "name=org.example.App" among the lines of a Flatpak instance (flatpak-metadata(5)). */
static bool is_instance_of(const char *dir, const char *instance, const char *app, pid_t *ret_pid)
{
	char path[PATH_MAX + NAME_MAX + 24], wanted[256];
	_cleanup_free_ char *text = NULL, *number = NULL;

	snprintf(path, sizeof(path), "%s/%s/info", dir, instance);
	text = read_text(path);
	snprintf(wanted, sizeof(wanted), "\nname=%s\n", app);
	if (!text || !strstr(text, wanted))
		return false;
	snprintf(path, sizeof(path), "%s/%s/pid", dir, instance);
	number = read_text(path);
	if (!number)
		return false;
	*ret_pid = (pid_t)strtol(number, NULL, 10);
	return *ret_pid > 0 && (kill(*ret_pid, 0) == 0 || errno == EPERM);
}

/* flatpak leaves a directory for each sandbox below .flatpak (flatpak-ps(1) reads them). */
static pid_t find_flatpak(const struct outside_question *q, const char *app)
{
	char dir[PATH_MAX], path[PATH_MAX + 16];
	const struct dirent *entry;
	pid_t pid = 0, found = 0;
	DIR *all;

	runtime_dir(q->uid, dir);
	snprintf(path, sizeof(path), "%s/.flatpak", dir);
	all = opendir(path);
	while (all && !found && (entry = readdir(all)))
		if (entry->d_name[0] != '.' && is_instance_of(path, entry->d_name, app, &pid) &&
		    instance_is_outside(pid, &q->scope))
			found = pid;
	if (all)
		closedir(all);
	return found;
}

/* Whether a file says ControlPath; what it includes is not read (ssh_config(5)). */
static bool shares_connections(const char *path)
{
	_cleanup_free_ char *text = read_text(path);

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, " \t\n");
		if (!strncasecmp(line, "controlpath", 11) && strchr(" \t=\"", line[11]))
			return true;
	}
	return false;
}

/* Whether this ssh may go by a connection that another one holds: an option, or a file. */
static bool ssh_shares(char *const argv[])
{
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	bool shares = false;

	snprintf(path, sizeof(path), "%s/.ssh/config", home ? home : "");
	shares = shares_connections(path) || shares_connections("/etc/ssh/ssh_config");
	for (size_t i = 1; argv[i]; i++) {
		const char *value = NULL;

		if (!strncmp(argv[i], "-S", 2))
			value = argv[i][2] ? argv[i] + 2 : argv[i + 1];
		else if (strcasestr(argv[i], "ControlPath=") && argv[i][0] != '/')
			value = strcasestr(argv[i], "ControlPath=") + 12;
		if (value)
			return strcmp(value, "none") != 0;
	}
	return shares;
}

/* --- the line --------------------------------------------------------------------------------- */

/* Its list as text; where that is not known, what it is called. */
static const char *list_text(const struct outside_question *q, const char *unknown,
			     char text[UPLINK_LIST_TEXT_MAX])
{
	const struct uplink_list *list = q->scope.uplinks;

	return list && list->n ? uplink_list_format(list, text) : unknown;
}

static const char *its_uplink(const struct outside_question *q, char text[UPLINK_LIST_TEXT_MAX])
{
	return list_text(q, "the session's uplink", text);
}

size_t outside_plain_length(char *const argv[])
{
	char program[APPS_PROGRAM_MAX];
	size_t named = apps_program(argv, program);
	char *const *at = argv, *const * next;

	for (size_t i = 0; i < WRAPPERS_MAX && (next = wrapper_behind(at)); i++)
		at = next;
	return (named > (size_t)(at - argv) ? named : (size_t)(at - argv)) + 1;
}

/* Words for a shell, with a blank between. */
static void add_words(char *const words[], size_t n, struct strbuf *ret)
{
	for (size_t i = 0; i < n && words[i]; i++) {
		if (i)
			strbuf_add(ret, " ");
		strbuf_add_word(ret, words[i]);
	}
}

/* The command line as it was, with one more option. */
static void add_command(const struct outside_question *q, const char *option, struct strbuf *ret)
{
	strbuf_add(ret, "`via-iface%s%s %s ", q->line[0][0] ? " " : "", q->line[0], option);
	add_words(q->line + 1, (size_t)q->n_line - 1, ret);
	strbuf_add(ret, " ");
	add_words(q->argv, SIZE_MAX, ret);
	strbuf_add(ret, "`");
}

/* Each as a command to be pasted; where there is no room for that, by the option's name. */
static void add_choices(const struct outside_question *q, const struct app_outside *k,
			struct outside_found *ret)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };

	if (q->n_line) {
		if (ret->separate) {
			strbuf_add(&text, "start a separate one with ");
			add_command(q, "--separate", &text);
		} else if (k->how == APP_OUTSIDE_FLATPAK) {
			strbuf_add(&text, "end that one first with `flatpak kill %s`", ret->name);
		} else {
			strbuf_add(&text, "%s", k->advice[0] ? k->advice : "end that one first");
		}
		strbuf_add(&text, ", show the one outside with `");
		add_words(q->argv, outside_plain_length(q->argv), &text);
		strbuf_add(&text, "`, or let it be handed over with ");
		add_command(q, "--allow-handover", &text);
	}
	if (q->n_line && strlen(ret->line.text) + text.len + 3 < ERR_TEXT_MAX)
		err_hint(&ret->line, "%s", strbuf_text(&text));
	else
		err_hint(&ret->line,
			 "%sshow the one outside, or let it be handed over with "
			 "--allow-handover",
			 ret->separate ? "start a separate one with --separate, " : "");
}

static void add_advice(const struct outside_question *q, const char *advice, struct err *ret)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };
	char list[UPLINK_LIST_TEXT_MAX];

	for (const char *c = advice; *c; c++) {
		if (strncmp(c, "%u", 2) != 0) {
			strbuf_add(&text, "%c", *c);
			continue;
		}
		strbuf_add_word(&text, list_text(q, "UPLINK", list));
		c++;
	}
	err_hint(ret, "%s", strbuf_text(&text));
}

static struct err *begin(const struct app_outside *k, const char *name, pid_t pid,
			 struct outside_found *ret)
{
	*ret = (struct outside_found){ .how = k->how, .pid = pid };
	log_text(ret->name, sizeof(ret->name), name);
	return &ret->line;
}

/* A second start is handed to it: which it is, and what the user can choose instead. */
static int tell_instance(const struct outside_question *q, const struct app_outside *k,
			 const char *name, pid_t pid, struct outside_found *ret)
{
	struct err *line = begin(k, name, pid, ret);
	char list[UPLINK_LIST_TEXT_MAX];

	ret->separate = k->separate[0] != 0;
	if (k->how == APP_OUTSIDE_BUS)
		err_set(line, EPERM,
			"%s lets the session bus start it, outside: its windows would not "
			"use %s",
			ret->name, its_uplink(q, list));
	else
		err_set(line, EPERM,
			"%s (pid %d) already runs outside: a second start would be handed "
			"to it, and would not use %s",
			ret->name, (int)pid, its_uplink(q, list));
	add_choices(q, k, ret);
	return 1;
}

/* pid: of the server, where it was searched; else 0. */
static int tell_server(const struct outside_question *q, const struct app_outside *k,
		       const char *name, pid_t pid, struct outside_found *ret)
{
	char number[32] = "", list[UPLINK_LIST_TEXT_MAX];
	struct err *line = begin(k, name, pid, ret);

	if (pid > 0)
		snprintf(number, sizeof(number), " (pid %d)", (int)pid);
	err_set(line, EPERM, "%s has its work done outside, by %s%s: that would not use %s", name,
		k->who[0] ? k->who : "another process", number, its_uplink(q, list));
	if (k->advice[0])
		add_advice(q, k->advice, line);
	return 1;
}

static int find_server(const struct outside_question *q, const struct app *app, char *const argv[],
		       struct outside_found *ret)
{
	const struct app_outside *k = &app->outside;
	const char *name = program_base_name(argv[0]);
	const char *processes = k->processes[0] ? k->processes : app->match;
	char path[PATH_MAX], id[FLATPAK_ID_MAX], list[UPLINK_LIST_TEXT_MAX];
	struct err *line;
	pid_t pid;

	switch (k->how) {
	case APP_OUTSIDE_BUS:
		return tell_instance(q, k, name, 0, ret);
	case APP_OUTSIDE_INSTANCE:
		pid = instance_find(processes, q->uid, &q->scope);
		return pid ? tell_instance(q, k, name, pid, ret) : 0;
	case APP_OUTSIDE_SERVER:
		return tell_server(q, k, name, 0, ret);
	case APP_OUTSIDE_CLIENT:
		pid = instance_find(processes, q->uid, &q->scope);
		return pid || is_socket(k, q->uid) ? tell_server(q, k, name, pid, ret) : 0;
	case APP_OUTSIDE_TMUX:
		tmux_socket(argv, q->uid, path);
		pid = listener(path);
		return pid && instance_is_outside(pid, &q->scope)
			       ? tell_server(q, k, name, pid, ret)
			       : 0;
	case APP_OUTSIDE_FLATPAK:
		pid = flatpak_app(argv, id) ? find_flatpak(q, id) : 0;
		return pid ? tell_instance(q, k, id, pid, ret) : 0;
	case APP_OUTSIDE_SSH:
		pid = ssh_shares(argv) ? instance_find(processes, q->uid, &q->scope) : 0;
		if (!pid)
			return 0;
		line = begin(k, name, pid, ret);
		err_set(line, EPERM,
			"%s may go by a connection that ssh (pid %d) holds open outside, and "
			"would not use %s",
			name, (int)pid, its_uplink(q, list));
		if (k->advice[0])
			add_advice(q, k->advice, line);
		return 1;
	case APP_OUTSIDE_NO:
	case APP_OUTSIDE_COUNT:
		break;
	}
	return 0;
}

const struct app *outside_section(const struct apps *apps, char *const argv[],
				  char *const **ret_argv)
{
	for (size_t i = 0; i < WRAPPERS_MAX && argv; i++) {
		const struct app *app = apps_find_outside(apps, argv);

		if (app) {
			if (ret_argv)
				*ret_argv = argv;
			return app;
		}
		argv = wrapper_behind(argv);
	}
	return NULL;
}

int outside_find_server(const struct outside_question *q, struct outside_found *ret)
{
	char *const *argv = NULL;
	const struct app *app = outside_section(q->apps, q->argv, &argv);

	return app ? find_server(q, app, argv, ret) : 0;
}

/* --- a launch --------------------------------------------------------------------------------- */

int outside_check(const struct launch_options *o, const struct handover *h, const struct apps *apps,
		  const struct uplink_list *uplinks, struct err *ret, struct err *err)
{
	struct outside_question q = {
		.apps = apps,
		.argv = o->program,
		.uid = h->user.wanted ? h->user.uid : geteuid(),
		.scope.uplinks = uplinks,
		.line = o->line,
		.n_line = o->n_line,
	};
	struct outside_found found = { 0 };
	char list[UPLINK_LIST_TEXT_MAX];
	bool handed;
	struct stat st;

	if (h->netns >= 0 && fstat(h->netns, &st) == 0)
		q.scope.netns = st.st_ino;
	if (!outside_find_server(&q, &found)) {
		sandboxes_warning(q.argv, q.uid, its_uplink(&q, list), ret);
		return 0;
	}
	handed = app_outside_hands_over(found.how);
	if (handed ? !o->allow_handover : o->strict) {
		*err = found.line;
		return -found.line.code;
	}
	if (!handed)
		*ret = found.line;
	return 0;
}
