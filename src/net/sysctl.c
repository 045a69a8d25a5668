/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"
#include "model/own.h"

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

void sysctl_dirs_open(struct sysctl_dirs *ret)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

	ret->ip4 = open("/proc/sys/net/ipv4", flags);
	ret->ip6 = open("/proc/sys/net/ipv6", flags);
	ret->known = true;
}

void sysctl_dirs_close(struct sysctl_dirs *d)
{
	if (!d->known)
		return;
	close_fd(&d->ip4);
	close_fd(&d->ip6);
	d->known = false;
}

const char *sysctl_name(const struct sysctl_dirs *dirs, const char *path, char buf[SYSCTL_NAME_MAX])
{
	static const char ip4[] = "net/ipv4/", ip6[] = "net/ipv6/";
	const size_t front = sizeof(ip4) - 1;
	int dir = -1;

	if (dirs && dirs->known && !strncmp(path, ip4, front))
		dir = dirs->ip4;
	else if (dirs && dirs->known && !strncmp(path, ip6, front))
		dir = dirs->ip6;
	if (dir < 0)
		snprintf(buf, SYSCTL_NAME_MAX, "/proc/sys/%s", path);
	else
		snprintf(buf, SYSCTL_NAME_MAX, "/proc/self/fd/%d/%s", dir, path + front);
	return buf;
}

static int open_sysctl(const struct sysctl_dirs *dirs, const char *path, int flags)
{
	char name[SYSCTL_NAME_MAX];
	int fd = open(sysctl_name(dirs, path, name), flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sysctl_read(const struct sysctl_dirs *dirs, const char *path, char *ret, size_t size)
{
	_cleanup_close_ int fd = open_sysctl(dirs, path, O_RDONLY);

	return fd < 0 ? fd : read_line(fd, ret, size);
}

int sysctl_open(const struct sysctl_dirs *dirs, const char *path)
{
	return open_sysctl(dirs, path, O_RDWR);
}

int sysctl_get(int fd, char *ret, size_t size)
{
	return read_line(fd, ret, size);
}

int sysctl_put(int fd, const char *value)
{
	size_t len = strlen(value);
	ssize_t n = pwrite(fd, value, len, 0); /* else only a write at the start counts */

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
		int index, struct err *err)
{
	char dir[PATH_MAX], name[PATH_MAX], self[32], text[128];
	int len = index ? snprintf(text, sizeof(text), "%s\n%s\n%d\n", before, value, index)
			: snprintf(text, sizeof(text), "%s\n%s\n", before, value);
	_cleanup_close_ int fd = -1;
	int r;

	if (!own_is_saved_sysctl(path)) /* then it would never be put back */
		return err_errno(err, EINVAL, "save sysctl %s", path);
	snprintf(dir, sizeof(dir), "%s/sysctl", rundir);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "make directory '%s'", dir);
	r = saved_name(rundir, path, "", name, sizeof(name));
	if (r < 0)
		return err_errno(err, -r, "name the saved value of sysctl %s", path);
	if (access(name, F_OK) == 0)
		return 0;
	/*
	 * rename(2) makes it appear whole or not at all; a daemon that is killed leaves no part of
	 * it
	 */
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

/* The device in a name net:FAMILY:conf:DEVICE:KEY, or in a path; NULL where there is none. */
static const char *device_in(const char *name, size_t *ret_len)
{
	static const char *const fronts[] = { ":conf:", "/conf/" };
	const char *at = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fronts) && !at; i++)
		at = strstr(name, fronts[i]);
	if (!at)
		return NULL;
	at += strlen(fronts[0]);
	*ret_len = strcspn(at, ":/");
	return at[*ret_len] ? at : NULL;
}

static bool is_of(const char *name, const char *device)
{
	size_t len = 0;
	const char *at = device_in(name, &len);

	return at && strlen(device) == len && !strncmp(at, device, len);
}

