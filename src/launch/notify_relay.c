/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/notify_relay.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MESSAGE_MAX 65536
#define FDS_MAX     253 /* SCM_MAX_FD of the kernel */
#define TURN_MAX    64  /* datagrams for one call: who sends without an end does not keep us */

int notify_relay_open(const char *address, const char *path, struct notify_relay *ret,
		      struct err *err)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	struct notify_relay n = { .to = { .sun_family = AF_UNIX } };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int on = 1;
	size_t len = strlen(address);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return err_errno(err, errno, "make a socket for NOTIFY_SOCKET");
	if (len > sizeof(n.to.sun_path) ||
	    snprintf(own.sun_path, sizeof(own.sun_path), "%s", path) >= (int)sizeof(own.sun_path))
		return err_errno(err, ENAMETOOLONG, "make a socket for NOTIFY_SOCKET");
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return err_errno(err, errno, "bind a socket to '%s'", path);
	memcpy(n.to.sun_path + 1, address + 1, len - 1);
	n.to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	n.fd = steal_fd(&fd);
	*ret = n;
	return 0;
}

/* The descriptors of a message; how many. */
static size_t descriptors(struct msghdr *m, int **ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			*ret = (int *)(void *)CMSG_DATA(c);
			return (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		}
	return 0;
}

/* Without the sender's credentials the kernel puts ours there (net/unix/af_unix.c:unix_skb_to_scm).
 */
static void drop_credentials(struct msghdr *m, size_t n_fds, const int *fds,
			     char control[CMSG_SPACE(sizeof(int) * FDS_MAX)])
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)control;

	m->msg_control = n_fds ? control : NULL;
	m->msg_controllen = n_fds ? CMSG_SPACE(sizeof(int) * n_fds) : 0;
	if (!n_fds)
		return;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
}

static void pass_one(const struct notify_relay *n, struct msghdr *m, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	int *fds = NULL;
	size_t n_fds = descriptors(m, &fds);
	struct sockaddr_un to = n->to;
	struct msghdr bare = *m;

	m->msg_iov->iov_len = len;
	m->msg_name = bare.msg_name = &to;
	m->msg_namelen = bare.msg_namelen = n->to_len;
	if (sendmsg(n->fd, m, MSG_NOSIGNAL) < 0 && errno == EPERM) {
		drop_credentials(&bare, n_fds, fds, control);
		(void)sendmsg(n->fd, &bare, MSG_NOSIGNAL);
	}
	m->msg_name = NULL;
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
}

void notify_relay_pass(const struct notify_relay *n)
{
	_Alignas(struct cmsghdr) char
		control[CMSG_SPACE(sizeof(int) * FDS_MAX) + CMSG_SPACE(sizeof(struct ucred))];
	char text[MESSAGE_MAX];

	for (int i = 0; i < TURN_MAX; i++) {
		struct iovec part = { .iov_base = text, .iov_len = sizeof(text) };
		struct msghdr m = { .msg_iov = &part,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
		ssize_t len = recvmsg(n->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

		if (len < 0)
			return;
		pass_one(n, &m, (size_t)len);
	}
}
