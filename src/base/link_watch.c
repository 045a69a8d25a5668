/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/link_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

int link_watch_open(void)
{
	const struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&links, sizeof(links)) < 0)
		return -errno;
	return steal_fd(&fd);
}

bool link_watch_gone(int fd, const char *name, unsigned int index)
{
	char bytes[1], now[IFNAMSIZ];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS ||
	       errno == EINTR)
		;
	return !index || !if_indextoname(index, now) || strcmp(now, name) != 0;
}
