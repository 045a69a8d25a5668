/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/files.h"

static int open_netns(const char *path, uint64_t inode)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == inode ? steal_fd(&fd) : -ESRCH;
}

int netns_open_of(const struct session *s)
{
	DIR *dir = opendir("/proc");
	char path[64];
	int fd = -ESRCH;
	pid_t pid;

	while (dir && fd < 0 && (pid = process_next(dir))) {
		if (process_netns(pid) != s->netns)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		fd = open_netns(path, s->netns);
	}
	if (dir)
		closedir(dir);
	if (fd < 0 && s->flags & SESSION_KEEP) {
		snprintf(path, sizeof(path), "/run/netns/%s", s->name);
		fd = open_netns(path, s->netns);
	}
	return fd;
}

int netns_open_by_id(uint32_t id)
{
	char path[64], alias[ALIAS_MAX];
	struct session s;

	snprintf(path, sizeof(path), "/sys/class/net/" PORT_PREFIX "%u/ifalias", id);
	if (file_start(AT_FDCWD, path, 0, alias, sizeof(alias)) <= 0)
		return -ESRCH;
	alias[strcspn(alias, "\n")] = 0;
	if (session_parse(alias, &s) < 0 || s.flags & SESSION_SPARE)
		return -ESRCH;
	return netns_open_of(&s);
}
