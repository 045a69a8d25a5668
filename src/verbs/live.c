/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-verbs live-once DESTINATION4 DESTINATION6      ("-": none)
 *
 * What doctor --live runs in its session. It prints "ready", waits for a byte, sends, prints what
 * came back, a line each, and "done", and stays until its input ends, so that doctor can look at
 * the session. Datagrams of UDP with 2 and 3 hops end at the gateway and at the router behind it,
 * whose errors (ICMP, time exceeded) say who they are (ip(7), IP_RECVERR); an echo asks the
 * destination.
 *
 *   4 sent N · 4 error TEXT · 4 hop N ADDRESS · 4 answer ADDRESS · dns yes|no|none
 */
#include <arpa/inet.h>
#include <errno.h>
#include <time.h> /* before errqueue.h, which uses struct timespec */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "launch/program.h"
#include "model/ip.h"
#include "verbs/verbs.h"

#define WAIT_MS    1500
#define EACH       4     /* datagrams a distance: enough to be seen in counters */
#define FIRST_PORT 33434 /* traceroute(8) */
#define FAR        64

static const int distances[] = { 2, 3, FAR };

struct way {
	char family; /* as it is printed */
	struct ip to;
	int udp[ARRAY_SIZE(distances)], echo;
	unsigned int sent;
	bool near, answered;
};

static void fill(const struct ip *ip, uint16_t port, struct sockaddr_storage *ret, socklen_t *len)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

	memset(ret, 0, sizeof(*ret));
	memcpy(&four.sin_addr, ip->bytes, sizeof(four.sin_addr));
	memcpy(&six.sin6_addr, ip->bytes, sizeof(six.sin6_addr));
	*len = ip->family == AF_INET ? sizeof(four) : sizeof(six);
	memcpy(ret, ip->family == AF_INET ? (void *)&four : (void *)&six, *len);
}

static int open_to(const struct ip *ip, int protocol, uint16_t port, int hops)
{
	bool four = ip->family == AF_INET;
	_cleanup_close_ int fd =
		socket(ip->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	struct sockaddr_storage to;
	const int on = 1;
	socklen_t len;

	fill(ip, port, &to, &len);
	if (fd < 0 ||
	    setsockopt(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_TTL : IPV6_UNICAST_HOPS,
		       &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_RECVERR : IPV6_RECVERR, &on,
		       sizeof(on)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, len) < 0)
		return -errno;
	return steal_fd(&fd);
}

static void send_all(struct way *w)
{
	bool four = w->to.family == AF_INET;
	/* RFC 792, RFC 4443: the echo request; the kernel fills in identifier and checksum */
	unsigned char echo[16] = { four ? 8 : 128 };
	int code = 0;

	for (size_t i = 0; i < ARRAY_SIZE(distances); i++) {
		w->udp[i] = open_to(&w->to, 0, (uint16_t)(FIRST_PORT + i), distances[i]);
		for (int n = 0; n < EACH && w->udp[i] >= 0; n++) {
			if (send(w->udp[i], "via-iface", 9, 0) == 9)
				w->sent++;
			else
				code = errno;
		}
		if (w->udp[i] < 0)
			code = -w->udp[i];
	}
	w->echo = open_to(&w->to, four ? IPPROTO_ICMP : IPPROTO_ICMPV6, 0, FAR);
	if (w->echo >= 0 && send(w->echo, echo, sizeof(echo), 0) == sizeof(echo))
		w->sent++;
	printf("%c sent %u\n", w->family, w->sent);
	if (!w->sent)
		printf("%c error %s\n", w->family, strerror(code));
}

static void print_address(char family, const char *what, const struct sockaddr *from)
{
	char text[INET6_ADDRSTRLEN] = "";
	const void *bytes = from->sa_family == AF_INET
				    ? (const void *)&((const struct sockaddr_in *)from)->sin_addr
				    : (const void *)&((const struct sockaddr_in6 *)from)->sin6_addr;

	if (inet_ntop(from->sa_family, bytes, text, sizeof(text)))
		printf("%c %s %s\n", family, what, text);
}

/* An ICMP error of a router or the destination about one of the datagrams; false: there is none. */
static bool take_error(struct way *w, int fd, int hops)
{
	char control[512] __attribute__((aligned(16))), bytes[64], what[16];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };

	if (recvmsg(fd, &m, MSG_ERRQUEUE) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err e;

		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (e.ee_origin != SO_EE_ORIGIN_ICMP && e.ee_origin != SO_EE_ORIGIN_ICMP6)
			continue;
		snprintf(what, sizeof(what), "hop %d", hops);
		print_address(w->family, what,
			      SO_EE_OFFENDER((struct sock_extended_err *)CMSG_DATA(c)));
		w->near |= hops == 2;
	}
	return true;
}

