/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections are closed whatever is in their queue, by a number of children that has a limit. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/fd_receive.h"
#include "ipc/sock.h"
#include "unit.h"

#define PERSON 1000

/* A connection with a descriptor in its queue; the pipe's end tells when that is let go of. */
static int with_descriptor(int *ret_peer, int *ret_pipe)
{
	int pair[2], fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fd_receive_prepare(pair[0], NULL), 0);
	assert_int_equal(sock_send(pair[1], "hello", 5, fds[1]), 0);
	close(fds[1]);
	*ret_peer = pair[1];
	*ret_pipe = fds[0];
	return pair[0];
}

/* Whether the other end of the pipe is closed within a while. */
static bool gone(int pipe, int ms)
{
	struct pollfd fd = { .fd = pipe };

	return poll(&fd, 1, ms) == 1 && fd.revents & POLLHUP;
}

static void wait_for_none(struct fd_receivers *p)
{
	for (int i = 0; i < 5000 && (p->n || p->n_parked); i++) {
		fd_receive_reap(p);
		poll(NULL, 0, 1);
	}
	assert_int_equal(p->n, 0);
	assert_int_equal(p->n_parked, 0);
}

static void test_nothing_queued(void **state)
{
	static struct fd_receivers p = { .max_parked = FD_RECEIVE_PARKED_MAX };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fd_receive_prepare(pair[0], NULL), 0);
	assert_int_equal(sock_send(pair[1], "hello", 5, -1), 0);
	fd_receive_close(&p, pair[0], PERSON);
	assert_int_equal(p.n, 0);
	assert_int_equal(fcntl(pair[0], F_GETFD), -1);
	close(pair[1]);
}

static void test_counted(void **state)
{
	static struct fd_receivers p = { .max_parked = FD_RECEIVE_PARKED_MAX };
	int peer, pipe, conn = with_descriptor(&peer, &pipe);

	(void)state;
	assert_false(gone(pipe, 0));
	fd_receive_close(&p, conn, PERSON);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.v[0].person, PERSON);
	assert_int_equal(fcntl(conn, F_GETFD), -1);
	assert_true(gone(pipe, 5000));
	wait_for_none(&p);
	close(peer);
	close(pipe);
}

/* Children that do not end: ours never will. */
static void test_limit(void **state)
{
	static struct fd_receivers p = { .max_parked = 3 };
	int peers[5], pipes[5];

	(void)state;
	for (size_t i = 0; i < FD_RECEIVERS_PER_PERSON_MAX; i++) {
		p.v[p.n].pid = getpid();
		p.v[p.n++].person = PERSON;
	}
	for (int i = 0; i < 3; i++)
		fd_receive_close(&p, with_descriptor(&peers[i], &pipes[i]), PERSON);
	assert_int_equal(p.n, FD_RECEIVERS_PER_PERSON_MAX);
	assert_int_equal(p.n_parked, 3);
	fd_receive_reap(&p);
	assert_int_equal(p.n_parked, 3);
	assert_false(gone(pipes[0], 0));
	/* no place to wait in: as ever, by one more */
	fd_receive_close(&p, with_descriptor(&peers[3], &pipes[3]), PERSON);
	assert_int_equal(p.n_parked, 3);
	assert_true(gone(pipes[3], 5000));
	/* another person's does not wait for them */
	fd_receive_close(&p, with_descriptor(&peers[4], &pipes[4]), PERSON + 1);
	assert_true(gone(pipes[4], 5000));
	/* one ended: one child closes all that waited */
	p.n = 0;
	fd_receive_reap(&p);
	assert_int_equal(p.n_parked, 0);
	assert_int_equal(p.n, 1);
	for (int i = 0; i < 3; i++)
		assert_true(gone(pipes[i], 5000));
	wait_for_none(&p);
	for (int i = 0; i < 5; i++) {
		close(peers[i]);
		close(pipes[i]);
	}
}

static void test_done(void **state)
{
	static struct fd_receivers p = { .max_parked = 3 };
	int peer, pipe;

	(void)state;
	for (size_t i = 0; i < FD_RECEIVERS_PER_PERSON_MAX; i++)
		p.v[p.n++].person = PERSON;
	fd_receive_close(&p, with_descriptor(&peer, &pipe), PERSON);
	assert_int_equal(p.n_parked, 1);
	fd_receive_done(&p);
	assert_int_equal(p.n_parked, 0);
	assert_true(gone(pipe, 5000));
	close(peer);
	close(pipe);
}

static void test_refused_by_the_kernel(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	if (sock_pass_rights(pair[0], false) == 0) {
		assert_int_equal(sock_send(pair[1], "hello", 5, pair[1]), -EPERM);
		assert_int_equal(sock_send(pair[1], "hello", 5, -1), 0);
		assert_int_equal(sock_pass_rights(pair[0], true), 0);
	}
	assert_int_equal(sock_send(pair[1], "hello", 5, pair[1]), 0);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_queued),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_done),
		cmocka_unit_test(test_refused_by_the_kernel),
	};

	return RUN_TESTS(tests);
}
