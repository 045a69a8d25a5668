/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/instances.h"

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
#include "base/files.h"
#include "base/util.h"
#include "base/vec.h"
#include "launch/wrappers.h"
#include "model/session.h"

#define COMM_BYTES 15 /* of a name, what /proc/PID/comm holds (proc(5)) */

bool instance_is(const char *names, const char *exe, const char *comm)
{
	if (word_listed(names, exe))
		return true;
	for (const char *at = names; comm[0] && *at;) {
		size_t n = strcspn(at, " "), len = n < COMM_BYTES ? n : COMM_BYTES;

		if (strlen(comm) == len && !memcmp(at, comm, len))
			return true;
		at += n + (at[n] == ' ');
	}
	return false;
}

/* The session of a port, from the port's alias. */
static bool read_session(int dir, const char *port, struct session *ret)
{
	char path[NAME_MAX + 16], alias[ALIAS_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/ifalias", port);
	n = file_start(dir, path, 0, alias, sizeof(alias));
	if (n <= 0)
		return false;
	alias[n - (alias[n - 1] == '\n')] = 0;
	return session_parse(alias, ret) == 0;
}

bool instance_uplinks(uint32_t id, struct uplink_list *ret)
{
	char path[64];
	struct session s;

	snprintf(path, sizeof(path), "/sys/class/net/" PORT_PREFIX "%u", id);
	if (!read_session(AT_FDCWD, path, &s))
		return false;
	*ret = s.uplinks;
	return true;
}

/* Whether a session by that list of uplinks has that netns; its port's alias says so. */
static bool goes_by(uint64_t netns, const struct uplink_list *uplinks)
{
	DIR *links = netns ? opendir("/sys/class/net") : NULL;
	const struct dirent *entry;
	bool found = false;

	while (links && !found && (entry = readdir(links))) {
		struct session s;

		found = !strncmp(entry->d_name, PORT_PREFIX, strlen(PORT_PREFIX)) &&
			read_session(dirfd(links), entry->d_name, &s) && s.netns == netns &&
			uplinks && uplink_list_equal(&s.uplinks, uplinks);
	}
	if (links)
		closedir(links);
	return found;
}

bool instance_is_outside(pid_t pid, const struct instance_scope *scope)
{
	uint64_t netns = process_netns(pid);

	if (scope->netns)
		return netns != scope->netns;
	return !goes_by(netns, scope->uplinks);
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
	snprintf(ret, NAME_MAX + 1, "%s", program_base_name(path));
}

/* comm and the parent, from "PID (COMM) STATE PPID …"; comm may hold brackets itself. */
static bool read_stat(int dir, char comm[COMM_BYTES + 1], pid_t *parent)
{
	char text[256], *open, *close;

	if (file_start(dir, "stat", 0, text, sizeof(text)) <= 0)
		return false;
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open || strlen(close) < 5)
		return false;
	*close = 0;
	snprintf(comm, COMM_BYTES + 1, "%s", open + 1);
	*parent = (pid_t)strtol(close + 4, NULL, 10);
	return close[2] != 'Z';
}

static void check_process(int proc, const char *pid, const char *names, uid_t uid,
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
	if (!instance_is(names, exe, comm) || !(f = VEC_PUSH(ret)))
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

pid_t instance_find(const char *names, uid_t uid, const struct instance_scope *scope)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	struct founds all = { 0 };
	pid_t first = 0;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			check_process(dirfd(proc), entry->d_name, names, uid, &all);
	for (size_t i = 0; i < all.n && !first; i++)
		if (!has(&all, all.v[i].parent) &&
		    (!scope || instance_is_outside(all.v[i].pid, scope)))
			first = all.v[i].pid;
	VEC_DONE(&all);
	if (proc)
		closedir(proc);
	return first;
}
