/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/netns_etc.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>

#include "etc/netns_files.h"

static int bind_one(int dir, const char *name, const char *file, struct err *err)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (file[0] == '.' || netns_files_ours(dir, file))
		return 0;
	if (snprintf(from, sizeof(from), NETNS_FILES_DIR "/%s/%s", name, file) >=
		    (int)sizeof(from) ||
	    snprintf(to, sizeof(to), "/etc/%s", file) >= (int)sizeof(to))
		return err_errno(err, ENAMETOOLONG, "mount a file of '" NETNS_FILES_DIR "/%s'",
				 name);
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, errno, "mount '%s' on '%s'", from, to);
}

int netns_etc_bind(const char *name, struct err *err)
{
	char path[NETNS_FILES_PATH_MAX];
	const struct dirent *entry;
	DIR *d;
	int r = 0;

	snprintf(path, sizeof(path), NETNS_FILES_DIR "/%s", name);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, errno, "read directory '%s'", path);
	while (r == 0 && (entry = readdir(d)))
		r = bind_one(dirfd(d), name, entry->d_name, err);
	closedir(d);
	return r;
}
