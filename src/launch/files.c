/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "launch/paths.h"

int file_read_stat(const char *path, size_t max, char **ret, size_t *ret_len, struct stat *ret_st,
		   struct err *err)
{
	/* no FIFO that is waited for */
	_cleanup_close_ int fd = path_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return path_error(err, fd < 0 ? fd : -errno, "read", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "read '%s': it is no regular file", path);
	text = malloc(max + 1);
	if (!text)
		return err_errno(err, ENOMEM, "read '%s'", path);
	n = read_up_to(fd, text, max + 1);
	if (n < 0)
		return err_errno(err, (int)-n, "read '%s'", path);
	if ((size_t)n > max)
		return err_set(err, EFBIG, "read '%s': it is larger than %zu bytes", path, max);
	text[n] = 0;
	*ret = steal_ptr(text);
	*ret_len = (size_t)n;
	*ret_st = st;
	return 0;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	struct stat ignored;

	return file_read_stat(path, max, ret, ret_len, &ignored, err);
}

/* A new file beside the one that it is to become, under a name that no desktop takes for an entry.
 */
static int make_beside(int dir, char name[NAME_MAX])
{
	for (int tries = 0; tries < 100; tries++) {
		uint64_t number = 0;
		int fd;

		if (getrandom(&number, sizeof(number), 0) < 0)
			return -errno;
		snprintf(name, NAME_MAX, ".via-iface-%016" PRIx64, number);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd < 0 ? -errno : fd;
	}
	return -EEXIST;
}

int file_write(const char *path, const char *text, size_t len, struct err *err)
{
	_cleanup_close_ int dir = -1, fd = -1;
	char tmp[NAME_MAX];
	const char *name;
	int r;

	dir = path_parent(path, true, &name);
	if (dir < 0)
		return path_error(err, dir, "make the directory of", path);
	fd = make_beside(dir, tmp);
	if (fd < 0)
		return path_error(err, fd, "write", path);
	r = write_all(fd, text, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && (fchmod(fd, 0644) < 0 || renameat(dir, tmp, dir, name) < 0))
		r = -errno;
	if (r < 0)
		unlinkat(dir, tmp, 0);
	return r < 0 ? path_error(err, r, "write", path) : 0;
}
