/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LINKS_MAX 40 /* path_resolution(7) */
#define DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* What is still to be walked; a link's target takes the place of its name. */
struct rest {
	char text[2 * PATH_MAX];
	char *at;
};

static int set_rest(struct rest *r, const char *path, const char *behind)
{
	char text[sizeof(r->text)];
	int n = snprintf(text, sizeof(text), "%s%s%s", path, *behind ? "/" : "", behind);

	if (n >= (int)sizeof(text))
		return -ENAMETOOLONG;
	memcpy(r->text, text, (size_t)n + 1);
	r->at = r->text;
	return 0;
}

/* The next component, or NULL; r->at is behind it and the slashes that follow. */
static const char *next(struct rest *r)
{
	char *name;

	r->at += strspn(r->at, "/");
	if (!*r->at)
		return NULL;
	name = r->at;
	r->at += strcspn(r->at, "/");
	if (*r->at)
		*r->at++ = 0;
	r->at += strspn(r->at, "/");
	return name;
}

/* Goes where the link at fd leads. */
static int follow(int fd, const struct stat *st, struct rest *r, int *dir)
{
	char target[PATH_MAX];
	ssize_t n;

	if (st->st_uid != 0)
		return -ELOOP;
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	if (target[0] == '/') {
		close_fd(dir);
		*dir = open("/", DIRECTORY);
		if (*dir < 0)
			return -errno;
	}
	return set_rest(r, target, r->at);
}

static int open_as_root(const char *path, int flags)
{
	_cleanup_close_ int dir = open(*path == '/' ? "/" : ".", DIRECTORY);
	struct rest rest = { .at = rest.text };
	const char *name;
	int r = dir < 0 ? -errno : set_rest(&rest, path, ""), links = 0;

	while (r == 0 && (name = next(&rest))) {
		_cleanup_close_ int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			return -errno;
		if (S_ISLNK(st.st_mode)) {
			r = ++links > LINKS_MAX ? -ELOOP : follow(fd, &st, &rest, &dir);
			continue;
		}
		if (!*rest.at) { /* once more, as it is asked for */
			r = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
			return r < 0 ? -errno : r;
		}
		close_fd(&dir);
		dir = steal_fd(&fd);
	}
	if (r < 0)
		return r;
	r = openat(dir, ".", flags | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

int path_open(const char *path, int flags)
{
	int fd;

	if (geteuid() == 0)
		return open_as_root(path, flags);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int path_parent(const char *path, bool make, const char **ret_name)
{
	_cleanup_close_ int up = -1;
	const char *slash = strrchr(path, '/'), *name;
	char dir[PATH_MAX];
	int fd;

	if (!slash || !slash[1] ||
	    snprintf(dir, sizeof(dir), "%.*s", slash > path ? (int)(slash - path) : 1, path) >=
		    (int)sizeof(dir))
		return -EINVAL;
	*ret_name = slash + 1;
	fd = path_open(dir, O_PATH | O_DIRECTORY);
	if (fd != -ENOENT || !make)
		return fd;
	up = path_parent(dir, true, &name);
	if (up < 0)
		return up;
	if (mkdirat(up, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(up, name, DIRECTORY | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int path_unlink(const char *path)
{
	const char *name;
	_cleanup_close_ int dir = path_parent(path, false, &name);

	if (dir < 0)
		return dir;
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

int path_error(struct err *err, int code, const char *did, const char *path)
{
	int r = err_errno(err, -code, "%s '%s'", did, path);

	if (code == -ELOOP && err)
		err_hint(err, "root does not follow a symbolic link of another user");
	return r;
}
