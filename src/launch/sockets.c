/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/parse.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define KIND_MAX 48

/* Linux Documentation/admin-guide/devices.txt: misc, /dev/net/tun */
#define TUN_MAJOR 10
#define TUN_MINOR 200

static void cleanup_closedir(DIR *const *dir)
{
	if (*dir)
		closedir(*dir);
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static const char *internet_kind(int type, int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP socket";
	case IPPROTO_UDP:
		return "UDP socket";
	case IPPROTO_SCTP:
		return "SCTP socket";
	case IPPROTO_MPTCP:
		return "MPTCP socket";
	default:
		return type == SOCK_DGRAM ? "ping socket" : "raw socket";
	}
}

/* Fills kind and returns true when the descriptor leads to the outside network. */
static bool leads_outside(int fd, char kind[KIND_MAX])
{
	int domain = option(fd, SO_DOMAIN);
	struct stat st;

	if (domain == AF_UNIX)
		return false;
	if (domain < 0) {
		if (errno != ENOTSOCK || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) ||
		    st.st_rdev != makedev(TUN_MAJOR, TUN_MINOR))
			return false;
		snprintf(kind, KIND_MAX, "tun device");
	} else if (domain == AF_INET || domain == AF_INET6) {
		snprintf(kind, KIND_MAX, "%s",
			 internet_kind(option(fd, SO_TYPE), option(fd, SO_PROTOCOL)));
	} else if (domain == AF_NETLINK) {
		snprintf(kind, KIND_MAX, "netlink socket");
	} else if (domain == AF_PACKET) {
		snprintf(kind, KIND_MAX, "packet socket");
	} else {
		snprintf(kind, KIND_MAX, "socket of family %d", domain);
	}
	return true;
}

int sockets_check(struct err *err)
{
	__attribute__((cleanup(cleanup_closedir))) DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	char kind[KIND_MAX];
	uint32_t fd;

	if (!dir)
		return err_errno(err, errno, "read the inherited descriptors in /proc/self/fd");
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		if (parse_u32(entry->d_name, 0, INT32_MAX, &fd) < 0 ||
		    !leads_outside((int)fd, kind))
			continue;
		err_set(err, EPERM, "descriptor %u is a %s of the outside network", fd, kind);
		return err_hint(err, "close it, or allow it with --allow-inherited-sockets");
	}
	if (errno)
		return err_errno(err, errno, "read the inherited descriptors in /proc/self/fd");
	return 0;
}
