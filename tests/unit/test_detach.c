/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A detached process is nobody's child here, and has a session of its own. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/detach.h"
#include "unit.h"

struct news {
	pid_t pid, sid, parent;
};

static struct news detached(void)
{
	struct news n = { 0 };
	int ends[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	r = detach_fork();
	if (r == 0) {
		n = (struct news){ .pid = getpid(), .sid = getsid(0), .parent = getppid() };
		_exit(send(ends[1], &n, sizeof(n), MSG_NOSIGNAL) != sizeof(n));
	}
	assert_int_equal(r, 1);
	assert_int_equal(recv(ends[0], &n, sizeof(n), 0), sizeof(n));
	close(ends[0]);
	close(ends[1]);
	return n;
}

static void test_no_child(void **state)
{
	struct news n = detached();

	(void)state;
	assert_int_not_equal(n.pid, getpid());
	assert_int_not_equal(n.sid, getsid(0));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A caller that ignores SIGCHLD has no child to wait for. */
static void test_child_signal_ignored(void **state)
{
	void (*before)(int) = signal(SIGCHLD, SIG_IGN);

	(void)state;
	assert_int_not_equal(detached().sid, getsid(0));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	signal(SIGCHLD, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_child),
		cmocka_unit_test(test_child_signal_ignored),
	};

	return RUN_TESTS(tests);
}
