/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/sock.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/parse.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* asm-generic/socket.h */
#endif

#define FDS_MAX 4 /* room for what a hostile peer may add, so that it is seen and closed */

static int unix_socket(const char *path, struct sockaddr_un *addr, struct err *err)
{
	int fd;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (copy_string(addr->sun_path, sizeof(addr->sun_path), path) < 0)
		return err_errno(err, ENAMETOOLONG, "use socket '%s'", path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd < 0 ? err_errno(err, errno, "open a socket") : fd;
}

int sock_listen(const char *path, struct err *err)
{
	struct sockaddr_un addr;
	_cleanup_close_ int fd = unix_socket(path, &addr, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_errno(err, EEXIST, "listen on '%s', which is no socket", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, errno, "remove the old socket '%s'", path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || chmod(path, 0666) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return err_errno(err, errno, "listen on '%s'", path);
	return steal_fd(&fd);
}

int sock_connect(const char *path, struct err *err)
{
	struct sockaddr_un addr;
	_cleanup_close_ int fd = unix_socket(path, &addr, err);

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_errno(err, errno, "connect to the daemon at '%s'", path);
	return steal_fd(&fd);
}

int sock_peer(int fd, struct ucred *ret, struct err *err)
{
	socklen_t len = sizeof(*ret);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &len) < 0)
		return err_errno(err, errno, "ask who is on the other side of the socket");
	return 0;
}

int sock_peer_groups(int fd, uint32_t **ret, size_t *ret_n, struct err *err)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t len = 0;

	static_assert(sizeof(gid_t) == sizeof(**ret), "groups are numbers of 32 bits");
	/* what does not fit is answered with the size that does; they do not change any more */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) < 0 && errno != ERANGE)
		return err_errno(err, errno, "ask for the groups of the other side");
	if (len) {
		groups = malloc(len);
		if (!groups)
			return err_errno(err, ENOMEM, "ask for the groups of the other side");
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
			return err_errno(err, errno, "ask for the groups of the other side");
	}
	*ret = steal_ptr(groups);
	*ret_n = len / sizeof(**ret);
	return 0;
}

int sock_pass_rights(int fd, bool on)
{
	int value = on;

	return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &value, sizeof(value)) < 0 ? -errno : 0;
}

int sock_send(int fd, const void *msg, size_t len, int pass)
{
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = len };
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (pass >= 0) {
		struct cmsghdr *c;

		h.msg_control = control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass, sizeof(int));
	}
	do
		n = sendmsg(fd, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* Takes all descriptors of a message into fds; returns how many there were. */
static size_t take_fds(struct msghdr *h, int fds[FDS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t bytes;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = c->cmsg_len - CMSG_LEN(0);
		for (size_t i = 0; i + sizeof(int) <= bytes && n < FDS_MAX; i += sizeof(int))
			memcpy(&fds[n++], CMSG_DATA(c) + i, sizeof(int));
	}
	return n;
}

ssize_t sock_recv(int fd, void *buf, size_t size, int *ret_fd)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	char control[CMSG_SPACE(FDS_MAX * sizeof(int))] __attribute__((aligned(8)));
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fds[FDS_MAX];
	size_t n_fds;
	ssize_t n;

	*ret_fd = -1;
	do
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	n_fds = take_fds(&h, fds);
	if (n_fds > 1 || h.msg_flags & MSG_CTRUNC) {
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		return -EBADMSG;
	}
	if (n_fds == 1)
		*ret_fd = fds[0];
	return n;
}
