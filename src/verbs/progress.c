/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/text.h"

void progress_tell(const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		text_print(stderr, "via-iface: %s\n", text);
}

bool progress_ready(int fd)
{
	return wait_readable(fd, PROGRESS_MS) != 0;
}
