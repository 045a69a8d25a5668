/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <paths.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LINE_MAX_BYTES 1024 /* RFC 3164, 4.1 */

bool log_send(const char *path, const char *bytes, size_t len)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (fd < 0)
		return false;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	return sendto(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to,
		      sizeof(to)) >= 0;
}

void log_line(int priority, const char *format, ...)
{
	char line[LINE_MAX_BYTES], when[16] = "";
	time_t now = time(NULL);
	struct tm tm;
	size_t len;
	va_list ap;

	if (localtime_r(&now, &tm)) /* in English, whatever the locale (RFC 3164, 4.1.2) */
		strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm);
	len = (size_t)snprintf(line, sizeof(line), "<%d>%s %s[%d]: ", LOG_DAEMON | priority, when,
			       program_invocation_short_name, (int)getpid());
	va_start(ap, format);
	if (len < sizeof(line))
		vsnprintf(line + len, sizeof(line) - len, format, ap);
	va_end(ap);
	log_send(_PATH_LOG, line, strlen(line));
}
