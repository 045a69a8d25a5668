/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char dir[128];

size_t fds_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	if (!d)
		abort();
	while (readdir(d))
		n++;
	closedir(d);
	return n - 3; /* itself, "." and ".." */
}

size_t fds_sockets(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	if (!d)
		abort();
	while ((entry = readdir(d)))
		n += fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISSOCK(st.st_mode);
	closedir(d);
	return n;
}

bool fds_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

const char *dir_new(void)
{
	const char *tmp = getenv("TMPDIR");

	/* a socket's path has to be short */
	if (!tmp || tmp[0] != '/' || strlen(tmp) > 60)
		tmp = "/tmp";
	snprintf(dir, sizeof(dir), "%s/via-test-XXXXXX", tmp);
	if (!mkdtemp(dir))
		abort();
	return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void dir_remove(void)
{
	nftw(dir, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

const char *dir_path(const char *name)
{
	static char bufs[4][PATH_MAX];
	static size_t turn;
	char *buf = bufs[turn++ % 4];

	snprintf(buf, PATH_MAX, "%s/%s", dir, name);
	return buf;
}

void dir_make_parents(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir_path(name));
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST) {
			perror(path);
			abort();
		}
		*p = '/';
	}
}
