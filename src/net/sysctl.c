/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"

static int read_line(int fd, char *ret, size_t size)
{
	ssize_t n = read(fd, ret, size - 1);

	if (n < 0)
		return -errno;
	ret[n] = 0;
	ret[strcspn(ret, "\n")] = 0;
	for (char *p = ret; *p; p++)
		if (*p == '\t')
			*p = ' ';
	return 0;
}

static int open_sysctl(const char *path, int flags)
{
	char full[SYSCTL_MAX + 16];
	int fd;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *path, char *ret, size_t size)
{
	_cleanup_close_ int fd = open_sysctl(path, O_RDONLY);

	return fd < 0 ? fd : read_line(fd, ret, size);
}

int sysctl_write(const char *path, const char *value)
{
	_cleanup_close_ int fd = open_sysctl(path, O_WRONLY);
	size_t len = strlen(value);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, value, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int saved_name(const char *rundir, const char *path, const char *suffix, char *ret,
		      size_t size)
{
	int n = snprintf(ret, size, "%s/sysctl/%s%s", rundir, path, suffix);

	if (n >= (int)size)
		return -ENAMETOOLONG;
	for (char *p = ret + strlen(rundir) + strlen("/sysctl/"); *p; p++)
		if (*p == '/')
			*p = ':';
	return 0;
}

int sysctl_save(const char *rundir, const char *path, const char *before, const char *value,
		struct err *err)
{
	char dir[PATH_MAX], name[PATH_MAX], self[32], text[128];
	int len = snprintf(text, sizeof(text), "%s\n%s\n", before, value);
	_cleanup_close_ int fd = -1;
	int r;

	snprintf(dir, sizeof(dir), "%s/sysctl", rundir);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make directory '%s'", dir);
	r = saved_name(rundir, path, "", name, sizeof(name));
	if (r < 0)
		return err_errno(err, -r, "name the saved value of sysctl %s", path);
	if (access(name, F_OK) == 0)
		return 0;
	/* it appears whole or not at all, and leaves nothing when we die before */
	fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, errno, "save sysctl %s in '%s'", path, dir);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (write(fd, text, (size_t)len) != len ||
	    linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
		return err_errno(err, errno, "save sysctl %s in '%s'", path, name);
	return 0;
}

int sysctl_forget(const char *rundir, const char *path)
{
	char name[PATH_MAX];
	int r = saved_name(rundir, path, "", name, sizeof(name));

	if (r < 0)
		return r;
	return unlink(name) < 0 && errno != ENOENT ? -errno : 0;
}

/* net:FAMILY:conf:DEVICE:KEY with another device, or false. */
static bool renamed(const char *name, const char *from, const char *to, char *ret, size_t size)
{
	const char *conf = strstr(name, ":conf:"), *dev = conf ? conf + strlen(":conf:") : NULL;
	size_t len = strlen(from);

	if (!dev || strncmp(dev, from, len) != 0 || dev[len] != ':')
		return false;
	return snprintf(ret, size, "%.*s%s%s", (int)(dev - name), name, to, dev + len) < (int)size;
}

int sysctl_rename_device(const char *rundir, const char *from, const char *to)
{
	struct dirent *entry;
	char name[PATH_MAX];
	DIR *dir;
	int r = 0;

	snprintf(name, sizeof(name), "%s/sysctl", rundir);
	dir = opendir(name);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir)))
		if (renamed(entry->d_name, from, to, name, sizeof(name)) &&
		    renameat(dirfd(dir), entry->d_name, dirfd(dir), name) < 0)
			r = -errno;
	closedir(dir);
	return r;
}

/* Two lines: what it was, what we set. */
static int read_saved(int fd, struct fact_sysctl *ret)
{
	char text[128];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *second;

	if (n < 0)
		return -errno;
	text[n] = 0;
	second = strchr(text, '\n');
	if (!second)
		return -EBADMSG;
	*second++ = 0;
	second[strcspn(second, "\n")] = 0;
	if (copy_string(ret->before, sizeof(ret->before), text) < 0)
		return -EBADMSG;
	return copy_string(ret->set, sizeof(ret->set), second);
}

int sysctl_list_saved(const char *rundir, struct facts *f, struct err *err)
{
	char name[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	snprintf(name, sizeof(name), "%s/sysctl", rundir);
	dir = opendir(name);
	if (!dir)
		return errno == ENOENT || errno == EACCES
			       ? 0
			       : err_errno(err, errno, "read directory '%s'", name);
	while (r == 0 && (entry = readdir(dir))) {
		_cleanup_close_ int fd = -1;
		struct fact_sysctl *s, saved = { 0 };
		size_t len = strlen(entry->d_name);

		/* a half-written one ends in '~'; elsewhere it may be a device's name */
		if (strncmp(entry->d_name, "net:", 4) || entry->d_name[len - 1] == '~' ||
		    copy_string(saved.path, sizeof(saved.path), entry->d_name) < 0)
			continue;
		for (char *p = saved.path; *p; p++)
			if (*p == ':')
				*p = '/';
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 || read_saved(fd, &saved) < 0 || !saved.before[0])
			continue;
		s = VEC_PUSH(&f->sysctls);
		if (s)
			*s = saved;
		else
			r = err_errno(err, ENOMEM, "read directory '%s'", name);
	}
	closedir(dir);
	return r;
}
