/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"

int etc_read(const char *path, char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	ssize_t n;

	*ret = NULL;
	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_errno(err, errno, "open '%s'", path);
	text = malloc(ETC_FILE_MAX);
	if (!text)
		return err_errno(err, ENOMEM, "read '%s'", path);
	n = read_up_to(fd, text, ETC_FILE_MAX);
	if (n < 0 || n == ETC_FILE_MAX)
		return err_errno(err, n < 0 ? (int)-n : EFBIG, "read '%s'", path);
	*ret = steal_ptr(text);
	*ret_len = (size_t)n;
	return 1;
}