static void take_all(struct way *w)
{
	unsigned char answer[64];

	for (size_t i = 0; i < ARRAY_SIZE(distances); i++)
		while (w->udp[i] >= 0 && take_error(w, w->udp[i], distances[i]))
			;
	while (w->echo >= 0 && take_error(w, w->echo, FAR))
		;
	if (w->echo >= 0 && !w->answered && recv(w->echo, answer, sizeof(answer), 0) > 0) {
		char text[IP_TEXT_MAX];

		w->answered = true;
		printf("%c answer %s\n", w->family, ip_format(&w->to, text));
	}
}

/* A question for the name servers of the root (RFC 1035, section 4): any server has an answer. */
static int ask_names(void)
{
	static const char question[] =
		"\x76\x69\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01";
	char line[256], word[INET6_ADDRSTRLEN];
	FILE *f = fopen("/etc/resolv.conf", "re");
	struct ip server;
	int fd = -ENOENT;

	while (f && fd == -ENOENT && fgets(line, sizeof(line), f))
		if (sscanf(line, "nameserver %45s", word) == 1 && ip_parse(word, &server) == 0)
			fd = open_to(&server, 0, 53, FAR);
	if (f)
		fclose(f);
	if (fd >= 0)
		(void)!send(fd, question, sizeof(question) - 1, 0);
	return fd;
}

/* Until each has its answers, or the time is over. */
static bool await_answers(struct way *ways, size_t n, int names)
{
	int64_t end = clock_ms() + WAIT_MS;
	bool named = false;
	char answer[512];

	for (;;) {
		struct pollfd fds[2 * (ARRAY_SIZE(distances) + 1) + 1];
		bool all = names < 0 || named;
		int64_t left = end - clock_ms();
		nfds_t count = 0;

		for (size_t i = 0; i < n; i++) {
			take_all(&ways[i]);
			all &= ways[i].answered && ways[i].near;
			for (size_t j = 0; j < ARRAY_SIZE(distances); j++)
				fds[count++] = (struct pollfd){ .fd = ways[i].udp[j] };
			fds[count++] = (struct pollfd){ .fd = ways[i].echo,
							.events = ways[i].answered ? 0 : POLLIN };
		}
		if (names >= 0 && !named)
			named = recv(names, answer, sizeof(answer), 0) > 12;
		/* poll(2) would report what a server that refuses left here, again and again */
		while (names >= 0 && recv(names, answer, sizeof(answer), MSG_ERRQUEUE) >= 0)
			;
		if (all || left <= 0)
			return named;
		fds[count++] = (struct pollfd){ .fd = named ? -1 : names, .events = POLLIN };
		poll(fds, count, (int)left);
	}
}

int verb_live_once(int argc, char *argv[])
{
	struct way ways[2] = { 0 };
	size_t n = 0;
	int names;
	bool named;
	char byte;

	if (argc != 3)
		return EXIT_VIA_FAILED;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		ways[n].family = i == 1 ? '4' : '6';
		n += ip_parse(argv[i], &ways[n].to) == 0;
	}
	puts("ready");
	if (read(STDIN_FILENO, &byte, 1) <= 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		send_all(&ways[i]);
	names = ask_names();
	named = await_answers(ways, n, names);
	printf("dns %s\ndone\n", names < 0 ? "none" : named ? "yes" : "no");
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
