/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	/* no FIFO that is waited for */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "read '%s': it is no regular file", path);
	text = malloc(max + 1);
	if (!text)
		return err_errno(err, ENOMEM, "read '%s'", path);
	for (;;) {
		ssize_t n = read(fd, text + len, max + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read '%s'", path);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return err_set(err, EFBIG, "read '%s': it is larger than %zu bytes", path,
				       max);
	}
	text[len] = 0;
	*ret = steal_ptr(text);
	*ret_len = len;
	return 0;
}

static int make_parents(const char *path, struct err *err)
{
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return err_set(err, ENAMETOOLONG, "make '%.60s…': its path is too long", path);
	for (char *slash = dir + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		/* basedir-spec: 0700 for what is made in a home */
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return err_errno(err, errno, "make directory '%s'", dir);
		*slash = '/';
	}
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int file_write(const char *path, const char *text, size_t len, struct err *err)
{
	_cleanup_close_ int fd = -1;
	char tmp[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int r = make_parents(path, err);

	if (r < 0)
		return r;
	/* a name that no desktop takes for an entry */
	if (snprintf(tmp, sizeof(tmp), "%.*s/.via-iface-XXXXXX", (int)(slash - path), path) >=
	    (int)sizeof(tmp))
		return err_set(err, ENAMETOOLONG, "write '%.60s…': its path is too long", path);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "write '%s'", path);
	r = write_all(fd, text, len);
	if (r == 0 && (fchmod(fd, 0644) < 0 || rename(tmp, path) < 0))
		r = -errno;
	if (r < 0) {
		unlink(tmp);
		return err_errno(err, -r, "write '%s'", path);
	}
	return 0;
}
