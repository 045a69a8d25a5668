/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define LISTEN_FIRST 3 /* SD_LISTEN_FDS_START */

/* A variable may be meant for a parent of ours: the one with _PID says whom it is for. */
static bool meant_for_us(const char *variable)
{
	const char *text = getenv(variable);
	uint32_t pid;

	return text && parse_u32(text, 1, INT_MAX, &pid) == 0 && (pid_t)pid == getpid();
}

static int option_of(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

int manager_socket(int *ret_fd, struct err *err)
{
	const char *text = getenv("LISTEN_FDS");
	uint32_t n = 0;
	int r = 0;

	*ret_fd = -1;
	if (!text || !meant_for_us("LISTEN_PID"))
		return 0;
	if (parse_u32(text, 0, INT_MAX, &n) < 0 || n > 1)
		r = err_set(err, EINVAL, "take the socket: LISTEN_FDS is '%s', not 1", text);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (r < 0 || n == 0)
		return r;
	if (fcntl(LISTEN_FIRST, F_SETFD, FD_CLOEXEC) < 0)
		return err_errno(err, errno, "take the socket that was passed on");
	if (option_of(LISTEN_FIRST, SO_DOMAIN) != AF_UNIX ||
	    option_of(LISTEN_FIRST, SO_TYPE) != SOCK_SEQPACKET ||
	    option_of(LISTEN_FIRST, SO_ACCEPTCONN) != 1) {
		err_set(err, EINVAL, "take the socket: it is no listening SOCK_SEQPACKET one");
		return err_hint(err, "the socket unit wants ListenSequentialPacket=");
	}
	*ret_fd = LISTEN_FIRST;
	return 0;
}

void manager_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	socklen_t len;

	if (!path || (path[0] != '/' && path[0] != '@') ||
	    copy_string(addr.sun_path, sizeof(addr.sun_path), path) < 0)
		return;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		addr.sun_path[0] = 0; /* abstract: its length ends it */
	else
		len++;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&addr, len);
}

unsigned int manager_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	uint64_t us;

	if (!text || parse_u64(text, UINT64_MAX, &us) < 0)
		return 0;
	if (getenv("WATCHDOG_PID") && !meant_for_us("WATCHDOG_PID"))
		return 0;
	us /= 1000;
	return us > INT_MAX ? INT_MAX : (unsigned int)us;
}
