/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-verbs probe-once ADDR[:PORT]: one probe from the netns where this runs, which is that
 * of a session that a prober made for it. Exit status 0: there was an answer; 1: there was none.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "launch/probe.h"
#include "launch/program.h"
#include "verbs/verbs.h"

#define ANSWER_MS 2000

/* RFC 792, RFC 4443; the headers of both have a struct ip of their own, or an IFF_UP */
#define ICMP_ECHO           8
#define ICMP_ECHOREPLY      0
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY   129

/* Waits for that until a time of clock_ms(). */
static bool await(int fd, short events, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = until - clock_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n >= 0 || errno != EINTR)
			return n > 0;
	}
}

static int connect_to(const struct probe *p, int type, int protocol)
{
	_cleanup_close_ int fd =
		socket(p->ip.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(p->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(p->port) };
	bool is_four = p->ip.family == AF_INET;

	memcpy(&four.sin_addr, p->ip.bytes, sizeof(four.sin_addr));
	memcpy(&six.sin6_addr, p->ip.bytes, sizeof(six.sin6_addr));
	if (fd < 0 || (connect(fd, is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six,
			       is_four ? sizeof(four) : sizeof(six)) < 0 &&
		       errno != EINPROGRESS))
		return -errno;
	return steal_fd(&fd);
}

/*
 * A refusal is an answer too, since it came by that uplink. The connection is reset, not closed:
 * one that the kernel still has to close would keep the netns, and with it the probe session, for
 * minutes where the uplink is gone, and there is one probe session at a time.
 */
static bool ask_tcp(const struct probe *p, int64_t until)
{
	_cleanup_close_ int fd = connect_to(p, SOCK_STREAM, 0);
	const struct linger reset = { .l_onoff = 1 };
	socklen_t len = sizeof(int);
	int code = ETIMEDOUT;

	if (fd < 0)
		return fd == -ECONNREFUSED;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (!await(fd, POLLOUT, until) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		return false;
	return code == 0 || code == ECONNREFUSED;
}

/* The kernel hands a ping socket the answers to its own questions alone (icmp(7)). */
static bool ask_echo(const struct probe *p, int64_t until)
{
	bool four = p->ip.family == AF_INET;
	_cleanup_close_ int fd = connect_to(p, SOCK_DGRAM, four ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	/* type, code, checksum, identifier, sequence: the kernel fills in what is zero */
	unsigned char echo[16] = { four ? ICMP_ECHO : ICMPV6_ECHO_REQUEST };
	static const unsigned char payload[8] = { 0x76, 0x69, 0x61, 0x70, 0x72, 0x6f, 0x62, 0x65 };
	unsigned char answer[64];

	memcpy(echo + 8, payload, sizeof(payload));
	if (fd < 0 || send(fd, echo, sizeof(echo), 0) != sizeof(echo))
		return false;
	while (await(fd, POLLIN, until)) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false; /* an ICMP error: a router or the host says that it is
					 unreachable */
		if (n == sizeof(echo) && answer[0] == (four ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY) &&
		    !memcmp(answer + 8, payload, sizeof(payload)))
			return true;
	}
	return false;
}

int verb_probe_once(int argc, char *argv[])
{
	int64_t until = clock_ms() + ANSWER_MS;
	struct err err = { 0 };
	struct probe p;

	if (argc != 2 || probe_parse(argv[1], &p, &err) < 0)
		return EXIT_VIA_FAILED;
	return (p.port ? ask_tcp(&p, until) : ask_echo(&p, until)) ? 0 : 1;
}
