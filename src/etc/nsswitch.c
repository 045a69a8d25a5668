/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etc/nsswitch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "etc/nss.h"

#define NSSWITCH_MAX (64u << 10)

int nsswitch_read(struct strbuf *ret, struct err *err)
{
	_cleanup_close_ int fd = open(NSSWITCH_PATH, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_errno(err, errno, "open '" NSSWITCH_PATH "'");
	text = malloc(NSSWITCH_MAX);
	if (!text)
		return err_errno(err, ENOMEM, "read '" NSSWITCH_PATH "'");
	while (len < NSSWITCH_MAX) {
		ssize_t n = read(fd, text + len, NSSWITCH_MAX - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read '" NSSWITCH_PATH "'");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len == NSSWITCH_MAX)
		return err_errno(err, EFBIG, "read '" NSSWITCH_PATH "'");
	nss_rewrite(text, len, ret);
	return 0;
}