/* The same name with another device; false when that does not fit, or there is none in it. */
bool sysctl_with_device(const char *name, const char *device, char *ret, size_t size)
{
	size_t len = 0;
	const char *at = device_in(name, &len);

	return at && snprintf(ret, size, "%.*s%s%s", (int)(at - name), name, device, at + len) <
			     (int)size;
}

/* Not through a symbolic link, and without waiting for the other end of a FIFO. */
static int open_saved(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Whether a file is named after a sysctl of a device that we save, whatever its name is now. */
static bool is_saved_device(const char *name)
{
	char path[NAME_MAX + 1];

	if (!sysctl_with_device(name, "lo", path, sizeof(path)))
		return false;
	for (char *p = path; *p; p++)
		if (*p == ':')
			*p = '/';
	return own_is_saved_sysctl(path);
}

/* Lines: what it was, what we set, and of a device its number. */
static int read_saved(int fd, struct fact_sysctl *ret)
{
	char text[128], *second, *third;
	uint32_t index = 0;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) /* a FIFO, say, which O_NONBLOCK opened */
		return -EBADMSG;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = 0;
	second = strchr(text, '\n');
	if (!second)
		return -EBADMSG;
	*second++ = 0;
	third = strchr(second, '\n');
	if (third) {
		*third++ = 0;
		third[strcspn(third, "\n")] = 0;
		if (*third && parse_u32(third, 1, INT_MAX, &index) < 0)
			return -EBADMSG;
	}
	ret->index = (int)index;
	if (copy_string(ret->before, sizeof(ret->before), text) < 0)
		return -EBADMSG;
	return copy_string(ret->set, sizeof(ret->set), second);
}

/* The path as the kernel has it now; false when the device has gone, and the value with it. */
static bool name_now(const struct facts *f, struct fact_sysctl *s)
{
	const struct fact_link *l = s->index ? facts_link_by_index(f, s->index) : NULL;
	char path[SYSCTL_MAX];

	if (!s->index)
		return true;
	if (!l || !sysctl_with_device(s->path, l->name, path, sizeof(path)))
		return false;
	memcpy(s->path, path, sizeof(path));
	return true;
}

/*
 * Names of devices may have been exchanged: in the first round each file gets a name that no device
 * has.
 */
static int rename_saved(int dir, const char *name, const struct facts *f, bool first)
{
	_cleanup_close_ int fd = is_saved_device(name) ? open_saved(dir, name) : -1;
	struct fact_sysctl saved = { 0 };
	const struct fact_link *l;
	char between[32], fresh[NAME_MAX + 1];

	if (fd < 0 || read_saved(fd, &saved) < 0 || !saved.index)
		return 0;
	l = facts_link_by_index(f, saved.index);
	if (!l)
		return unlinkat(dir, name, 0) < 0 ? -errno : 0;
	if (is_of(name, l->name))
		return 0;
	snprintf(between, sizeof(between), "device-number-%d", saved.index); /* none is so long */
	if (!sysctl_with_device(name, first ? between : l->name, fresh, sizeof(fresh)))
		return -ENAMETOOLONG;
	return renameat(dir, name, dir, fresh) < 0 ? -errno : 0;
}

int sysctl_rename_saved(const char *rundir, const struct facts *f)
{
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%s/sysctl", rundir);
	for (int round = 0; round < 2; round++) {
		struct dirent **names = NULL;
		int one, n = scandir(path, &names, NULL, NULL);
		_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		for (int i = 0; i < n; i++) {
			one = !strncmp(names[i]->d_name, "net:", 4) && dir >= 0
				      ? rename_saved(dir, names[i]->d_name, f, round == 0)
				      : 0;
			r = one < 0 ? one : r;
			free(names[i]);
		}
		free(names);
		if (n < 0)
			return errno == ENOENT ? 0 : -errno;
	}
	return r;
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
		if (!own_is_saved_sysctl(saved.path) && !is_saved_device(entry->d_name))
			continue;
		fd = open_saved(dirfd(dir), entry->d_name);
		if (fd < 0 || read_saved(fd, &saved) < 0 || !saved.before[0] ||
		    !name_now(f, &saved) || !own_is_saved_sysctl(saved.path))
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
