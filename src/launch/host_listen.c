/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session's side of --host-port: listening sockets on the loopback addresses inside. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/link_watch.h"
#include "launch/host_ports.h"
#include "launch/loopback.h"

#define BACKLOG 128

/* What was made so far; descriptors of enum host_ports_descriptor. */
struct handed {
	int fds[HANDED_MAX];
	unsigned int n;
};

static void handed_done(const struct handed *h)
{
	for (unsigned int i = 0; i < h->n; i++)
		close_fd(&(int){ h->fds[i] });
}

/*
 * Bound to lo: the session's eth0 has route_localnet set for its name servers (plan/dns.c), and by
 * that device nobody is to reach these sockets.
 */
static int set_options(int fd, int family, bool udp)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", sizeof("lo")) < 0 ||
	    (family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    (!udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0))
		return -errno;
	return 0;
}

/* Returns the socket, or a negative errno. */
static int open_port(int family, const struct host_port *p)
{
	struct sockaddr_storage at;
	const socklen_t len = loopback_address(family, p->port, &at);
	_cleanup_close_ int fd =
		socket(family, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0);
	int r = fd < 0 ? -errno : set_options(fd, family, p->udp);

	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&at, len) < 0 || (!p->udp && listen(fd, BACKLOG) < 0))
		return -errno;
	return steal_fd(&fd);
}

/* Without IPv6 inside there is no ::1. */
static bool lacks_ip6(int family, int r)
{
	return family == AF_INET6 && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL);
}

static int open_ports(const struct host_ports *ports, bool joined, struct handed *h,
		      struct err *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const unsigned int n = host_ports_count(ports);

	for (unsigned int i = 0; i < 2 * n; i++) {
		const struct host_port *p = &ports->v[i / 2];
		const int family = families[i % 2];
		int r = open_port(family, p);

		if (r >= 0)
			h->fds[h->n++] = r;
		else if (!lacks_ip6(family, r) && !(joined && r == -EADDRINUSE))
			return err_errno(err, -r, "listen on %s:%u%s of the session (--host-port)",
					 family == AF_INET ? "127.0.0.1" : "[::1]",
					 (unsigned int)p->port, p->udp ? "/udp" : "");
	}
	return 0;
}

static int open_events(struct handed *h, struct err *err)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0)
		return err_errno(err, errno, "open this process for the helper of --host-port");
	h->fds[h->n++] = fd;
	fd = link_watch_open();
	if (fd < 0)
		return err_errno(err, -fd, "listen to links on a netlink socket");
	h->fds[h->n++] = fd;
	return 0;
}

static int send_all(int line, const struct handed *h, uint32_t id, struct err *err)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(h->fds))] = { 0 };
	struct host_ports_handed message = { .id = id };
	struct iovec part = { .iov_base = &message, .iov_len = sizeof(message) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(h->n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct stat netns;

	if (stat("/proc/self/ns/net", &netns) < 0)
		return err_errno(err, errno, "find this process's netns");
	message.netns = netns.st_ino;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(h->n * sizeof(int));
	memcpy(CMSG_DATA(c), h->fds, h->n * sizeof(int));
	if (sendmsg(line, &m, MSG_NOSIGNAL) < 0)
		return err_errno(err, errno, "hand the ports to the helper of --host-port");
	return 0;
}

int host_ports_hand_over(int line, const struct host_ports *ports, uint32_t id, bool joined,
			 struct err *err)
{
	struct handed h = { .n = 0 };
	int r = open_events(&h, err);

	if (r == 0)
		r = open_ports(ports, joined, &h, err);
	if (r == 0 && h.n > HANDED_SOCKETS)
		r = send_all(line, &h, id, err);
	handed_done(&h);
	close(line);
	return r;
}
