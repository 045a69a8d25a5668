/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump serve PORT ADDRESS...               TCP: as the client's first byte says; UDP: echo
 * pump up|down ADDRESS PORT MS [DEVICE]    bulk for that long: prints bits per second
 * pump tcp|udp ADDRESS PORT COUNT [DEVICE] one byte to and fro: prints the median in nanoseconds
 *
 * With DEVICE the socket is bound to it (SO_BINDTODEVICE), as a program would that wants this way
 * out and has the rights for it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256 << 10)

static char buffer[CHUNK];

static void die(const char *what)
{
	fprintf(stderr, "pump: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* --- the far end --------------------------------------------------------------------------- */

/* Takes everything, and says how much it was; the bytes themselves are not copied. */
static void sink(int fd)
{
	uint64_t total = 0;
	ssize_t n;

	while ((n = recv(fd, buffer, CHUNK, MSG_TRUNC)) > 0)
		total += (uint64_t)n;
	if (write(fd, &total, sizeof(total)) < 0)
		die("answer");
}

static void serve_one(int fd)
{
	char mode;

	no_delay(fd);
	if (read(fd, &mode, 1) != 1)
		exit(0);
	if (mode == 'u')
		sink(fd);
	else if (mode == 'd')
		while (write(fd, buffer, CHUNK) > 0)
			;
	else
		while (read(fd, buffer, 1) == 1 && write(fd, buffer, 1) == 1)
			;
	exit(0);
}

/* An IPv4 address as IPv6 has it, for sockets that take both. */
static struct sockaddr_in6 to_sockaddr(const char *address, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	char text[64];

	snprintf(text, sizeof(text), "%s%s", strchr(address, ':') ? "" : "::ffff:", address);
	if (inet_pton(AF_INET6, text, &a.sin6_addr) != 1)
		die(address);
	return a;
}

static int open_socket(int type)
{
	int fd = socket(AF_INET6, type, 0), on = 1, off = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		die("socket");
	return fd;
}

static int listen_on(int type, const char *address, uint16_t port)
{
	struct sockaddr_in6 a = to_sockaddr(address, port);
	int fd = open_socket(type);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 64) < 0))
		die("listen");
	return fd;
}

static void echo_datagrams(int fd)
{
	for (;;) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buffer, CHUNK, 0, (struct sockaddr *)&from, &len);

		if (n >= 0)
			sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

/* UDP is bound to each address: an answer from another one would be taken for one of another peer.
 */
static void serve(uint16_t port, char **addresses)
{
	int tcp = listen_on(SOCK_STREAM, "::", port);

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (; *addresses; addresses++) {
		int udp = listen_on(SOCK_DGRAM, *addresses, port);

		if (fork() == 0)
			echo_datagrams(udp);
		close(udp);
	}
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int fd = accept(tcp, NULL, NULL);

		if (fd >= 0 && fork() == 0)
			serve_one(fd);
		close(fd);
	}
}

/* --- the near end -------------------------------------------------------------------------- */

static int connect_to(int type, const char *address, uint16_t port, const char *dev, char mode)
{
	struct sockaddr_in6 a = to_sockaddr(address, port);
	int fd = open_socket(type);

	if (dev && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, (socklen_t)strlen(dev)) < 0)
		die("bind to the device");
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die("connect");
	if (type == SOCK_STREAM) {
		no_delay(fd);
		if (write(fd, &mode, 1) != 1)
			die("write");
	}
	return fd;
}

static void up(int fd, long long ms)
{
	long long start = now(), end = start + ms * 1000000;
	uint64_t total;

	while (now() < end)
		if (write(fd, buffer, CHUNK) < 0)
			die("write");
	shutdown(fd, SHUT_WR);
	if (read(fd, &total, sizeof(total)) != sizeof(total))
		die("read");
	printf("%.0f\n", (double)total * 8e9 / (double)(now() - start));
}

static void down(int fd, long long ms)
{
	long long start = now(), end = start + ms * 1000000, t;
	uint64_t total = 0;

	while ((t = now()) < end) {
		ssize_t n = recv(fd, buffer, CHUNK, MSG_TRUNC);

		if (n <= 0)
			die("read");
		total += (uint64_t)n;
	}
	printf("%.0f\n", (double)total * 8e9 / (double)(t - start));
}

static int compare(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void ping_pong(int fd, long count)
{
	long long *took = calloc((size_t)count, sizeof(*took));
	struct timeval patience = { .tv_sec = 1 };
	char byte = 0;

	if (!took)
		die("calloc");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (long i = 0; i < count; i++) {
		long long start = now();

		if (send(fd, &byte, 1, 0) != 1 || recv(fd, &byte, 1, 0) != 1)
			die("ping-pong");
		took[i] = now() - start;
	}
	qsort(took, (size_t)count, sizeof(*took), compare);
	printf("%lld\n", took[count / 2]);
	free(took);
}

int main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "", *dev = argc > 5 ? argv[5] : NULL;
	uint16_t port;

	if (argc > 3 && !strcmp(what, "serve"))
		serve((uint16_t)atoi(argv[2]), argv + 3);
	if (argc < 5)
		return 2;
	port = (uint16_t)atoi(argv[3]);
	if (!strcmp(what, "up"))
		up(connect_to(SOCK_STREAM, argv[2], port, dev, 'u'), atol(argv[4]));
	else if (!strcmp(what, "down"))
		down(connect_to(SOCK_STREAM, argv[2], port, dev, 'd'), atol(argv[4]));
	else if (!strcmp(what, "tcp"))
		ping_pong(connect_to(SOCK_STREAM, argv[2], port, dev, 'e'), atol(argv[4]));
	else if (!strcmp(what, "udp"))
		ping_pong(connect_to(SOCK_DGRAM, argv[2], port, dev, 'e'), atol(argv[4]));
	else
		return 2;
	return 0;
}
